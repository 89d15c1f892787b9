import { BellhopError, judge, problemsOf } from '../core/errors.ts';
import type { ExecDocument, Io, RelayDocument } from '../core/io/types.ts';
import { renderWarning } from '../core/report.ts';
import type { Plan } from '../plan/types.ts';
import { versionName } from '../plan/volume-tree.ts';
import { completionIndex } from './completion-index.ts';
import type { Declared } from './declare.ts';
import { deliver } from './deliver.ts';
import type { Delivery } from './delivery.ts';
import type { Environment } from './environment.ts';
import { bytesToText, computeEnvironment } from './environment.ts';
import type { Argument } from './exec-document.ts';
import { execDocument, execEnvironment, nameOf, noCommand, rawArguments } from './exec-document.ts';
import { gather, startBudget } from './gather.ts';
import type { Become } from './identity.ts';
import { whoToBecome } from './identity.ts';
import type { Metering } from './metrics.ts';
import { NO_METRICS, fallbacksOf, watchedBy } from './metrics.ts';
import { computeDelivery } from './payloads.ts';
import { apiServer } from './platform.ts';
import type { Inside, OwnRoot } from './own-root.ts';
import { withReplaced } from './replaced.ts';
import type { RunOptions } from './run.ts';
import { markedWords, podArguments, sizeProblems } from './start.ts';
import type { Tracing } from './tracing.ts';

/** What is carried out, and what it is seen by. */
type CarryOutOptions = RunOptions & { readonly tracing: Tracing };

/** Fetches, delivers and becomes the user's program; never returns. */
export async function carryOut(
  io: Io,
  declared: Declared,
  options: CarryOutOptions,
): Promise<never> {
  const { plan } = declared;
  const { tracing } = options;
  tracing.know(plan);
  for (const warning of declared.warnings) io.stderr(renderWarning(warning, options.log));
  const trace = watchedBy(tracing.trace, io, plan);
  const metering = await meteringOf(io, plan, options);
  const outcome = { fallbacks: 0 };
  try {
    const document = await delivered(io, declared, {
      ...options,
      tracing: { ...tracing, trace },
      metering,
      outcome,
    });
    await metering.tell({ ...outcome, spans: trace.spans(), problems: [] });
    await tracing.finish([]);
    return io.kernel.exec(document);
  } catch (error) {
    await metering.tell({ ...outcome, spans: trace.spans(), problems: problemsOf(error) });
    throw error;
  }
}

/** What metrics take is loaded only where the plan has some. */
async function meteringOf(io: Io, plan: Plan, options: CarryOutOptions): Promise<Metering> {
  const { metrics, version = 'unknown', log } = options;
  if (plan.metrics === undefined || metrics === undefined) return NO_METRICS;
  return metrics(io, { plan, version, log });
}

interface Delivering extends CarryOutOptions {
  readonly metering: Metering;
  readonly outcome: { fallbacks: number };
}

/** Everything is delivered: what is left is to become this. */
async function delivered(io: Io, declared: Declared, options: Delivering): Promise<ExecDocument> {
  const { plan } = declared;
  const { trace } = options.tracing;
  const ready = await prepare(io, declared, options);
  const document = execDocument({ ...ready, log: options.log });
  const relay = ready.relay === undefined ? {} : { relay: ready.relay };
  const delivering = trace.begin({ kind: 'deliver', name: 'writes and mounts' });
  const { done, document: place } = await written(io, plan, ready);
  delivering.end('ok');
  const { differences = [], how } = ready.root ?? {};
  if (options.verbose) {
    const all = [...differences, ...ready.become.differences, ...done.differences];
    tellDifferences(io, all, options);
  } else if (how === 'prefix') tellDifferences(io, differences, options);
  trace.begin({ kind: 'exec', name: 'become the program' }).end('ok');
  return { ...document, ...place, ...relay };
}

/** Here, or inside the root that is the program's own. */
async function written(io: Io, plan: Plan, { root, delivery }: Ready): Promise<Inside> {
  const cwd = plan.workingDir || plan.image.workingDir;
  const wanted = {
    readOnlyRoot: plan.identity.readOnlyRoot === true,
    ...(cwd ? { workingDir: cwd } : {}),
  };
  if (root === undefined) {
    return { done: deliver(io, delivery, wanted), document: cwd ? { cwd } : {} };
  }
  const { deliverInside } = await import('./own-root.ts');
  return deliverInside(io, root, { delivery, ...wanted });
}

async function rootOf(io: Io, plan: Plan, given: string | undefined): Promise<OwnRoot | undefined> {
  if (given === undefined) return undefined;
  const { openRoot } = await import('./own-root.ts');
  return openRoot(io, given, plan);
}

function tellDifferences(io: Io, differences: readonly string[], options: RunOptions): void {
  for (const one of differences) {
    io.stderr(renderWarning(`not as on Kubernetes: ${one}`, options.log));
  }
}

