import { BellhopError, judge } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { printable, renderWarning } from '../core/report.ts';
import type { AnswerAnnotations } from '../entrypoint/annotated.ts';
import { declare } from '../entrypoint/declare.ts';
import type { Declared, DeclareOptions } from '../entrypoint/declare.ts';
import type { Answers as StoreAnswers } from '../entrypoint/answers.ts';
import { answerKey, levelsOf } from '../entrypoint/answers.ts';
import { gather } from '../entrypoint/gather.ts';
import { selectAll, selectValue } from '../entrypoint/select.ts';
import { EMBEDDED } from '../plan/bind.ts';
import { boundsOf } from '../plan/bounds.ts';
import { explainPlan } from '../plan/explain.ts';
import type { Explanation, KeysOf } from '../plan/explain.ts';
import { formatReference } from '../plan/reference.ts';
import type { Reference } from '../plan/types.ts';
import type { Command, Given } from './command.ts';
import { DECLARE_FLAGS, declareOptions, needManifest } from './declare-flags.ts';
import type { Answers } from './explain-secrets.ts';
import { explainSecrets, secretsText } from './explain-secrets.ts';
import type { Look } from './look.ts';
import { lengthText, lookOf, titled } from './look.ts';
import { bold } from './table.ts';

const command: Command = {
  name: 'explain',
  summary: 'Tell for each variable and file which rule put it there, and from where',
  usage: '-f pod.yaml [-c bellhop.yaml] [FLAGS]',
  about: [
    'Never prints a value. Keys of objects in the input are known; those of other stores are shown as',
    '`*` unless --fetch asks for them. --fetch also tells which version each store gave, and for how',
    'long what it lends is valid.',
    '',
    "Where the pod has Flyte's annotations, it tells what each secret manager said of each secret.",
    '--webhook explains the answer of `bellhop webhook` instead: what it adds to the pod, and why.',
  ].join('\n'),
  flags: {
    ...DECLARE_FLAGS,
    fetch: { help: 'ask the stores for the names of the keys' },
    target: {
      value: 'NAME',
      help: 'also what of it fits into the request of this target, and why not',
    },
    webhook: { help: "the webhook's answer, with the same bellhop.yaml" },
    user: { value: 'NAME', help: 'with --webhook: who creates the pod' },
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
    const asJson = format === 'json';
    if (given.has('webhook')) {
      const { explainWebhook } = await import('./explain-webhook.ts');
      await explainWebhook(io, given, { options, asJson });
      return 0;
    }
    if (given.text('user') !== undefined) {
      throw new BellhopError('BH_ERR_USAGE', { where: ['--user'], what: 'is for --webhook' });
    }
    await explain(io, given, { options, asJson });
    const named = given.text('target');
    if (named === undefined) return 0;
    if (asJson) {
      const what = 'is for the table; `bellhop submit --dry-run` prints the same as JSON';
      throw new BellhopError('BH_ERR_USAGE', { where: ['--target'], what });
    }
    const { explainTarget } = await import('./submit-explain.ts');
    await explainTarget(io, named, options);
    return 0;
  },
};

export default command;

async function explain(
  io: Io,
  given: Given,
  { options, asJson }: { readonly options: DeclareOptions; readonly asJson: boolean },
): Promise<void> {
  const { declared, answers } = await declareTelling(io, options, asJson);
  for (const warning of declared.warnings) io.stderr(renderWarning(warning, given.log));
  const { keysOf, problems, facts } = await keysFrom(io, declared, given.has('fetch'));
  const explanation = explainPlan(declared.plan, keysOf);
  if (asJson) {
    const more = {
      ...(facts.length === 0 ? {} : { references: facts }),
      ...(answers === undefined ? {} : { flyte: flyteData(answers) }),
    };
    io.stdout(`${JSON.stringify({ ...explanation, ...more }, undefined, 2)}\n`);
  } else io.stdout(explanationText(explanation, { facts, answers }, lookOf(io)));
  judge(problems);
}

