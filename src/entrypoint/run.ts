import { BellhopError, judge } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import type { LogFormat } from '../core/report.ts';
import { renderWarning } from '../core/report.ts';
import { EMBEDDED } from '../plan/bind.ts';
import { boundsOf } from '../plan/bounds.ts';
import { readPlan } from '../plan/document.ts';
import type { Plan } from '../plan/types.ts';
import { versionName } from '../plan/volume-tree.ts';
import { readDeclaration } from '../plan/declaration.ts';
import type { DataObject } from '../wire/objects.ts';
import type { Declared, DeclareOptions } from './declare.ts';
import { declare } from './declare.ts';
import { deliver } from './deliver.ts';
import type { Environment } from './environment.ts';
import { bytesToText, computeEnvironment } from './environment.ts';
import { gather } from './gather.ts';
import type { Become } from './identity.ts';
import { whoToBecome } from './identity.ts';
import { INPUT_BYTES_MAX, readManifests, readProblem } from './inputs.ts';
import { computeDelivery } from './payloads.ts';
import type { Argument } from './start.ts';
import {
  execDocument,
  execEnvironment,
  nameOf,
  podArguments,
  rawArguments,
  sizeProblems,
} from './start.ts';

/** What `bellhop run` was asked to do. */
export interface RunOptions extends DeclareOptions {
  readonly plan?: string;
  /** Index of the first word of the user's command in argv, undefined where there is none. */
  readonly commandAt?: number;
  readonly log: LogFormat;
  readonly verbose: boolean;
}

const DEFAULT_PLAN = '/etc/bellhop/plan.json';

/** Delivers what the container was promised and becomes the user's program; never returns. */
export async function run(io: Io, options: RunOptions): Promise<never> {
  const declared = findPlan(io, options);
  if (declared === undefined) return passThrough(io, options);
  for (const warning of declared.warnings) io.stderr(renderWarning(warning, options.log));
  const { plan, objects } = declared;
  const nowMs = io.clock.now();
  const answers = await gather(plan, { io, objects });
  const environment = computeEnvironment({ plan, answers, inherited: apiServer(io), nowMs });
  const [r0 = 0, r1 = 0, r2 = 0, r3 = 0] = io.random(4);
  const version = versionName(
    nowMs,
    new DataView(Uint8Array.of(r0, r1, r2, r3).buffer).getUint32(0),
  );
  const files = computeDelivery({ plan, answers, environment, nowMs, version });
  const become = whoToBecome(plan, io);
  const problems = [...environment.problems, ...files.problems, ...become.problems];
  const argv = commandOf(io, { options, plan, environment });
  const env = execEnvironment(io, withHome(io, environment, become), plan.policy.stripEnv);
  const once = new Map(problems.map((problem) => [`${problem.code} ${problem.message}`, problem]));
  if (argv instanceof BellhopError) once.set('argv', argv);
  else for (const problem of sizeProblems(io, argv, env)) once.set(problem.message, problem);
  judge([...once.values()]);
  const cwd = plan.workingDir || plan.image.workingDir;
  const done = deliver(io, files.delivery, {
    readOnlyRoot: plan.identity.readOnlyRoot === true,
    ...(cwd === undefined || cwd === '' ? {} : { workingDir: cwd }),
  });
  if (options.verbose) {
    for (const one of [...become.differences, ...done.differences]) {
      io.stderr(renderWarning(`not as on Kubernetes: ${one}`, options.log));
    }
  }
  const words = argv instanceof BellhopError ? [] : argv;
  const where = cwd === undefined || cwd === '' ? {} : { cwd };
  return io.kernel.exec(execDocument({ argv: words, env, become, log: options.log, ...where }));
}

function commandOf(
  io: Io,
  of: { options: RunOptions; plan?: Plan; environment?: Environment },
): readonly Argument[] | BellhopError {
  const { options, plan, environment } = of;
  if (options.commandAt !== undefined) return rawArguments(io, options.commandAt);
  const argv = plan && environment ? podArguments(plan, environment) : [];
  if (argv.length > 0) return argv;
  const what = 'neither the pod, the image nor the command line says what to start';
  return new BellhopError('BH_ERR_NO_COMMAND', { where: ['command'], what });
}

