import { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { printable } from '../core/report.ts';
import { readInput } from '../entrypoint/inputs.ts';
import { replaceFile } from '../entrypoint/report-file.ts';
import { diff } from '../parity/diff.ts';
import type { Difference, Group } from '../parity/diff-types.ts';
import { readSnapshot, SNAPSHOT_BYTES_MAX } from '../parity/document.ts';
import type { DiffReport } from '../parity/report.ts';
import { ASPECT_NAMES, GROUP_NAMES, GROUPS, reportOf, verdictOf } from '../parity/report.ts';
import type { Snapshot } from '../parity/types.ts';
import type { Command } from './command.ts';
import type { Look } from './look.ts';
import { lookOf, titled } from './look.ts';
import { platformVariables } from './platform-variables.ts';
import { bold } from './table.ts';

const command: Command = {
  name: 'diff',
  summary: 'Compare two snapshots: what differs, whose it is, and what to do about it',
  usage: 'LEFT RIGHT [-o table|json] [--html FILE] [--strict]',
  about: [
    'LEFT and RIGHT are files of `bellhop snapshot`, taken with the same key; by custom the left one',
    "is of Kubernetes. Each difference is one that must not be, or the platform's own (service",
    'variables, HOSTNAME, /etc/hosts …), or allowed by policy (a link instead of a mount …,',
    'each by the name of its rule).',
    '',
    'The exit code is 0 where there is none that must not be and everything could be compared, and 1',
    "otherwise; with --strict the platform's own and what policy allows count as well.",
  ].join('\n'),
  flags: {
    output: { short: 'o', value: 'FORMAT', help: 'table or json (default: table)' },
    json: { help: 'the same as -o json' },
    html: { value: 'FILE', help: 'write a page as well: both trees side by side, with filters' },
    strict: { help: 'any difference at all makes the exit code 1' },
    show: { help: 'tell the values, where the snapshots were taken with --show' },
  },
  wordsMax: 2,
  takesCommand: false,
  example: [
    '$ bellhop diff kubernetes.json batch.json',
    'Must not differ',
    'KIND      WHAT    LEFT               RIGHT  REASON',
    'variable  DB_URL  28 bytes 6f1c09ab         only on the left: it may be a key of what …',
    '',
    '1 difference that must not be.',
  ].join('\n'),
  async run(io, given) {
    const format = given.has('json') ? 'json' : (given.text('output') ?? 'table');
    if (format !== 'table' && format !== 'json') {
      throw new BellhopError('BH_ERR_USAGE', { where: ['--output'], what: 'is table or json' });
    }
    const [first, second] = given.words;
    if (first === undefined || second === undefined) {
      const what = 'needs two snapshots: LEFT and RIGHT';
      const help = 'see `bellhop diff --help`';
      throw new BellhopError('BH_ERR_USAGE', { where: ['bellhop diff'], what, help });
    }
    const snapshots = [open(io, first), open(io, second)] as const;
    const comparison = diff(...snapshots, await platformVariables());
    const report = reportOf(comparison, {
      files: [first, second],
      strict: given.has('strict'),
      show: given.has('show'),
    });
    const page = given.text('html');
    if (page !== undefined) {
      const { diffPage } = await import('../parity/page.ts');
      replaceFile(io, {
        flag: '--html',
        file: page,
        text: diffPage(report, comparison.pair),
        mode: given.has('show') ? PAGE_MODE_SHOWN : PAGE_MODE,
        read: [
          ['LEFT', first],
          ['RIGHT', second],
        ],
      });
    }
    if (format === 'json') io.stdout(`${JSON.stringify(report, undefined, 2)}\n`);
    else io.stdout(tableText(report, lookOf(io)));
    return report.equal ? 0 : 1;
  },
};

export default command;

function open(io: Io, file: string): Snapshot {
  return readSnapshot(new TextDecoder().decode(readInput(io, file, SNAPSHOT_BYTES_MAX)), file);
}

const PAGE_MODE = 0o644;
/** With values: as that of a snapshot. */
const PAGE_MODE_SHOWN = 0o600;

function tableText(report: DiffReport, look: Look): string {
  const parts = [
    ...GROUPS.flatMap((group) => groupText(report, group, look)),
    ...(report.incomplete.length === 0
      ? []
      : [[bold('Not compared', look.colours), ...report.incomplete.map(printable)].join('\n')]),
    verdictOf(report),
  ];
  return `${parts.join('\n\n')}\n`;
}

const HEADINGS = ['KIND', 'WHAT', 'LEFT', 'RIGHT'];

function groupText({ differences }: DiffReport, group: Group, look: Look): string[] {
  const own = differences.filter((one) => one.group === group);
  if (own.length === 0) return [];
  const isOurs = group === 'must-not-differ';
  const headings = [...HEADINGS, ...(isOurs ? ['REASON', 'REMEDY'] : ['RULE'])];
  const rows = own.map((one) => [
    ...cells(one),
    ...(isOurs ? [one.reason, one.remedy] : [one.rule ?? '']),
  ]);
  return [`${bold(GROUP_NAMES[group], look.colours)}\n${titled({ headings, rows }, look)}`];
}

/** Absent is `–`: an empty cell would look like an empty value. */
function cells({ kind, name, aspect, left = '–', right = '–' }: Difference): string[] {
  const of = ASPECT_NAMES[aspect];
  return [kind, of === '' ? name : `${name} (${of})`, left, right];
}
