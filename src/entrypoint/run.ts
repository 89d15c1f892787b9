import { BellhopError, problemsOf } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import type { LogFormat } from '../core/report.ts';
import { renderWarning } from '../core/report.ts';
import { NO_TRACE } from '../core/trace.ts';
import type { Declared, DeclareOptions } from './declare.ts';
import { execDocument, execEnvironment, noCommand, rawArguments } from './exec-document.ts';
import { isKubernetes } from './platform.ts';
import type { OpenMetrics } from './metrics.ts';
import type { StoresContext } from './open-store.ts';
import type { PlanPlace } from './plan-source.ts';
import type { Tracing } from './tracing.ts';

/** What `bellhop run` was asked to do. */
export interface RunOptions extends DeclareOptions {
  readonly plan?: string;
  /** Index of the first word of the user's command in argv, undefined where there is none. */
  readonly commandAt?: number;
  /** The same where these words are arguments instead of the plan's. */
  readonly argumentsAt?: number;
  readonly log: LogFormat;
  readonly verbose: boolean;
  /** The folder that becomes the program's root. */
  readonly root?: string;
  /** The file that the trace of the start is written to; its ending says how. */
  readonly trace?: string;
  /** bellhop's own, for the trace. */
  readonly version?: string;
  /** Who does what the plan's `metrics` ask for; nothing is done where absent. */
  readonly metrics?: OpenMetrics;
  /** What the container was found to be; looked for only where it is asked. */
  readonly platform?: StoresContext['platform'];
}

const DEFAULT_PLAN = '/etc/bellhop/plan.json';

/** Delivers what the container was promised and becomes the user's program; never returns. */
export async function run(io: Io, options: RunOptions): Promise<never> {
  const overrides = overridesIn(io);
  const source = findSource(io, options, overrides);
  if (source.kind === 'plan' || source.kind === 'elsewhere') refuseUnusedFlags(options);
  if (source.kind === 'nothing' && overrides === undefined) {
    if (options.root !== undefined) throw nothingInside();
    return passThrough(io, options);
  }
  const tracing = await tracingOf(io, options);
  const reading = tracing.trace.begin({ kind: 'plan', name: 'read the declaration' });
  try {
    const jitter = ownVariables(io).get('BELLHOP_JITTER_MS');
    if (jitter !== undefined) await (await import('./spread.ts')).spread(io, jitter);
    // Loaded only now: a start without a plan costs next to nothing.
    const { carryOut } = await import('./carry-out.ts');
    const declared = await declaredBy(io, { source, overrides }, { ...options, tracing });
    reading.end('ok');
    return await carryOut(io, declared, { ...commanded(io, source, options), tracing });
  } catch (error) {
    reading.end('failed');
    await tracing.finish(problemsOf(error));
    throw error;
  }
}

/** Where nobody looks. */
const NO_TRACING: Tracing = {
  trace: NO_TRACE,
  know: () => undefined,
  finish: async () => undefined,
};

/** What watching a start takes is loaded only where somebody asked for it. */
async function tracingOf(io: Io, options: RunOptions): Promise<Tracing> {
  const file = traceFile(io, options);
  if (file === undefined && !hasCollector(io)) return NO_TRACING;
  const { openTracing } = await import('./tracing.ts');
  return openTracing(io, options, file);
}

/**
 * `--trace`, then BELLHOP_TRACE. What neither ends in .html nor in .json is refused as a flag; as a
 * variable, which may be of the whole fleet, it is a warning.
 */
function traceFile(io: Io, options: RunOptions): string | undefined {
  const what = 'must end in .html (a page) or .json (the same as data)';
  const isFit = (file: string): boolean => /\.(html|json)$/.test(file);
  if (options.trace !== undefined) {
    if (isFit(options.trace)) return options.trace;
    throw new BellhopError('BH_ERR_USAGE', { where: ['--trace', options.trace], what });
  }
  const file = ownVariables(io).get('BELLHOP_TRACE');
  if (file === undefined || isFit(file)) return file;
  io.stderr(renderWarning(`BELLHOP_TRACE ${what}; no trace is written`, options.log));
  return undefined;
}

function hasCollector(io: Io): boolean {
  return io.arrival.env.some((entry) => {
    return /^OTEL_EXPORTER_OTLP_(TRACES_)?ENDPOINT=./.test(Buffer.from(entry).toString('latin1'));
  });
}

