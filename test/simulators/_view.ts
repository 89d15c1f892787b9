// The container that most platforms make of an image and a few words, to be changed from there.
import { accountOf, runtimeEnv } from './_image.ts';
import type { BuiltImage, View } from './_types.ts';

const SHM_BYTES = 64 * 1024 * 1024;

/** What is said of a container before anything else. */
export interface Plain {
  readonly image: BuiltImage;
  readonly words: readonly string[];
  readonly declared: Iterable<readonly [string, string]>;
  readonly hostname: string;
  readonly cwd?: string | undefined;
  readonly user?: string | undefined;
}

/** What Docker makes of OpenStdin and Tty, which sets TERM where nothing else does. */
export function dockerInput(
  open: boolean | undefined,
  tty: boolean | undefined,
): { readonly input: View['input']; readonly env: readonly (readonly [string, string])[] } {
  if (tty === true) return { input: 'terminal', env: [['TERM', 'xterm']] };
  return { input: open === true ? 'open' : 'closed', env: [] };
}

/** Docker's container: the image's user and folder, 64 MiB of /dev/shm, no network, PID 1. */
export function plainView({ image, words, declared, hostname, cwd, user }: Plain): View {
  const { home, ...ids } = accountOf(image, user ?? image.config.user ?? '');
  return {
    image,
    argv: words,
    env: runtimeEnv(image, declared, { hostname, home }),
    cwd: cwd ?? image.config.workdir ?? '/',
    ids,
    hostname,
    placed: [],
    mounts: [],
    shmBytes: SHM_BYTES,
    rootReadOnly: false,
    network: [],
    hosts: { [hostname]: '127.0.0.1' },
    privileged: false,
    isPidOne: true,
    input: 'closed',
    stopMs: 30_000,
    collected: [],
  };
}
