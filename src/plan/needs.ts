import type { Sidecar } from './sidecars.ts';
import { standsIn } from './sidecars.ts';
import type { Container, Pod } from '../wire/pod-types.ts';
import { parseQuantity, quantityIn, quantityUnits } from '../wire/quantity.ts';
import { pathText } from '../wire/read.ts';

/** What a platform's own fields are told of attempts, time and tasks; absent where nothing. */
export interface RunNeeds {
  /** How often a program that failed is started again. */
  readonly retries?: number;
  /** How long the program may run: what the platform's field counts, an attempt or all. */
  readonly secondsMax?: number;
  /** The time is that of one attempt, and another may follow. */
  readonly isOfAttempt?: true;
  /** How many tasks there are; 2 or more. */
  readonly tasks?: number;
  /** How many of them run at the same time. */
  readonly parallel?: number;
}

/** What the container asks of the machine; absent where the pod does not say. */
export interface Needs extends RunNeeds {
  readonly cpus?: number;
  readonly memoryMiB?: number;
  readonly gpus?: number;
  /** Standard input stays open: somebody may write to it. */
  readonly stdin?: true;
  readonly tty?: true;
}

/** What a cluster gives to a pod beside what is delivered. */
export type AskedOf =
  | 'sidecars'
  | 'persistentVolume'
  | 'hostPath'
  | 'hostNamespaces'
  | 'privileged'
  | 'gpu'
  | 'stdin'
  | 'tty'
  | 'completionIndex';

/** One thing that the pod asks for, where, and the word by which it can be done without. */
export interface Ask {
  readonly of: AskedOf;
  readonly where: string;
  readonly what: string;
  readonly word: string;
  /** The nearest way, where it is known better than a target knows it. */
  readonly nearest?: string;
}

const MIB = 1024n * 1024n;
const MILLI = 1000;

/**
 * Of cpu what the program is promised, as the scheduler has it. Of memory what it may use: a
 * platform's one number ends the program that uses more. An amount of 0 is none.
 */
export function needsOf({
  resources,
  stdin,
  tty,
}: Pick<Container, 'resources' | 'stdin' | 'tty'>): Needs {
  const { requests, limits } = resources;
  const cpus = milliOf(requests.get('cpu') ?? limits.get('cpu')) || undefined;
  const memory = unitsOf(limits.get('memory')) || unitsOf(requests.get('memory')) || undefined;
  const gpus = [...resources.limits]
    .filter(([name]) => isGpu(name))
    .reduce((sum, [, amount]) => sum + Number(unitsOf(amount) ?? 0n), 0);
  return {
    ...(cpus === undefined ? {} : { cpus }),
    ...(memory === undefined ? {} : { memoryMiB: Number((memory + MIB - 1n) / MIB) }),
    ...(gpus === 0 ? {} : { gpus }),
    ...(stdin ? { stdin } : {}),
    ...(tty ? { tty } : {}),
  };
}

/** True for `nvidia.com/gpu`, `amd.com/gpu` and `gpu.intel.com/…`: device plugins' own names. */
export function isGpu(name: string): boolean {
  return /^[^/]+\/gpu$|^gpu\.intel\.com\//.test(name);
}

function unitsOf(text: string | undefined): bigint | undefined {
  const quantity = text === undefined ? undefined : parseQuantity(text);
  return quantity === undefined ? undefined : quantityUnits(quantity);
}

/** Thousandths, rounded up as Kubernetes does. */
function milliOf(text: string | undefined): number | undefined {
  const quantity = text === undefined ? undefined : parseQuantity(text);
  if (quantity === undefined) return undefined;
  return Number(quantityIn(quantity, { nano: 1_000_000n })) / MILLI;
}

/** Everything that the pod asks for beside its container's variables and files. */
export function asksOf(
  pod: Pod,
  container: Container,
  sidecars: readonly Sidecar[] = [],
): readonly Ask[] {
  return [
    ...others(pod, container, sidecars),
    ...pod.hostNamespaces.map((name): Ask => {
      return { of: 'hostNamespaces', where: `spec.${name}`, what: "the node's own", word: name };
    }),
    ...privileged(container),
    ...gpus(container),
    ...terminal(container),
  ];
}

/** Containers beside it, and init containers that stay. */
function others(pod: Pod, container: Container, sidecars: readonly Sidecar[]): Ask[] {
  const beside = [...pod.initContainers.filter((one) => one.isSidecar), ...pod.containers];
  return beside.flatMap((one): Ask[] => {
    const known = sidecars.find((sidecar) => sidecar.container === one.name);
    if (one === container || (known !== undefined && standsIn(known))) return [];
    const kind = known === undefined ? '' : ` (${known.kind})`;
    const what = `the container ${one.name}${kind} runs beside it`;
    const nearest = known === undefined ? {} : { nearest: known.what };
    return [{ of: 'sidecars', where: pathText(one.place), what, word: one.name, ...nearest }];
  });
}

function privileged({ security, place }: Container): Ask[] {
  if (security.privileged !== true) return [];
  const where = `${pathText(place)}.securityContext.privileged`;
  return [{ of: 'privileged', where, what: 'rights over the node', word: 'privileged' }];
}

function terminal({ stdin, tty, place }: Container): Ask[] {
  const at = pathText(place);
  return [
    ...(stdin ? [{ of: 'stdin', what: 'a standard input that stays open' } as const] : []),
    ...(tty ? [{ of: 'tty', what: 'a terminal' } as const] : []),
  ].map(({ of, what }) => ({ of, where: `${at}.${of}`, what, word: of }));
}

function gpus({ resources, place }: Container): Ask[] {
  return [...resources.limits.keys()].filter(isGpu).map((name) => ({
    of: 'gpu',
    where: `${pathText(place)}.resources.limits`,
    what: `the device ${name}`,
    word: name,
  }));
}
