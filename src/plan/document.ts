import { canonicalJson, digestOf } from '../core/canonical.ts';
import { BellhopError } from '../core/errors.ts';
import { parseEndpoint } from '../wire/endpoint.ts';
import { isRecord } from '../wire/read.ts';
import type { Plan } from './types.ts';
import { PLAN_VERSION } from './types.ts';

/** Features of plans that this reader carries out. */
const FEATURES: readonly string[] = ['completion-index', 'hyperparameters', 'metrics-relay'];

/** A digest that a document must have, and the variable that says so, for messages. */
export interface Expected {
  readonly digest: string;
  readonly by: string;
}

/** The plan as a document: canonical JSON (RFC 8785) with its digest, and a newline. */
export function printPlan(plan: Plan): string {
  return `${canonicalJson({ ...plan, digest: planDigest(plan) })}\n`;
}

/** SHA-256 over the canonical JSON of the plan without its digest. */
export function planDigest(plan: Plan): string {
  return digestOf(canonicalJson(plan));
}

/**
 * Reads a plan document. Its digest must fit, and `expected` too if it is given; a reader refuses a
 * version that it does not know and features that it cannot carry out.
 */
export function readPlan(text: string, name: string, expected?: Expected): Plan {
  const refuse = (what: string): BellhopError => {
    return new BellhopError('BH_ERR_PLAN', { where: [name], what });
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw refuse('is not JSON');
  }
  if (!isRecord(parsed)) throw refuse('is not a plan');
  const { digest, ...plan } = parsed;
  if (plan['apiVersion'] !== PLAN_VERSION) {
    throw refuse(`has a version that this bellhop does not read (it reads ${PLAN_VERSION})`);
  }
  const real = digestAsWritten(text, digest) ?? digestOf(canonicalJson(plan));
  if (digest !== real) throw refuse('its digest does not fit its content: it was changed');
  if (expected !== undefined && expected.digest !== real) {
    throw refuse(`is another plan than ${expected.by} says (it is ${real})`);
  }
  const { requires } = plan;
  const unknown = Array.isArray(requires)
    ? requires.filter((one) => !FEATURES.includes(String(one)))
    : [];
  if (unknown.length > 0) throw refuse(`needs what this bellhop cannot do: ${unknown.join(', ')}`);
  const lacking = shapeProblem(plan);
  if (lacking !== undefined) throw refuse(lacking);
  // Checked member by member just now.
  return plan as unknown as Plan;
}

/**
 * The digest of a document that is canonical as it stands, if it is the one that it names: without
 * the text of that member it is what was digested. Making canonical JSON anew costs a start of 200
 * variables 4 ms.
 */
function digestAsWritten(text: string, digest: unknown): string | undefined {
  const member = `"digest":${JSON.stringify(digest)},`;
  const at = text.indexOf(member);
  if (at < 0) return undefined;
  const real = digestOf(`${text.slice(0, at)}${text.slice(at + member.length)}`.trimEnd());
  return real === digest ? real : undefined;
}

type Kind = 'string' | 'number' | 'list' | 'object';
/** Pairs, because every start goes through them for every placement. */
type Shape = readonly (readonly [member: string, kind: Kind])[];

const PLAN_SHAPE: Shape = [
  ['origin', 'object'],
  ['stores', 'object'],
  ['policy', 'object'],
  ['image', 'object'],
  ['identity', 'object'],
  ['workingDir', 'string'],
  ['placements', 'list'],
];
const METRICS_SHAPE: Shape = [['tags', 'string']];
const RELAY_SHAPE: Shape = [
  ['listen', 'list'],
  ['taken', 'string'],
  ['tags', 'object'],
  ['forward', 'list'],
];
const MOUNT_SHAPE: Shape = [
  ['path', 'string'],
  ['rule', 'string'],
];
const REFERENCE_SHAPE: Shape = [
  ['store', 'string'],
  ['path', 'string'],
];
const BOUND_SHAPE: Shape = [
  ['reference', 'object'],
  ['called', 'string'],
];
const FILE_SHAPE: Shape = [
  ['path', 'string'],
  ['mode', 'number'],
  ['source', 'object'],
  ['rule', 'string'],
];

/** What each kind of placement must have; a kind that is not here cannot be carried out. */
const PLACEMENT_SHAPES: ReadonlyMap<unknown, Shape> = new Map<unknown, Shape>([
  [
    'variable',
    [
      ['layer', 'string'],
      ['name', 'string'],
      ['source', 'object'],
      ['rule', 'string'],
    ],
  ],
  [
    'variables',
    [
      ['layer', 'string'],
      ['prefix', 'string'],
      ['bound', 'object'],
      ['rule', 'string'],
    ],
  ],
  [
    'argv',
    [
      ['command', 'list'],
      ['args', 'list'],
    ],
  ],
  [
    'directory',
    [
      ['volume', 'string'],
      ['medium', 'string'],
      ['contents', 'list'],
      ['mounts', 'list'],
    ],
  ],
  ['file', [...FILE_SHAPE, ['medium', 'string']]],
]);
const CONTENT_SHAPES: ReadonlyMap<unknown, Shape> = new Map<unknown, Shape>([
  ['file', FILE_SHAPE],
  [
    'files',
    [
      ['mode', 'number'],
      ['bound', 'object'],
      ['rule', 'string'],
    ],
  ],
]);
const SOURCE_SHAPES: ReadonlyMap<unknown, Shape> = new Map<unknown, Shape>([
  ['template', [['text', 'string']]],
  ['text', [['text', 'string']]],
  ['annotations', [['entries', 'object']]],
  ['labels', [['entries', 'object']]],
  ['index', [['of', 'string']]],
  ['value', [['bound', 'object']]],
  ['absent', [['called', 'string']]],
  ['start', [['targets', 'list']]],
  ['envFile', [['names', 'list']]],
  ['launcher', []],
  ['hyperparameters', [['bound', 'object']]],
]);

