import { BellhopError, judge, problemsOf } from '../core/errors.ts';
import type { ExecDocument, Io, RelayDocument } from '../core/io/types.ts';
import { renderWarning } from '../core/report.ts';
import type { Plan } from '../plan/types.ts';
import { versionName } from '../plan/volume-tree.ts';
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
import type { RunOptions } from './run.ts';
import { podArguments, sizeProblems } from './start.ts';
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
  const cwd = plan.workingDir || plan.image.workingDir || undefined;
  const place = cwd === undefined ? {} : { cwd };
  const relay = ready.relay === undefined ? {} : { relay: ready.relay };
  const document = { ...execDocument({ ...ready, ...place, log: options.log }), ...relay };
  const readOnlyRoot = plan.identity.readOnlyRoot === true;
  const delivering = trace.begin({ kind: 'deliver', name: 'writes and mounts' });
  const done = deliver(io, ready.delivery, {
    readOnlyRoot,
    ...(cwd === undefined ? {} : { workingDir: cwd }),
  });
  delivering.end('ok');
  if (options.verbose)
    tellDifferences(io, [...ready.become.differences, ...done.differences], options);
  trace.begin({ kind: 'exec', name: 'become the program' }).end('ok');
  return document;
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
  readonly delivery: Delivery;
  readonly relay: RelayDocument | undefined;
}

async function prepare(io: Io, { plan, objects }: Declared, options: Delivering): Promise<Ready> {
  const nowMs = io.clock.now();
  const budget = startBudget(plan, io);
  const { metering, outcome } = options;
  const { trace } = options.tracing;
  const { answers, warnings, remember } = await gather(plan, { io, objects, budget, trace });
  for (const warning of warnings) io.stderr(renderWarning(warning, options.log));
  outcome.fallbacks = fallbacksOf(answers);
  const inherited = apiServer(io);
  const arrived = arrivedNames(io, plan);
  const environment = computeEnvironment({ plan, answers, inherited, arrived, nowMs });
  const random = new DataView(io.random(4).buffer).getUint32(0);
  const version = versionName(nowMs, random);
  const files = computeDelivery({ plan, answers, environment, nowMs, version });
  const become = whoToBecome(plan, io);
  const argv = commandOf(io, { options, plan, environment });
  const env = execEnvironment(io, withHome(io, environment, become), plan.policy.stripEnv);
  const words = argv instanceof BellhopError ? [] : argv;
  judge([
    ...environment.problems,
    ...files.problems,
    ...become.problems,
    ...(argv instanceof BellhopError ? [argv] : []),
    ...sizeProblems(io, words, env),
  ]);
  const forgotten = await remember();
  if (forgotten !== undefined) io.stderr(renderWarning(forgotten, options.log));
  const relay = await metering.relay();
  budget.end();
  const { uid = io.kernel.uid, gid = io.kernel.gid } = become;
  const delivery = { ...files.delivery, owner: { uid, gid } };
  return { argv: words, env, become, relay, delivery };
}

/** What some variables are left out for; only where the plan has such. */
function arrivedNames(io: Io, { placements, policy }: Plan): ReadonlySet<string> {
  const asks = placements.some((one) => one.kind === 'variable' && one.unless !== undefined);
  const names = asks ? io.arrival.env.map(nameOf) : [];
  return new Set(names.filter((name) => !policy.stripEnv.includes(name)));
}

function commandOf(
  io: Io,
  of: { options: RunOptions; plan: Plan; environment: Environment },
): readonly Argument[] | BellhopError {
  const { commandAt } = of.options;
  if (commandAt !== undefined) return rawArguments(io, commandAt);
  const argv = podArguments(of.plan, of.environment);
  return argv.length > 0 ? argv : noCommand();
}

/**
 * HOME as the runtime sets it for the new user: not where the pod says something else, and not
 * where HOME is something that no runtime made up for the user we were started as.
 */
function withHome(io: Io, environment: Environment, become: Become): Environment['variables'] {
  const { before, after } = become.home;
  if (after === '' || environment.variables.has('HOME')) return environment.variables;
  const inherited = io.arrival.env.findLast((entry) => nameOf(entry) === 'HOME');
  const made = inherited === undefined || bytesToText(inherited).slice('HOME='.length) === before;
  if (!made) return environment.variables;
  const home = { value: after, rule: "the image's /etc/passwd", overrides: [] };
  return new Map([...environment.variables, ['HOME', home]]);
}
