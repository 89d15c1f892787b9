/** One row of the table of errors. */
export interface CodeRow {
  /** Exit code after sysexits(3). */
  readonly exit: number;
  /** What to do, as one line; a problem may bring a better one of its own. */
  readonly help: string;
}

/**
 * Every error that bellhop gives. Callers and tests match on the code, never on the text.
 * docs/reference/errors.md is printed from this table.
 */
export const CODES = {
  BH_ERR_USAGE: { exit: 64, help: 'see `bellhop help`, or `bellhop COMMAND --help`' },
  BH_ERR_INPUT_READ: { exit: 65, help: 'check that the file is there and may be read' },
  BH_ERR_YAML: { exit: 65, help: 'the input must be YAML or JSON as kubectl reads it' },
  BH_ERR_POD_INVALID: {
    exit: 65,
    help: 'correct this field of the manifest; Kubernetes would refuse it as well',
  },
  BH_ERR_POD_UNSUPPORTED: {
    exit: 65,
    help: 'only a cluster can give this; declare a replacement in bellhop.yaml or remove it',
  },
  BH_ERR_WORKLOAD: { exit: 65, help: 'name one with `--workload KIND/NAME`' },
  BH_ERR_CONTAINER: { exit: 65, help: 'name one with `--container NAME`' },
  BH_ERR_INIT_CONTAINERS: {
    exit: 65,
    help: 'set `policy: { initContainers: ignore }` in bellhop.yaml if the container can do without',
  },
  BH_ERR_FIELD: {
    exit: 65,
    help: 'give it with `--field PATH=VALUE`, or `fields:` in bellhop.yaml',
  },
  BH_ERR_INDEX: {
    exit: 65,
    help: 'start it once for each index, with JOB_COMPLETION_INDEX set to it, from 0 on',
  },
  BH_ERR_UNBOUND: {
    exit: 65,
    help: 'add the object to the input, or bind it to a store in bellhop.yaml',
  },
  BH_ERR_PLAN: { exit: 65, help: 'make the plan anew with `bellhop plan`, `submit` or `adapt`' },
  BH_ERR_PLAN_OBJECTS: { exit: 65, help: 'give the manifest with these objects: `-f FILE`' },
  BH_ERR_NO_PLAN: {
    exit: 65,
    help: 'give `-f pod.yaml` or `--plan FILE`, set BELLHOP_PLAN, or unset BELLHOP_REQUIRE',
  },
  BH_ERR_NO_COMMAND: {
    exit: 65,
    help: "give the command after `--`, or the image's with `--image-entrypoint` and `--image-cmd`",
  },
  BH_ERR_SNAPSHOT: { exit: 65, help: 'give two files that `bellhop snapshot` has written' },
  BH_ERR_SNAPSHOT_KEYS: {
    exit: 65,
    help: 'take both snapshots with one key: --key-file FILE, or BELLHOP_SNAPSHOT_KEY',
  },
  BH_ERR_TARGET: {
    exit: 65,
    help: 'docs/targets.md has what each target has, and the nearest way to what it has not',
  },
  BH_ERR_CAP: {
    exit: 65,
    help: 'make this field smaller: it cannot be spilled; docs/targets.md has every cap',
  },
  BH_ERR_SUBMIT_SECRET: {
    exit: 65,
    help: 'bind it to a store: `secrets: { NAME: store:path }` in bellhop.yaml',
  },
  BH_ERR_SUBMIT_FIELD: {
    exit: 78,
    help: "give it in bellhop.yaml, as the platform's API spells it",
  },
  BH_ERR_SPILL: {
    exit: 78,
    help: 'name a store that can be written: `submit: { spill: s3:bucket/folder }` in bellhop.yaml',
  },
  BH_ERR_ADAPT: {
    exit: 65,
    help: "give the platform's own request, as its SDK sends it; docs/adapt.md has what is adapted",
  },
  BH_ERR_API: { exit: 69, help: 'correct the request in bellhop.yaml, `submit.targets`' },
  BH_ERR_JOB_FAILED: { exit: 69, help: "look at the job's own log on the platform" },
  BH_ERR_VALUE: { exit: 65, help: 'the declaration asks for what no container can be given' },
  BH_ERR_MISSING: { exit: 69, help: 'create it, correct the name, or mark it `optional: true`' },
  BH_ERR_BUG: { exit: 70, help: 'this is a defect in bellhop: please report it with this message' },
  BH_ERR_LAUNCHER: {
    exit: 70,
    help: 'keep `bellhop` and `bellhop-runtime` of one release in one folder, and /proc mounted',
  },
  BH_ERR_PATH_TAKEN: {
    exit: 73,
    help: 'mount elsewhere, or set `policy: { overImage: merge }` to keep what is there beside it',
  },
  BH_ERR_WRITE: { exit: 73, help: 'check the permissions and the free space of this file system' },
  BH_ERR_NO_MEMORY: {
    exit: 73,
    help: 'give the container a tmpfs at /dev/shm, or set `policy: { disk: allow }`',
  },
  BH_ERR_RELAY: {
    exit: 73,
    help: 'free the port, listen elsewhere, or set `metrics: { relay: { taken: warn } }`',
  },
  BH_ERR_OUTPUT: { exit: 74, help: 'check where the output goes' },
  BH_ERR_STORE: { exit: 75, help: 'look at the store, then start again' },
  BH_ERR_STORE_ANSWER: {
    exit: 75,
    help: 'look at the address of the store: something else may answer there',
  },
  BH_ERR_CREDENTIALS: {
    exit: 77,
    help: 'give the container an identity that the store knows; docs/reference/stores.md lists them',
  },
  BH_ERR_LEASE: {
    exit: 78,
    help: 'have the store lend it for longer, or set `policy: { shortLease: allow }`',
  },
  BH_ERR_NOT_ADMITTED: {
    exit: 77,
    help: 'each secret manager says why; docs/webhook.md has what each needs',
  },
  BH_ERR_SNAPSHOT_PROCESS: {
    exit: 77,
    help: 'run as the same user, in the same process namespace; `ps` lists what is there',
  },
  BH_ERR_STORE_DENIED: {
    exit: 77,
    help: 'give the identity that bellhop runs as the right to read it',
  },
  BH_ERR_IDENTITY: {
    exit: 77,
    help: 'start the container as root, or set `policy: { identity: keep }` to run as the user it has',
  },
  BH_ERR_SNAPSHOT_KEY: {
    exit: 78,
    help: 'give a key of at least 16 bytes: --key-file FILE, or BELLHOP_SNAPSHOT_KEY',
  },
  BH_ERR_SETTINGS: { exit: 78, help: 'docs/reference/bellhop-yaml.md lists every setting' },
  BH_ERR_EXEC_NOT_FOUND: { exit: 127, help: 'check the command, PATH and `workingDir`' },
  BH_ERR_EXEC_NOT_ALLOWED: { exit: 126, help: 'check the mode of the file and of its folders' },
  BH_ERR_EXEC: {
    exit: 126,
    help: 'check that it is a program for this machine, and `workingDir` where it says chdir',
  },
  BH_ERR_EXEC_TOO_BIG: {
    exit: 126,
    help: 'deliver it as a file: a volume, or `files:` in bellhop.yaml',
  },
} as const satisfies Record<string, CodeRow>;

