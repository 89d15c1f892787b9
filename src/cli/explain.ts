import { BellhopError, judge } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { printable, renderWarning } from '../core/report.ts';
import { declare } from '../entrypoint/declare.ts';
import type { Declared } from '../entrypoint/declare.ts';
import { gather } from '../entrypoint/gather.ts';
import { selectAll, selectValue } from '../entrypoint/select.ts';
import { EMBEDDED } from '../plan/bind.ts';
import { boundsOf } from '../plan/bounds.ts';
import { explainPlan } from '../plan/explain.ts';
import type { Explanation, KeysOf } from '../plan/explain.ts';
import type { Reference } from '../plan/types.ts';
import type { Command } from './command.ts';
import { DECLARE_FLAGS, declareOptions, needManifest } from './declare-flags.ts';
import { bold, renderTable } from './table.ts';
import type { Table } from './table.ts';

const command: Command = {
  name: 'explain',
  summary: 'Tell for each variable and file which rule put it there, and from where',
  usage: '-f pod.yaml [-c bellhop.yaml] [FLAGS]',
  about: [
    'Never prints a value. Keys of objects in the input are known; those of other stores are shown as',
    '`*` unless --fetch asks for them.',
  ].join('\n'),
  flags: {
    ...DECLARE_FLAGS,
    fetch: { help: 'ask the stores for the names of the keys' },
    output: { short: 'o', value: 'FORMAT', help: 'table or json (default: table)' },
  },
  wordsMax: 0,
  takesCommand: false,
  example: [
    '$ bellhop explain -f app.yaml',
    'VARIABLE  FROM                                          RULE',
    'API_KEY   embedded:secret/default/api-key, key key      spec.containers[0].env[1]',
  ].join('\n'),
  async run(io, given) {
    const format = given.text('output') ?? 'table';
    if (format !== 'table' && format !== 'json') {
      throw new BellhopError('BH_ERR_USAGE', { where: ['--output'], what: 'is table or json' });
    }
    const options = declareOptions(given);
    needManifest(options);
    const declared = await declare(io, options);
    for (const warning of declared.warnings) io.stderr(renderWarning(warning, given.log));
    const { keysOf, problems } = await keysFrom(io, declared, given.has('fetch'));
    const explanation = explainPlan(declared.plan, keysOf);
    if (format === 'json') io.stdout(`${JSON.stringify(explanation, undefined, 2)}\n`);
    else io.stdout(explanationText(explanation, lookOf(io)));
    judge(problems);
    return 0;
  },
};

export default command;

interface Keys {
  readonly keysOf: KeysOf;
  /** What a start would be refused for; told after the explanation. */
  readonly problems: BellhopError[];
}

/** Key names: of the input's objects always, of other stores after they were asked. */
async function keysFrom(io: Io, declared: Declared, fetch: boolean): Promise<Keys> {
  const { plan, objects } = declared;
  const isAsked = (reference: Reference): boolean => fetch || reference.store === EMBEDDED;
  const answers = await gather(plan, { io, objects, only: isAsked });
  const problems = boundsOf(plan.placements)
    .filter(({ bound }) => isAsked(bound.reference))
    .map(({ bound, all }) => (all ? selectAll(answers, bound) : selectValue(answers, bound)))
    .filter((one) => one instanceof BellhopError);
  const keysOf: KeysOf = (bound) => {
    if (!isAsked(bound.reference)) return undefined;
    const { member: _, ...whole } = bound;
    const all = selectAll(answers, whole);
    return all === 'absent' || all instanceof BellhopError ? [] : [...all.keys()];
  };
  return { keysOf, problems };
}

/** How it is shown: on a terminal in colours (unless NO_COLOR is set) and within its width. */
interface Look {
  readonly colours: boolean;
  readonly columnsMax: number;
}

function lookOf(io: Io): Look {
  const isTerminal = io.isTerminal(1);
  const off = io.arrival.env.some((entry) =>
    /^NO_COLOR=./.test(Buffer.from(entry).toString('latin1')),
  );
  return { colours: isTerminal && !off, columnsMax: isTerminal ? io.columns() : Infinity };
}

function explanationText(explanation: Explanation, look: Look): string {
  const { origin, argv, identity, variables, files } = explanation;
  const head = `${origin.kind} ${origin.name}, container ${origin.container} (namespace ${origin.namespace})`;
  const variableRows = variables.map((one) => {
    const overridden = one.overrides.map((rule) => `overrides ${rule}`);
    return [one.name, one.from, one.rule, [...overridden, ...one.notes].join('; ')];
  });
  const fileRows = files.map((one) => [
    one.path,
    one.mode,
    one.from,
    one.rule,
    one.notes.join('; '),
  ]);
  const words = printable(argv.words.map(quoted).join(' '));
  const parts = [
    bold(printable(head), look.colours),
    `argv      ${words}\n          from ${argv.from}\nidentity  ${identity}`,
    titled({ headings: ['VARIABLE', 'FROM', 'RULE', 'NOTES'], rows: variableRows }, look),
    titled({ headings: ['FILE', 'MODE', 'FROM', 'RULE', 'NOTES'], rows: fileRows }, look),
  ];
  return `${parts.join('\n\n')}\n`;
}

function titled(table: Table, look: Look): string {
  if (table.rows.length === 0) return `no ${table.headings[0]?.toLowerCase()}s`;
  const [headings = '', ...rows] = renderTable(table, look.columnsMax).split('\n');
  return [bold(headings, look.colours), ...rows].join('\n');
}

/** A word as a shell would need it, so that empty and blank ones are seen. */
function quoted(word: string): string {
  return /^[\w@%+=:,./$()-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
