// What the stubs share: reading requests, JSON answers, the request log and the faults. No dependency.
//
//   GET    /_stub/requests   { total, inFlight, peak, paths: {"GET /x": n}, statuses: {"200": n}, log: [the last 2000 requests] }
//   DELETE /_stub/requests   forget them
//   POST   /_stub/faults     { match, kind, value, times } or an array of them, added to those there; answers the list
//   GET, DELETE /_stub/faults
//   POST   /_stub/reset      forget requests, faults and everything stored
//
// A fault: match is a regular expression on "METHOD /path?query" (default: every request), times is how often it fires (default: until deleted).
//   hang      no answer; value: milliseconds after which the connection is reset (default: never)
//   reset     the connection is reset before any answer
//   status    the vendor's error answer of status `value` (default 503)
//   slow      the answer comes value milliseconds later (default 1000)
//   truncate  the right headers, then the first `value` bytes of the body (default: half), then the end of the connection
//   garbage   status 200, the right content type, and `value` as body (default: HTML)
//   throttle  value requests a second pass (default 0), the others get the vendor's "too many requests"; one bucket a fault, as deep as one second
// The first fault that matches decides.
import { randomUUID } from 'node:crypto';

/** A TLS socket cannot be reset, the TCP socket below it can: it is known by the client's port. */
const below = new Map();
const reset = (socket) => (below.get(socket.remotePort) ?? socket).resetAndDestroy();

/** Listens on 127.0.0.1. */
export function serve(server, port, then = () => console.log('ready')) {
  server.on('connection', (tcp) => {
    const { remotePort } = tcp;
    below.set(remotePort, tcp);
    tcp.on('error', () => {}).once('close', () => below.delete(remotePort));
  });
  server.listen(port, '127.0.0.1', then);
}

/** An error that a handler throws: an HTTP status, a JSON body, headers. */
export class Refusal extends Error {
  constructor(status, body, headers = {}) {
    super(`status ${status}`);
    Object.assign(this, { status, body, headers });
  }
}

/**
 * @param {{ errorBody: (status: number) => object, throttled: () => Refusal, reset: () => void, headers?: () => Record<string, string> }} vendor
 *   its error body for any status, its "too many requests", how to forget what is stored, headers on each answer
 */
