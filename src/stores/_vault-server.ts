// One Vault or OpenBao server: where it is, how it is asked, what every answer of it may mean.
// Facts: OpenBao 2.7.2 (seen), and HashiCorp's api/client.go for redirects and VAULT_* variables.
import type { Attempt, Verdict } from '../core/call.ts';
import { notJson, refused, verdictOfStatus } from '../core/call.ts';
import type { HttpAnswer, HttpRequest, TlsFacts } from '../core/io/net-types.ts';
import { retryAfterMs } from '../core/retry.ts';
import { checkedAddress } from './_address.ts';
import type { Options } from './_options.ts';
import { textOption } from './_options.ts';
import type { Doubted, JsonRecord } from './_rest.ts';
import { jsonRecord, said, sendDoubting } from './_rest.ts';
import type { StoreContext } from './_store.ts';
import { isSkipping, settingsProblem, tlsOf, transport } from './_tls-files.ts';

const BODY_BYTES_MAX = 64 * 1024 * 1024;

export interface VaultServer {
  readonly context: StoreContext;
  readonly namespace: string | undefined;
  readonly tls: TlsFacts | undefined;
  /** As it is configured: what is shared between stores is kept under it. */
  readonly address: string;
  /** Where requests go: the active node's, once a standby has sent us there. */
  at: string;
}

/** Variables of the vendor's client for a proxy of Vault alone. */
const PROXIES = ['VAULT_PROXY_ADDR', 'VAULT_HTTP_PROXY'];

/** Reads options and variables. Throws BH_ERR_SETTINGS. Makes no request. */
export function vaultServer(options: Options, context: StoreContext): VaultServer {
  if (isSkipping(context, 'VAULT_SKIP_VERIFY')) {
    const what = 'VAULT_SKIP_VERIFY is set, and bellhop never talks to a server unverified';
    const help = "unset it, and give the server's authority by `ca`, or VAULT_CACERT";
    throw settingsProblem(context, what, help);
  }
  const proxy = PROXIES.find((name) => context.variable(name) !== undefined);
  if (proxy !== undefined) {
    const help = 'unset it, and set HTTPS_PROXY and NO_PROXY for bellhop instead';
    throw settingsProblem(context, `${proxy} is set, and is not supported`, help);
  }
  const given = textOption(options, 'address') ?? context.variable('VAULT_ADDR');
  if (given === undefined) {
    throw settingsProblem(
      context,
      'it has no address',
      'set `address` of the store, or VAULT_ADDR',
    );
  }
  const address = checkedAddress(context, given);
  const tls = tlsOf(options, context, {
    ca: 'VAULT_CACERT',
    caFolder: 'VAULT_CAPATH',
    caText: 'VAULT_CACERT_BYTES',
    cert: 'VAULT_CLIENT_CERT',
    key: 'VAULT_CLIENT_KEY',
    serverName: 'VAULT_TLS_SERVER_NAME',
  });
  const namespace = textOption(options, 'namespace') ?? context.variable('VAULT_NAMESPACE');
  return { context, namespace, tls, address, at: address };
}

/** How every request to this server goes. */
export function transportOf(server: VaultServer): Omit<HttpRequest, 'method' | 'headers'> {
  return { url: server.at, ...transport(server.tls, BODY_BYTES_MAX) };
}

/** An answer whose body is JSON, or empty. */
export interface VaultAnswer {
  readonly status: number;
  readonly body: Uint8Array;
  readonly json: JsonRecord;
  /** The server's own words; empty where it gave none. */
  readonly errors: readonly string[];
}

/** One request of the API. */
export interface VaultAsk<T> {
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  /** What follows `/v1/`, encoded, query included. */
  readonly path: string;
  readonly body?: string;
  /** True where asking twice does harm. */
  readonly once?: true;
  readonly kind?: 'credentials';
  token?(attempt: Attempt): Promise<string>;
  judge(answer: VaultAnswer): Verdict<T> | Doubted;
}

interface Moved {
  readonly location: string;
}

/**
 * Sends it. A standby that does not forward sends us to the active node: that is followed once, to
 * the same path by the same scheme, with the token, as the vendor's client does. It gives nothing
 * away: who answers so was verified as the server, and has the token already.
 */
export async function ask<T>(server: VaultServer, asked: VaultAsk<T>): Promise<T> {
  const first = await sendOnce(server, asked, false);
  if ('value' in first) return first.value;
  server.at = first.location;
  const second = await sendOnce(server, asked, true);
  if ('value' in second) return second.value;
  throw settingsProblem(server.context, 'it sends requests round in a circle');
}