/**
 * Where the image's ENTRYPOINT is bellhop, a platform adds words of its own behind it: none of the
 * program's (`plan`). Where a request starts it, they are those of a later one (`args`).
 */
function commanded(io: Io, source: PlanSource, options: RunOptions): RunOptions {
  const whose = ownVariables(io).get('BELLHOP_COMMAND');
  if (source.kind === 'manifests' || (whose !== 'plan' && whose !== 'args')) return options;
  const { commandAt, ...others } = options;
  const isArguments = whose === 'args' && commandAt !== undefined;
  return { ...others, ...(isArguments ? { argumentsAt: commandAt } : {}) };
}

async function declaredBy(
  io: Io,
  { source, overrides }: Sources,
  options: RunOptions & { readonly tracing: Tracing },
): Promise<Declared> {
  if (source.kind === 'elsewhere' || overrides !== undefined) {
    const { declaredElsewhere } = await import('./overridden.ts');
    const { trace } = options.tracing;
    const { platform, manifests } = options;
    const context = { io, trace, ...(platform === undefined ? {} : { platform }) };
    const base = async (): Promise<Declared> => declaredBy(io, { source }, options);
    const isElsewhere = source.kind === 'elsewhere';
    const inFiles = source.kind === 'nothing' ? {} : { base };
    const of = isElsewhere ? { place: source } : inFiles;
    return declaredElsewhere(context, { ...of, overrides }, manifests);
  }
  if (source.kind === 'plan') {
    const { readPlanFile } = await import('./plan-file.ts');
    return readPlanFile(io, source, options.manifests);
  }
  const { declare } = await import('./declare.ts');
  return declare(io, options);
}

/** No plan, or Kubernetes has delivered already: the program starts with what is there. */
function passThrough(io: Io, options: RunOptions): never {
  if (options.commandAt === undefined) throw noCommand();
  const argv = rawArguments(io, options.commandAt);
  const env = execEnvironment(io, new Map(), []);
  return io.kernel.exec(execDocument({ argv, env, log: options.log }));
}

/** Where the plan comes from: manifests, a plan document, or nothing at all. */
type PlanSource =
  | { readonly kind: 'manifests' | 'nothing' }
  | { readonly kind: 'plan'; readonly path: string; readonly digest: string | undefined }
  | ({ readonly kind: 'elsewhere' } & PlanPlace);

/** Where the plan comes from, and what is over it. */
interface Sources {
  readonly source: PlanSource;
  readonly overrides?: PlanPlace | undefined;
}

/** What a request over the container's definition says, as `bellhop adapt` put it there. */
function overridesIn(io: Io): PlanPlace | undefined {
  const own = ownVariables(io);
  const named = own.get(OVERRIDES);
  if (isKubernetes(io)) return undefined;
  if (named === undefined) return refuseRemnants(own, OVERRIDES);
  // It is never written by hand: without its digest something was lost on the way.
  if (own.get(`${OVERRIDES}_DIGEST`) === undefined) throw lost(`${OVERRIDES}_DIGEST`, OVERRIDES);
  if (ELSEWHERE.test(named)) return { named, by: OVERRIDES, variable: OVERRIDES, own };
  const what = `must be inline:COUNT or store:path, and begins with ${JSON.stringify(named.slice(0, SHOWN_MAX))}`;
  throw new BellhopError('BH_ERR_INPUT_READ', { where: [OVERRIDES], what });
}

const OVERRIDES = 'BELLHOP_OVERRIDES';

/** Parts and stores of a plan that nothing points at: what did is lost, and not to be missed. */
function refuseRemnants(own: ReadonlyMap<string, string>, pointer: string): undefined {
  const remnants = [`${pointer}_STORES`, `${pointer}_1`];
  const left = remnants.find((name) => own.has(name));
  if (left !== undefined) throw lost(pointer, left);
  return undefined;
}

function lost(name: string, left: string): BellhopError {
  const what = `is not set, or empty, and ${left} is: something took it away`;
  return new BellhopError('BH_ERR_PLAN', { where: [name], what });
}