/** Everything that the start needs, at hand and checked; nothing was written yet. */
interface Ready {
  readonly argv: readonly Argument[];
  readonly env: readonly Argument[];
  readonly become: Become;
  readonly root: OwnRoot | undefined;
  readonly delivery: Delivery;
  readonly relay: RelayDocument | undefined;
}

async function prepare(io: Io, declared: Declared, options: Delivering): Promise<Ready> {
  const { plan, objects, words: overriding = [] } = declared;
  const root = await rootOf(io, plan, options.root);
  const nowMs = io.clock.now();
  const budget = startBudget(plan, io);
  const { metering, outcome } = options;
  const { trace } = options.tracing;
  const { platform } = options;
  const known = platform === undefined ? {} : { platform };
  const gathered = await gather(plan, { io, objects, budget, trace, ...known });
  const { answers, warnings, remember } = gathered;
  for (const warning of warnings) io.stderr(renderWarning(warning, options.log));
  outcome.fallbacks = fallbacksOf(answers);
  const inherited = apiServer(io);
  const arrived = arrivedNames(io, plan);
  const told = await completionIndex(io, plan, platform);
  const facts = { nowMs, ...(typeof told === 'string' ? { index: told } : {}) };
  const environment = computeEnvironment({ plan, answers, inherited, arrived, ...facts });
  const random = new DataView(io.random(4).buffer).getUint32(0);
  const version = versionName(nowMs, random);
  const files = computeDelivery({ plan, answers, environment, ...facts, version });
  const inside = root?.seen ?? io;
  const replacing: BellhopError[] = [];
  const replaced = withReplaced(inside.fs, files.delivery, replacing);
  const become = whoToBecome(plan, inside, hasOwnRoot(root) ? io : undefined);
  const argv = commandOf(io, { options, plan, environment, overriding });
  const env = execEnvironment(io, withHome(io, environment, become), plan.policy.stripEnv);
  const words = argv instanceof BellhopError ? [] : argv;
  judge([
    ...(told instanceof BellhopError ? [told] : []),
    ...environment.problems,
    ...files.problems,
    ...replacing,
    ...become.problems,
    ...(argv instanceof BellhopError ? [argv] : []),
    ...sizeProblems(io, words, env),
  ]);
  const forgotten = await remember();
  if (forgotten !== undefined) io.stderr(renderWarning(forgotten, options.log));
  const relay = await metering.relay();
  budget.end();
  const delivery = { ...replaced, owner: ownerOf(inside, become) };
  return { argv: words, env, become, root, relay, delivery };
}

/** What some variables are left out for; only where the plan has such. */
function arrivedNames(io: Io, { placements, policy }: Plan): ReadonlySet<string> {
  const asks = placements.some((one) => one.kind === 'variable' && one.unless !== undefined);
  const names = asks ? io.arrival.env.map(nameOf) : [];
  return new Set(names.filter((name) => !policy.stripEnv.includes(name)));
}

/** Below a prefix the program keeps the root of the machine, and its HOME. */
function hasOwnRoot(root: OwnRoot | undefined): boolean {
  return root !== undefined && root.how !== 'prefix';
}

/** Who the program will be. */
function ownerOf(
  { kernel }: Pick<Io, 'kernel'>,
  become: Become,
): { readonly uid: number; readonly gid: number } {
  return { uid: become.uid ?? kernel.uid, gid: become.gid ?? kernel.gid };
}

function commandOf(
  io: Io,
  of: {
    readonly options: RunOptions;
    readonly plan: Plan;
    readonly environment: Environment;
    readonly overriding: readonly string[];
  },
): readonly Argument[] | BellhopError {
  const { commandAt, argumentsAt = commandAt } = of.options;
  const arrived = argumentsAt === undefined ? [] : rawArguments(io, argumentsAt);
  const given = markedWords(arrived, of.overriding, commandAt !== undefined);
  if (given instanceof BellhopError || commandAt !== undefined) return given;
  const argv = podArguments(of.plan, of.environment, given);
  return argv.length > 0 ? argv : noCommand();
}

/**
 * HOME as the runtime sets it for the new user: not where the pod says something else, and not
 * where HOME is something that no runtime made up for the user we were started as. An empty one is
 * none: runc v1.1.5 libcontainer/init_linux.go.
 */
function withHome(io: Io, environment: Environment, become: Become): Environment['variables'] {
  const { before, after } = become.home;
  const declared = environment.variables.get('HOME');
  if (declared?.value === '') return withOwnHome(environment, become.ownHome());
  if (after === '' || declared !== undefined) return environment.variables;
  const inherited = io.arrival.env.findLast((entry) => nameOf(entry) === 'HOME');
  const made = inherited === undefined || bytesToText(inherited).slice('HOME='.length) === before;
  if (!made) return environment.variables;
  return withOwnHome(environment, after);
}

function withOwnHome({ variables }: Environment, value: string): Environment['variables'] {
  const home = { value, rule: "the image's /etc/passwd", overrides: [] };
  return new Map([...variables, ['HOME', home]]);
}