/** The first thing in which the document is no plan. */
function shapeProblem(plan: Record<string, unknown>): string | undefined {
  const lists = [plan['policy'], plan['identity']].map((one) => (isRecord(one) ? one : {}));
  const [policy = {}, identity = {}] = lists;
  return (
    lackOf(plan, PLAN_SHAPE, 'the plan') ??
    lackOf(policy, [['stripEnv', 'list']], 'policy') ??
    lackOf(identity, [['supplementalGroups', 'list']], 'identity') ??
    indexProblem(plan['index']) ??
    metricsProblem(plan['metrics']) ??
    first(plan['placements'], (one) => placementProblem(one))
  );
}

function indexProblem(index: unknown): string | undefined {
  if (index === undefined) return undefined;
  if (!isRecord(index)) return 'has an index that is no object';
  const { otherwise = '', below = 1, toldBy = [] } = index;
  const isRight = typeof otherwise === 'string' && typeof below === 'number' && isTexts(toldBy);
  return isRight
    ? undefined
    : 'has an index of which otherwise, below or toldBy is of another type';
}

function metricsProblem(metrics: unknown): string | undefined {
  if (metrics === undefined) return undefined;
  if (!isRecord(metrics)) return 'has metrics that are no object';
  const { statsd, relay } = metrics;
  return (
    lackOf(metrics, METRICS_SHAPE, 'metrics') ??
    (statsd === undefined ? undefined : addressProblem('metrics.statsd', statsd)) ??
    (relay === undefined ? undefined : relayProblem(relay))
  );
}

function relayProblem(relay: unknown): string | undefined {
  if (!isRecord(relay)) return 'has a relay that is no object';
  const lacking = lackOf(relay, RELAY_SHAPE, 'a relay');
  if (lacking !== undefined) return lacking;
  const { listen, tags, forward } = relay;
  if (!isTexts(Object.values(Object(tags)))) return 'has metrics.relay.tags that are no texts';
  const own = firstOf(listen, (one) => addressProblem('metrics.relay.listen', one));
  return (
    own ??
    first(forward, (one) => {
      const called = 'metrics.relay.forward';
      return addressProblem(called, one['listen']) ?? addressProblem(called, one['to']);
    })
  );
}

function addressProblem(called: string, value: unknown): string | undefined {
  const read = typeof value === 'string' ? parseEndpoint(value) : 'must be a text';
  return typeof read === 'string' ? `has ${called} that is no address: ${read}` : undefined;
}

function placementProblem(placement: Record<string, unknown>): string | undefined {
  const { source, bound, nested = [], unless = [] } = placement;
  return (
    kindProblem(placement, PLACEMENT_SHAPES, 'placement') ??
    (isTexts(nested) ? undefined : 'has nested folders that are no list of texts') ??
    (isTexts(unless) ? undefined : 'has an `unless` that is no list of texts') ??
    valueProblem(source, bound) ??
    first(placement['contents'] ?? [], (one) => {
      return (
        kindProblem(one, CONTENT_SHAPES, 'content') ?? valueProblem(one['source'], one['bound'])
      );
    }) ??
    first(placement['mounts'] ?? [], (one) => lackOf(one, MOUNT_SHAPE, 'a mount'))
  );
}

function valueProblem(source: unknown, bound: unknown): string | undefined {
  if (isRecord(source)) {
    const problem = kindProblem(source, SOURCE_SHAPES, 'source');
    const isBound = source['kind'] === 'value' || source['kind'] === 'hyperparameters';
    if (problem !== undefined || !isBound) return problem;
    return valueProblem(undefined, source['bound']);
  }
  if (!isRecord(bound)) return undefined;
  const reference = isRecord(bound['reference']) ? bound['reference'] : {};
  return lackOf(bound, BOUND_SHAPE, 'a value') ?? lackOf(reference, REFERENCE_SHAPE, 'a reference');
}

function kindProblem(
  value: Record<string, unknown>,
  shapes: ReadonlyMap<unknown, Shape>,
  called: string,
): string | undefined {
  const shape = shapes.get(value['kind']);
  if (shape === undefined) return `has a ${called} of a kind that this bellhop does not know`;
  return lackOf(value, shape, `a ${called}`);
}

function first(
  list: unknown,
  problem: (one: Record<string, unknown>) => string | undefined,
): string | undefined {
  return firstOf(list, (one) => {
    return isRecord(one) ? problem(one) : 'has something in a list that is no object';
  });
}

function firstOf(list: unknown, problem: (one: unknown) => string | undefined): string | undefined {
  for (const one of Array.isArray(list) ? list : []) {
    const found = problem(one);
    if (found !== undefined) return found;
  }
  return undefined;
}

function lackOf(value: Record<string, unknown>, shape: Shape, called: string): string | undefined {
  const lacking = shape.find(([name, kind]) => !isOf(value[name], kind));
  return lacking === undefined ? undefined : `lacks ${lacking[0]} in ${called}`;
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function isOf(value: unknown, kind: Kind): boolean {
  if (kind === 'list') return Array.isArray(value);
  return kind === 'object' ? isRecord(value) : typeof value === kind;
}