/** `--plan` or `-f`, then BELLHOP_PLAN, then /etc/bellhop/plan.json. */
function findSource(io: Io, options: RunOptions, overrides: PlanPlace | undefined): PlanSource {
  const declares = options.manifests.length > 0 || options.settings !== undefined;
  if (options.plan === undefined && declares) return { kind: 'manifests' };
  const env = ownVariables(io);
  if (options.plan !== undefined) return planAt(options.plan, '--plan', env);
  const isDone = isKubernetes(io);
  const named =
    env.get('BELLHOP_PLAN') ?? (isDone ? undefined : refuseRemnants(env, 'BELLHOP_PLAN'));
  const path = named ?? (io.fs.statThrough(DEFAULT_PLAN) ? DEFAULT_PLAN : undefined);
  if (path === undefined) return nothing(env, overrides);
  return isDone ? { kind: 'nothing' } : planAt(path, 'BELLHOP_PLAN', env);
}

function planAt(path: string, by: string, own: ReadonlyMap<string, string>): PlanSource {
  if (ELSEWHERE.test(path)) {
    return { kind: 'elsewhere', named: path, by, variable: 'BELLHOP_PLAN', own };
  }
  refuseNoPath(by, path);
  return { kind: 'plan', path, digest: own.get('BELLHOP_PLAN_DIGEST') };
}

/** `inline:3`, or `store:path`; a path with a colon is written `./a:b`. */
const ELSEWHERE = /^[A-Za-z0-9][-\w]*:(?!\/\/)[^\s]+$/;

/** PATH_MAX of Linux. */
const PATH_BYTES_MAX = 4096;
const SHOWN_MAX = 20;

/** A plan itself in the place of its path would be in the message as a whole. */
function refuseNoPath(called: string, path: string): void {
  if (!/^\s*\{|[\r\n]/.test(path) && Buffer.byteLength(path) < PATH_BYTES_MAX) return;
  const what = `must be the path of a plan, and begins with ${JSON.stringify(path.slice(0, SHOWN_MAX))}`;
  const help = 'write the plan to a file, and give the path of that';
  throw new BellhopError('BH_ERR_INPUT_READ', { where: [called], what, help });
}

function nothing(env: ReadonlyMap<string, string>, over: PlanPlace | undefined): PlanSource {
  const isContent = over !== undefined || (env.get('BELLHOP_REQUIRE') ?? '0') === '0';
  if (isContent) return { kind: 'nothing' };
  const what = `no -f, no --plan, no BELLHOP_PLAN and no ${DEFAULT_PLAN}`;
  throw new BellhopError('BH_ERR_NO_PLAN', { where: ['BELLHOP_REQUIRE is set'], what });
}

/** Without a declaration nothing says what the container of this root is to be. */
function nothingInside(): BellhopError {
  const what = `there is nothing to deliver: no -f, no --plan, no BELLHOP_PLAN, no ${DEFAULT_PLAN}`;
  return new BellhopError('BH_ERR_NO_PLAN', { where: ['--root'], what });
}

/** A plan says all of this itself; a flag that changes nothing is a mistake. */
function refuseUnusedFlags(options: RunOptions): void {
  const given = [
    ...(options.settings === undefined ? [] : ['--config']),
    ...(options.workload === undefined ? [] : ['--workload']),
    ...(options.container === undefined ? [] : ['--container']),
    ...(options.namespace === undefined ? [] : ['--namespace']),
    ...(options.fields.length === 0 ? [] : ['--field']),
    ...(options.node.length === 0 ? [] : ['--node']),
    ...(Object.keys(options.image).length === 0 ? [] : ['--image-…']),
  ];
  if (given.length === 0) return;
  const what = 'has no meaning with a plan, which says it itself';
  const help = 'give it to `bellhop plan`, when the plan is made';
  throw new BellhopError('BH_ERR_USAGE', { where: [given.join(', ')], what, help });
}

/** Compose files and task definitions write empty variables: such a one is not set. */
function ownVariables(io: Io): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const entry of io.arrival.env) {
    const text = Buffer.from(entry).toString('utf8');
    const equals = text.indexOf('=');
    const isOurs = text.startsWith('BELLHOP_') && equals > 0 && equals + 1 < text.length;
    if (isOurs) map.set(text.slice(0, equals), text.slice(equals + 1));
  }
  return map;
}