interface Telling {
  readonly declared: Declared;
  /** Where the pod's annotations ask for secrets. */
  readonly answers: Answers | undefined;
}

/** What secret managers said is told also where nobody delivers a secret. */
async function declareTelling(io: Io, options: DeclareOptions, asJson: boolean): Promise<Telling> {
  let answers: Answers | undefined;
  const annotations: AnswerAnnotations = async (pod) => {
    const { answerAnnotations } = await import('./annotations.ts');
    return answerAnnotations(pod, ({ settings: { profile }, managers, outcomes }) => {
      answers = { profile, managers, outcomes };
    });
  };
  try {
    const declared = await declare(io, { ...options, annotations });
    return { declared, answers };
  } catch (error) {
    if (answers !== undefined) {
      const data = { flyte: flyteData(answers) };
      const text = asJson ? JSON.stringify(data, undefined, 2) : secretsText(answers, lookOf(io));
      io.stdout(`${text}\n`);
    }
    throw error;
  }
}

function flyteData(answers: Answers): unknown {
  const { profile, managers } = answers;
  return { profile, managers, secrets: explainSecrets(answers) };
}

interface Keys {
  readonly keysOf: KeysOf;
  /** What a start would be refused for; told after the explanation. */
  readonly problems: BellhopError[];
  readonly facts: readonly ReferenceFacts[];
}

/** What a store told of a value beside it. */
interface ReferenceFacts {
  readonly reference: string;
  readonly version?: string;
  /** How long it is lent for, from now. */
  readonly leaseMs?: number;
}

/** Key names: of the input's objects always, of other stores after they were asked. */
async function keysFrom(io: Io, declared: Declared, fetch: boolean): Promise<Keys> {
  const { plan, objects } = declared;
  const isAsked = (reference: Reference): boolean => fetch || reference.store === EMBEDDED;
  const { answers } = await gather(plan, { io, objects, only: isAsked });
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
  return { keysOf, problems, facts: factsOf(declared, answers) };
}

/** Of the reference that was used: a fallback may have stood in. */
function factsOf({ plan }: Declared, answers: StoreAnswers): ReferenceFacts[] {
  const told = boundsOf(plan.placements).flatMap(({ bound }) => {
    const given = answers.get(answerKey(bound));
    const used = given === undefined ? undefined : levelsOf(bound)[given.level];
    const answer = given?.answer;
    if (used === undefined || (answer?.kind !== 'value' && answer?.kind !== 'map')) return [];
    const { key: _, ...whole } = used;
    return answer.facts === undefined
      ? []
      : [{ reference: formatReference(whole), ...answer.facts }];
  });
  return [...new Map(told.map((one) => [one.reference, one])).values()];
}

function explanationText(
  explanation: Explanation,
  { facts, answers }: { readonly facts: readonly ReferenceFacts[] } & Pick<Telling, 'answers'>,
  look: Look,
): string {
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
  const lent = facts.map(({ reference, version = '', leaseMs }) => {
    return [reference, version, leaseMs === undefined ? '' : lengthText(leaseMs)];
  });
  const words = printable(argv.words.map(quoted).join(' '));
  const parts = [
    bold(printable(head), look.colours),
    `argv      ${words}\n          from ${argv.from}\nidentity  ${identity}`,
    ...(answers === undefined ? [] : [secretsText(answers, look)]),
    titled({ headings: ['VARIABLE', 'FROM', 'RULE', 'NOTES'], rows: variableRows }, look),
    titled({ headings: ['FILE', 'MODE', 'FROM', 'RULE', 'NOTES'], rows: fileRows }, look),
    ...(lent.length === 0
      ? []
      : [titled({ headings: ['REFERENCE', 'VERSION', 'LENT FOR'], rows: lent }, look)]),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** A word as a shell would need it, so that empty and blank ones are seen. */
function quoted(word: string): string {
  return /^[\w@%+=:,./$()-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
