// A plain process, here or below another root: what a request for `execve` says and nothing more
// (Linux: execve(2); limits measured by bisection, Linux 6.18).
import { loopback } from './_aws.ts';
import { runContainer, type Yard } from './_container.ts';
import { broken, listOf, refused, refuseIf, type Rule, TEXT } from './_rules.ts';
import { plainView } from './_view.ts';
import type { BuiltImage, Ran, Refusal, Simulator, Wish } from './_types.ts';

/** What is started. */
export interface LocalRequest {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** The machine: one root, reached by this process's own name. */
export interface LocalMachine {
  readonly yard: Yard;
  readonly image: BuiltImage;
  /** Ports of the machine that the process reaches. */
  readonly reachable?: readonly number[];
  /** Variables that whoever starts it has already. */
  readonly ambient?: Readonly<Record<string, string>>;
}

const ONE_BYTES_MAX = 131_072;
const ALL_BYTES_MAX = 2 * 1024 * 1024;
const POINTER_BYTES = 8;
const RULE: Rule = {
  is: 'object',
  members: {
    'argv!': listOf(TEXT, undefined, 1),
    'env!': { is: 'map', key: { is: 'string', min: 1, pattern: '[^=\\0]*' }, value: TEXT },
    cwd: TEXT,
  },
};

function refusals(request: LocalRequest): Refusal[] {
  const { argv, env } = request;
  const found = refused('EINVAL', broken(RULE, request, ''));
  if (found.length > 0) return found;
  const texts = [...argv, ...Object.entries(env).map((pair) => pair.join('='))];
  const bytes = texts.map((one) => Buffer.byteLength(one) + 1);
  const all = bytes.reduce((sum, one) => sum + one + POINTER_BYTES, 0);
  const isLong = bytes.some((one) => one > ONE_BYTES_MAX) || all > ALL_BYTES_MAX;
  return [
    ...refuseIf(isLong, 'argv', ['E2BIG', 'Argument list too long']),
    ...refuseIf(
      texts.some((one) => one.includes('\0')),
      'env',
      ['EINVAL', 'a NUL ends a text'],
    ),
  ];
}

async function run(request: LocalRequest, machine: LocalMachine, wish: Wish = {}): Promise<Ran> {
  const found = refusals(request);
  if (found.length > 0) return { kind: 'refused', refusals: found };
  const { image, yard, reachable = [], ambient = {} } = machine;
  const hostname = 'machine';
  const plain = { image, words: request.argv, declared: [], hostname, cwd: request.cwd };
  const env = Object.entries({ ...ambient, ...request.env });
  const view = { ...plainView(plain), env, network: loopback(reachable) };
  const own = { env: Object.keys(ambient), paths: [] };
  const outcome = await runContainer(yard, { view, own }, wish);
  return { kind: 'ended', outcome, status: String(outcome.exit) };
}

/** The simulator. */
export const local: Simulator<LocalRequest, LocalMachine> = {
  name: 'local',
  refusals,
  run,
};
