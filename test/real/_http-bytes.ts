// HTTP/1.1 as bytes: requests out of a stream, answers into one. Only what a test's server needs.

/** A request as it came. */
export interface HttpRequest {
  readonly method: string;
  /** With its query, as sent. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** An answer to be sent; `content-length` is added where it is not given. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer;
}

const END_OF_HEAD = '\r\n\r\n';

interface Head {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

function readHead(text: string): Head {
  const [first = '', ...lines] = text.split('\r\n');
  const [method = '', path = ''] = first.split(' ');
  const pairs = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { method, path, headers: Object.fromEntries(pairs) };
}

interface Taken {
  readonly body: Buffer;
  readonly rest: Buffer;
}

/** The body of chunks; undefined while it is not complete. */
function takeChunks(bytes: Buffer): Taken | undefined {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16);
    const next = line + 2 + size + 2;
    if (bytes.length < next) return undefined;
    if (size === 0) return { body: Buffer.concat(parts), rest: bytes.subarray(next) };
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = next;
  }
}

function takeBody(head: Head, bytes: Buffer): Taken | undefined {
  if (head.headers['transfer-encoding'] === 'chunked') return takeChunks(bytes);
  const length = Number(head.headers['content-length'] ?? 0);
  if (bytes.length < length) return undefined;
  return { body: bytes.subarray(0, length), rest: bytes.subarray(length) };
}

/** Takes pieces of a connection and gives the requests that each completes. */
export function requestReader(): (piece: Uint8Array) => HttpRequest[] {
  let held: Buffer = Buffer.alloc(0);
  return (piece) => {
    held = Buffer.concat([held, piece]);
    const requests: HttpRequest[] = [];
    for (;;) {
      const end = held.indexOf(END_OF_HEAD);
      if (end < 0) return requests;
      const head = readHead(held.toString('latin1', 0, end));
      const taken = takeBody(head, held.subarray(end + END_OF_HEAD.length));
      if (taken === undefined) return requests;
      requests.push({ ...head, body: taken.body });
      held = taken.rest;
    }
  };
}

/** The head of an answer, its last blank line included. */
export function headBytes({ status, headers, body }: HttpAnswer): Buffer {
  const given = Object.entries({ 'content-length': String(body.length), ...headers });
  const lines = given.flatMap(([name, value]) => {
    return (typeof value === 'string' ? [value] : value).map((one) => `${name}: ${one}`);
  });
  return Buffer.from([`HTTP/1.1 ${status} Test`, ...lines, '', ''].join('\r\n'), 'latin1');
}

/** The whole answer. */
export function answerBytes(answer: HttpAnswer): Buffer {
  return Buffer.concat([headBytes(answer), answer.body]);
}

/** An answer of JSON, or of text. */
export function answerOf(status: number, body: unknown, type = 'application/json'): HttpAnswer {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status, headers: { 'content-type': type }, body: Buffer.from(text) };
}

/** Headers that are about one connection and must not be handed on. */
const OF_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length']);

/** Where a request is handed on to. */
export interface Upstream {
  /** http:// or https://, without a path. */
  readonly url: string;
  /** PEM of its authority. */
  readonly ca?: string;
}

/** Hands a request on, the name of the host and all, so that its signature stays right. */
export async function handOn(request: HttpRequest, { url, ca }: Upstream): Promise<HttpAnswer> {
  const kept = Object.entries(request.headers).filter(([name]) => !OF_CONNECTION.has(name));
  const answer = await fetch(url + request.path, {
    method: request.method,
    headers: { 'accept-encoding': 'identity', ...Object.fromEntries(kept) },
    redirect: 'manual',
    decompress: false,
    ...(request.body.length > 0 && { body: new Uint8Array(request.body) }),
    ...(ca !== undefined && { tls: { ca } }),
  });
  const headers = [...answer.headers].filter(([name]) => {
    return !OF_CONNECTION.has(name) && name !== 'set-cookie';
  });
  const cookies = answer.headers.getSetCookie();
  return {
    status: answer.status,
    headers: {
      ...Object.fromEntries(headers),
      ...(cookies.length > 0 && { 'set-cookie': cookies }),
    },
    body: Buffer.from(await answer.arrayBuffer()),
  };
}