export type Code = keyof typeof CODES;

/** What a problem may say beside its code. */
export interface ProblemFacts {
  /** From the outside in: file and position, object, field. */
  readonly where: readonly string[];
  /** What happened with the facts: lower case, no full stop, never a value. */
  readonly what: string;
  /** A better help line than the table's. */
  readonly help?: string;
  readonly cause?: unknown;
}

/** One thing that is wrong, as data; printed as `where: what`, code and help. */
export class BellhopError extends Error {
  readonly code: Code;
  readonly where: readonly string[];
  readonly what: string;
  readonly help: string;

  constructor(code: Code, facts: ProblemFacts) {
    const place = facts.where.filter((step) => step !== '').join(', ');
    super(place === '' ? facts.what : `${place}: ${facts.what}`, { cause: facts.cause });
    this.code = code;
    this.where = facts.where;
    this.what = facts.what;
    this.help = facts.help ?? CODES[code].help;
  }

  /** The same problem seen from one step further out. */
  within(step: string): BellhopError {
    const { what, help, cause } = this;
    return new BellhopError(this.code, { where: [step, ...this.where], what, help, cause });
  }
}

/** Everything that is wrong, together. Never empty. */
export class BellhopErrors extends Error {
  readonly problems: readonly BellhopError[];

  constructor(problems: readonly BellhopError[]) {
    invariant(problems.length > 0, 'a group of problems has at least one');
    super(problems.map((problem) => problem.message).join('\n'));
    this.problems = problems;
  }
}

/** Least retryable first: the group exits with the first of these that occurs in it. */
const EXIT_ORDER = [70, 64, 65, 78, 77, 69, 126, 127, 73, 74, 75];

/** The exit code of a report: that of its least retryable problem. */
export function exitOf(problems: readonly BellhopError[]): number {
  const exits = problems.map((problem) => CODES[problem.code].exit);
  return EXIT_ORDER.find((exit) => exits.some((one) => one === exit)) ?? 70;
}

/** Anything thrown, as the problems it stands for; what we did not foresee is a bug of ours. */
export function problemsOf(thrown: unknown): readonly BellhopError[] {
  if (thrown instanceof BellhopErrors) return thrown.problems;
  if (thrown instanceof BellhopError) return [thrown];
  const what = thrown instanceof Error ? `${thrown.name} in bellhop itself` : 'unknown failure';
  return [new BellhopError('BH_ERR_BUG', { where: [], what, cause: thrown })];
}

/**
 * True for what may be different the next time: nothing was decided, the store could not say. An
 * answer of the status 401, 403 or 404 has decided: it never comes as one of these codes.
 */
export function isOutage(problem: BellhopError): boolean {
  return problem.code === 'BH_ERR_STORE' || problem.code === 'BH_ERR_STORE_ANSWER';
}

/** Throws everything that was collected, each problem once; returns where there is nothing. */
export function judge(problems: readonly BellhopError[]): void {
  if (problems.length === 0) return;
  const distinct = new Map(problems.map((one) => [`${one.code} ${one.message}`, one]));
  throw new BellhopErrors([...distinct.values()]);
}

/** States what must be true here; a violation is a bug of ours, never the user's fault. */
export function invariant(condition: boolean, sentence: string): asserts condition {
  if (!condition)
    throw new BellhopError('BH_ERR_BUG', { where: [], what: `not true: ${sentence}` });
}