async function sendOnce<T>(
  server: VaultServer,
  asked: VaultAsk<T>,
  hasMoved: boolean,
): Promise<Moved | { readonly value: T }> {
  const { context, namespace } = server;
  const at = server.at;
  return sendDoubting<Moved | { readonly value: T }>(context.caller, {
    name: asked.name,
    ...(asked.once === undefined ? {} : { once: asked.once }),
    ...(asked.kind === undefined ? {} : { kind: asked.kind }),
    request: async (attempt) => {
      const token = await asked.token?.(attempt);
      return {
        ...transportOf(server),
        url: `${at}/v1/${asked.path}`,
        method: asked.method,
        headers: {
          // Agents may be told to serve nobody else, so that forged requests of pages fail.
          'x-vault-request': 'true',
          ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
          ...(token === undefined ? {} : { 'x-vault-token': token }),
          ...(asked.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(asked.body === undefined ? {} : { body: asked.body }),
      };
    },
    judge: (answer) => {
      if (REDIRECTS.has(answer.status)) return movedBy(answer, { at, path: asked.path, hasMoved });
      const verdict = verdictOf(answer, context.io.clock.now(), asked);
      return verdict.kind === 'done' ? { kind: 'done', value: { value: verdict.value } } : verdict;
    },
  });
}

const REDIRECTS = new Set([301, 302, 307, 308]);

interface Sent {
  readonly at: string;
  readonly path: string;
  readonly hasMoved: boolean;
}

/** Where the server's other self is; anything but the same request elsewhere is not followed. */
function movedBy(answer: HttpAnswer, { at, path, hasMoved }: Sent): Verdict<Moved> {
  const location = URL.parse(answer.headers['location'] ?? '', `${at}/v1/${path}`);
  const end = `/v1/${path}`;
  const there = location === null ? '' : `${location.origin}${location.pathname}${location.search}`;
  const isSame = there.endsWith(end) && location?.username === '';
  if (hasMoved || !isSame || location.protocol !== URL.parse(at)?.protocol) {
    const what = `HTTP ${answer.status} sends us elsewhere, and that is not followed`;
    return refused(
      'BH_ERR_SETTINGS',
      what,
      'give the address of the active node, or of Vault itself',
    );
  }
  return { kind: 'done', value: { location: there.slice(0, -end.length) } };
}

/** States of a node that another attempt may not meet: not ready, standby, sealed. */
const NOT_NOW: ReadonlyMap<number, string> = new Map([
  [412, 'HTTP 412 (not up to date)'],
  [472, 'HTTP 472 (standby)'],
  [473, 'HTTP 473 (standby)'],
  [503, 'HTTP 503 (sealed or not available)'],
]);

function verdictOf<T>(answer: HttpAnswer, nowMs: number, asked: VaultAsk<T>): Verdict<T> | Doubted {
  const isGood = answer.status < 400;
  const afterMs = isGood ? undefined : retryAfterMs(answer.headers['retry-after'], nowMs);
  const why = NOT_NOW.get(answer.status);
  if (why !== undefined)
    return { kind: 'again', why, ...(afterMs === undefined ? {} : { afterMs }) };
  const usual = verdictOfStatus(answer, afterMs);
  if (usual !== undefined) return usual;
  const json = answer.body.length === 0 ? {} : jsonRecord(answer.body);
  if (json === undefined) return isPlainToTls(answer) ? PLAIN_TO_TLS : notJson(answer);
  const { errors } = json;
  const words = Array.isArray(errors) ? errors.filter((one) => typeof one === 'string') : [];
  return asked.judge({ status: answer.status, body: answer.body, json, errors: words });
}

/** What Go's server says to HTTP on its TLS port. */
function isPlainToTls({ status, body }: HttpAnswer): boolean {
  return status === 400 && new TextDecoder().decode(body.subarray(0, 100)).includes('HTTPS server');
}

const PLAIN_TO_TLS = refused(
  'BH_ERR_SETTINGS',
  'the server speaks TLS, and the address says http',
  'write its address with https://',
);

/** The server's words for a message. */
export function wordsOf({ errors }: VaultAnswer): string {
  return said(errors.join(' '));
}

/** A path of the API, each segment encoded; undefined for what is none. */
export function encodedPath(path: string): string | undefined {
  const segments = path.split('/');
  const isOdd = segments.some((one) => one === '' || one === '.' || one === '..');
  return isOdd || !path.isWellFormed() ? undefined : segments.map(encodeURIComponent).join('/');
}