/** No plan, or Kubernetes has delivered already: the program starts with what is there. */
function passThrough(io: Io, options: RunOptions): never {
  const argv = commandOf(io, { options });
  if (argv instanceof BellhopError) throw argv;
  const env = execEnvironment(io, new Map(), []);
  return io.kernel.exec(execDocument({ argv, env, log: options.log }));
}

/** `--plan` or `-f`, then BELLHOP_PLAN, then /etc/bellhop/plan.json. */
function findPlan(io: Io, options: RunOptions): Declared | undefined {
  if (options.plan === undefined && options.manifests.length > 0) return declare(io, options);
  const env = ownVariables(io);
  const asked = options.plan ?? env.get('BELLHOP_PLAN');
  const path = asked ?? (io.fs.statThrough(DEFAULT_PLAN) ? DEFAULT_PLAN : undefined);
  if (path === undefined) {
    if ((env.get('BELLHOP_REQUIRE') ?? '0') === '0') return undefined;
    const what = `no -f, no --plan, no BELLHOP_PLAN and no ${DEFAULT_PLAN}`;
    throw new BellhopError('BH_ERR_NO_PLAN', { where: ['BELLHOP_REQUIRE is set'], what });
  }
  if (options.plan === undefined && isKubernetes(io)) return undefined;
  return readPlanFile(io, path, { options, digest: env.get('BELLHOP_PLAN_DIGEST') });
}

function readPlanFile(
  io: Io,
  path: string,
  of: { options: RunOptions; digest: string | undefined },
): Declared {
  let text: string;
  try {
    text = new TextDecoder().decode(io.fs.read(path, INPUT_BYTES_MAX));
  } catch (error) {
    throw readProblem(error, path);
  }
  const plan = readPlan(text, path, of.digest);
  const { documents, problems } = readManifests(io, of.options.manifests);
  judge(problems);
  const declaration = readDeclaration(documents);
  judge(declaration.problems);
  checkObjects(plan, declaration.objects, path);
  return { plan, objects: declaration.objects, warnings: [] };
}

/** A plan never holds the objects of its manifest; they must be given beside it. */
function checkObjects(plan: Plan, objects: readonly DataObject[], path: string): void {
  const { namespace } = plan.origin;
  const there = new Set(
    objects.map((one) => `${one.kind.toLowerCase()}/${one.namespace ?? namespace}/${one.name}`),
  );
  const wanted = boundsOf(plan.placements).filter((one) => one.reference.store === EMBEDDED);
  const lacking = new Set(wanted.map((one) => one.reference.path).filter((one) => !there.has(one)));
  if (lacking.size === 0) return;
  const what = `refers to objects that are not given: ${[...lacking].join(', ')}`;
  throw new BellhopError('BH_ERR_PLAN_OBJECTS', { where: [path], what });
}

function ownVariables(io: Io): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const entry of io.arrival.env) {
    const text = Buffer.from(entry).toString('utf8');
    const equals = text.indexOf('=');
    if (text.startsWith('BELLHOP_') && equals > 0)
      map.set(text.slice(0, equals), text.slice(equals + 1));
  }
  return map;
}

const API_SERVER =
  /^KUBERNETES_(SERVICE_(HOST|PORT|PORT_HTTPS)|PORT|PORT_443_TCP(_(PROTO|PORT|ADDR))?)$/;

/** The API server's variables where the platform gave them: the kubelet's references see them. */
function apiServer(io: Io): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const entry of io.arrival.env) {
    const name = nameOf(entry);
    if (API_SERVER.test(name)) map.set(name, bytesToText(entry).slice(name.length + 1));
  }
  return map;
}

const HOSTS_BYTES_MAX = 1024 * 1024;

/** The kubelet's mark on /etc/hosts together with its variables: this container was delivered. */
function isKubernetes(io: Io): boolean {
  if (!apiServer(io).has('KUBERNETES_SERVICE_HOST')) return false;
  try {
    const hosts = new TextDecoder().decode(io.fs.read('/etc/hosts', HOSTS_BYTES_MAX));
    return hosts.startsWith('# Kubernetes-managed hosts file');
  } catch {
    return false;
  }
}

/**
 * HOME as the runtime sets it for the new user: not where the pod says something else, and not where
 * HOME is something that no runtime made up for the user we were started as.
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
