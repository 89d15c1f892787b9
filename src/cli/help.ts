import type { Command, Flags } from './command.ts';
import { COMMON_FLAGS } from './parse.ts';

/** The help of one command: a sentence, usage, flags, one transcript. */
export function commandHelp(command: Command): string {
  const parts = [
    `${command.summary}.`,
    `Usage: bellhop ${command.name} ${command.usage}`,
    command.about,
    flagTable({ ...command.flags, ...COMMON_FLAGS }),
    `Example:\n${indent(command.example)}`,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** The help of all commands. */
export function mainHelp(commands: readonly Command[], version: string): string {
  const width = Math.max(...commands.map((one) => one.name.length));
  const rows = commands.map((one) => `  ${one.name.padEnd(width)}  ${one.summary}`);
  return [
    `bellhop ${version}: a Kubernetes pod's secrets and configuration, on any platform.`,
    '',
    'Usage: bellhop COMMAND [FLAGS]',
    '',
    'Commands:',
    ...rows,
    '',
    'See `bellhop COMMAND --help`. Errors carry a code; exit codes follow sysexits(3).',
    '',
  ].join('\n');
}

function flagTable(flags: Flags): string {
  const rows = Object.entries(flags).map(([name, flag]) => {
    const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
    const value = flag.value === undefined ? '' : ` ${flag.value}`;
    return { left: `${short}--${name}${value}`, help: flag.help };
  });
  const width = Math.max(...rows.map(({ left }) => left.length));
  return ['Flags:', ...rows.map(({ left, help }) => `  ${left.padEnd(width)}  ${help}`)].join('\n');
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n');
}