export function createStub(vendor) {
  let faults = [];
  let seen;
  const forget = () => {
    seen = { total: 0, inFlight: 0, peak: 0, paths: {}, statuses: {}, log: [] };
  };
  forget();

  function takeFault(target) {
    for (const f of faults) {
      if (f.fired >= f.times || !f.match.test(target)) continue;
      if (f.kind === 'throttle') {
        const now = performance.now();
        const rate = Number(f.value ?? 0);
        f.tokens = Math.min(rate, (f.tokens ?? rate) + ((now - (f.last ?? now)) * rate) / 1000);
        f.last = now;
        if (f.tokens >= 1) {
          f.tokens -= 1;
          continue;
        }
      }
      f.fired += 1;
      return f;
    }
    return undefined;
  }

  function addFaults(given) {
    for (const { match = '', kind, value, times } of [given].flat()) {
      if (!Object.hasOwn(STRIKES, kind))
        throw new Refusal(400, { error: `kind must be one of ${Object.keys(STRIKES).join(', ')}` });
      faults.push({ match: new RegExp(match), kind, value, times: times ?? Infinity, fired: 0 });
    }
  }
  const showFaults = () =>
    faults.map((f) => ({
      match: f.match.source,
      kind: f.kind,
      value: f.value,
      times: Number.isFinite(f.times) ? f.times : null,
      fired: f.fired,
    }));

  function control(method, path, body) {
    const op = `${method} ${path}`;
    if (op === 'GET /_stub/requests') return seen;
    if (op === 'DELETE /_stub/requests') forget();
    else if (op === 'POST /_stub/faults') addFaults(JSON.parse(body));
    else if (op === 'DELETE /_stub/faults') faults = [];
    else if (op === 'POST /_stub/reset') {
      forget();
      faults = [];
      vendor.reset();
    } else if (op !== 'GET /_stub/faults') throw new Refusal(404, { error: `no ${op}` });
    return showFaults();
  }

  function send(
    res,
    { status = 200, headers = {}, body },
    { cutAt, vendorHeaders = vendor.headers?.() } = {},
  ) {
    const raw = Buffer.isBuffer(body)
      ? body
      : Buffer.from(body === undefined ? '' : JSON.stringify(body));
    res.writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': raw.length,
      ...vendorHeaders,
      ...headers,
    });
    if (cutAt === undefined) {
      res.end(raw);
      return;
    }
    res.write(raw.subarray(0, cutAt ?? raw.length >> 1), () =>
      setTimeout(() => res.socket?.destroy(), 20),
    );
  }

  async function answerOf(make) {
    try {
      return await make();
    } catch (e) {
      if (e instanceof Refusal) return e;
      if (e instanceof SyntaxError) return { status: 400, body: vendor.errorBody(400) };
      console.error(e);
      return { status: 500, body: vendor.errorBody(500) };
    }
  }

  /** Enters a request into the book; a reset while it is under way starts a new one. */
  function enter(req, res, { pathname, search }) {
    const book = seen;
    const { method, headers, socket } = req;
    const entry = {
      n: ++book.total,
      at: Date.now(),
      method,
      path: pathname + search,
      port: socket.localPort,
      agent: headers['user-agent'],
    };
    entry.authorization = headers.authorization?.split(' ')[0];
    book.peak = Math.max(book.peak, ++book.inFlight);
    const path = `${method} ${pathname}`;
    book.paths[path] = (book.paths[path] ?? 0) + 1;
    if (book.log.push(entry) > 2000) book.log.shift();
    res.once('close', () => {
      book.inFlight -= 1;
      entry.ms = Date.now() - entry.at;
      entry.status = res.headersSent ? res.statusCode : undefined;
      if (res.headersSent) book.statuses[res.statusCode] = (book.statuses[res.statusCode] ?? 0) + 1;
      entry.closed = !res.writableFinished; // the client or a fault ended it early
    });
    return entry;
  }

  /** Each kind of fault: what it does instead of, or to, the right answer. */
  const STRIKES = {
    hang: ({ value }, req) => value !== undefined && setTimeout(() => reset(req.socket), value),
    reset: (_, req) => reset(req.socket),
    status: ({ value = 503 }, _, { res }) =>
      send(res, { status: Number(value), body: vendor.errorBody(Number(value)) }),
    throttle: (_, __, { res }) => send(res, vendor.throttled()),
    garbage: ({ value = '<html><body>Bad gateway</body></html>' }, _, { res }) =>
      send(res, { body: Buffer.from(String(value)) }),
    truncate: async ({ value = null }, _, { res, right }) =>
      send(res, await right(), { cutAt: value }),
    slow: async ({ value = 1000 }, _, { res, right }) => {
      await new Promise((done) => setTimeout(done, Number(value)));
      send(res, await right());
    },
  };

  async function bodyOf(req) {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }

  async function answer(handle, req, res) {
    req.socket.on('error', () => {});
    const body = await bodyOf(req);
    const url = new URL(req.url, 'http://stub');
    const { pathname, search, searchParams } = url;
    if (pathname.startsWith('/_stub/')) {
      send(res, await answerOf(() => ({ body: control(req.method, pathname, body) })), {
        vendorHeaders: {},
      });
      return;
    }
    const entry = enter(req, res, url);
    const { method, headers } = req;
    const request = {
      method,
      url,
      headers,
      body,
      path: decodeURIComponent(pathname),
      query: searchParams,
    };
    Object.assign(request, {
      json: () => (body ? JSON.parse(body) : {}),
      form: () => new URLSearchParams(body),
    });
    const right = () => answerOf(() => handle(request));
    const fault = takeFault(`${method} ${pathname}${search}`);
    entry.fault = fault?.kind;
    if (fault) await STRIKES[fault.kind](fault, req, { res, right });
    else send(res, await right());
  }

  /** @param handle (request: {method, url, path, query, headers, body, json(), form()}) => {status?, headers?, body} | throws Refusal */
  return (handle) => (req, res) => void answer(handle, req, res).catch(() => {}); // a client that leaves in the middle
}

export const requestId = () => randomUUID();
export const seconds = () => Math.floor(Date.now() / 1000);
