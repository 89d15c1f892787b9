// One request to a registry, or to who gives tokens for it.
import type { Caller, Verdict } from '../core/call.ts';
import { refused, verdictOfStatus } from '../core/call.ts';
import type { HttpAnswer, HttpRequest } from '../core/io/net-types.ts';
import type { Io } from '../core/io/types.ts';
import { retryAfterMs } from '../core/retry.ts';
import type { Challenge } from '../wire/auth-challenge.ts';
import type { Login } from '../wire/docker-config.ts';
import type { ImageName } from '../wire/image-name.ts';
import type { RegistryHost } from './registry-places.ts';
import { isTokenHost } from './registry-places.ts';

/** A registry that is asked about one image. */
export interface RegistryAsked {
  readonly io: Pick<Io, 'net' | 'clock' | 'random' | 'crypto'>;
  readonly image: ImageName;
  readonly host: RegistryHost;
  /** PEM text of `host.ca`. */
  readonly ca: string | undefined;
  /** Asked for once one is wanted; tried in this order, and at last without any. */
  readonly logins: () => Promise<readonly Login[]>;
  /** What was sent with the last request that was taken; tried first. */
  readonly authorization?: string | undefined;
  readonly msMax: number;
  readonly signal: AbortSignal;
}

/** What one request goes with. */
export interface Session {
  readonly asked: RegistryAsked;
  readonly origin: string;
  readonly caller: Caller;
  /** All logins there are, read once. */
  readonly logins: () => Promise<readonly Login[]>;
  /** How many of them were tried; at last nobody is. */
  tried: number;
  authorization: string | undefined;
  challenges: readonly Challenge[];
}

/** What the specification has clients take at least; the configurations of images are smaller. */
const BYTES_MAX = 4 * 1024 * 1024;
/** Statuses that lead elsewhere. */
export const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** RFC 7617. */
export function basic({ username, password }: Login): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** One request with its attempts; the answer is of one of the statuses that decide. */
export async function send(
  { asked, caller, origin }: Session,
  wish: Pick<HttpRequest, 'method' | 'url' | 'headers'>,
  isLogin = false,
): Promise<HttpAnswer> {
  const { ca, host, io, image } = asked;
  const to = new URL(wish.url);
  const isTrusted = to.origin === origin || isTokenHost(to, host);
  return caller.send<HttpAnswer>({
    name: isLogin ? `token of ${to.host}` : `${wish.method} of ${image.repository}`,
    request: () => ({
      ...wish,
      ...(ca !== undefined && isTrusted ? { tls: { ca } } : {}),
      proxy: 'environment',
      protocol: 'h1',
      bodyBytesMax: BYTES_MAX,
    }),
    judge: (answer) => judge(answer, io.clock.now()),
    ...(isLogin ? { kind: 'credentials' } : {}),
  });
}

const DECIDING: ReadonlySet<number> = new Set([200, 400, 401, 403, 404, ...REDIRECTS]);

function judge(answer: HttpAnswer, nowMs: number): Verdict<HttpAnswer> {
  if (DECIDING.has(answer.status)) return { kind: 'done', value: answer };
  const passing = verdictOfStatus(answer, retryAfterMs(answer.headers['retry-after'], nowMs));
  return passing ?? refused('BH_ERR_STORE_ANSWER', `HTTP ${answer.status}`);
}
