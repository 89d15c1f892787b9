// Fault and latency proxy for TCP: stands before any server and passes bytes through (TLS too). 127.0.0.1 only, no dependency.
//   node faultproxy.mjs PORT UPSTREAM_HOST:PORT CONTROL_PORT [TLS_FOLDER]
// A port 0 is any free one; the first line it prints is {"port", "controlPort"}. With BELLHOP_OWNED=1 it ends with its standard input.
// With TLS_FOLDER (server.key, server.pem) a TLS end stands between the proxy and a plain upstream: clients speak TLS, faults strike
// the TCP connection below it, and the counts of bytes include the handshake.
//
// GET / shows { set, stats }; POST / with JSON changes the named settings at once, also for open connections; DELETE / makes everything
// normal and forgets the counts.
//   latencyMs       added to every round trip, half in each direction
//   jitterMs        0 to this much more, at random, a chunk
//   bytesPerSecond  pace of the bytes to the client
//   cutAfter        the connection ends after so many bytes to the client
//   cutHow          "fin" (default) or "reset"
//   hang            true: connections are accepted, no byte passes in either direction
//   reset           true: open and new connections are reset
//   refuse          true: nothing listens (connection refused), open connections live on
//   connections     hang, reset and cutAfter strike only the next N connections, the others are normal (null: all)
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';

const [port, upstream, controlPort, tlsFolder] = process.argv.slice(2);
const colon = upstream.lastIndexOf(':');
let target = { host: upstream.slice(0, colon), port: Number(upstream.slice(colon + 1)) };
let own = { host: '127.0.0.1', port: Number(port) };

const NORMAL = {
  latencyMs: 0,
  jitterMs: 0,
  bytesPerSecond: null,
  cutAfter: null,
  cutHow: 'fin',
  hang: false,
  reset: false,
  refuse: false,
  connections: null,
};
const FRESH = { accepted: 0, peak: 0, bytesToServer: 0, bytesToClient: 0, cut: 0, reset: 0 };
let set = { ...NORMAL };
let stats = { ...FRESH };
const open = new Set();

/** How many bytes may still go to the client before the cut. */
function untilCut(link, toClient, sent) {
  return toClient && link.struck && set.cutAfter !== null ? set.cutAfter - sent : Infinity;
}

/** When a chunk may leave at the earliest: not before the one before it. */
function dueTime(before, data, toClient) {
  const jitter = Math.random() * set.jitterMs;
  const pace =
    toClient && data && set.bytesPerSecond ? (data.length / set.bytesPerSecond) * 1000 : 0;
  return Math.max(performance.now() + set.latencyMs / 2 + jitter, before) + pace;
}

/** Hands chunks on in order, each not before its time; while the connection hangs, nothing. */
function pipe(link, toClient) {
  const [from, to] = toClient ? [link.server, link.client] : [link.client, link.server];
  const queue = [];
  let leaves = 0;
  let sent = 0;
  let timer;

  /** Sends one chunk; false where it was the last. */
  const hand = ({ data }) => {
    if (data === null) {
      to.end();
      return false;
    }
    const rest = untilCut(link, toClient, sent);
    const part = data.length > rest ? data.subarray(0, Math.max(0, rest)) : data;
    sent += part.length;
    stats[toClient ? 'bytesToClient' : 'bytesToServer'] += part.length;
    if (part !== data) {
      stats.cut += 1;
      link.end(part, set.cutHow);
      return false;
    }
    if (!to.write(part)) {
      from.pause();
      to.once('drain', () => from.resume());
    }
    return true;
  };
  const step = () => {
    timer = undefined;
    if (to.destroyed) return;
    if (link.struck && set.hang) {
      timer = setTimeout(step, 20);
      return;
    }
    const now = performance.now();
    while (queue[0]?.due <= now) if (!hand(queue.shift())) return;
    if (queue.length > 0) timer = setTimeout(step, Math.max(0, queue[0].due - now));
  };
  const push = (data) => {
    leaves = dueTime(leaves, data, toClient);
    queue.push({ data, due: leaves });
    if (timer === undefined) step();
  };
  from.on('data', (data) => {
    // a slow pace hands on small pieces, so that a client sees bytes trickle
    const slow = toClient && set.bytesPerSecond;
    const piece = slow ? Math.max(1, Math.ceil(set.bytesPerSecond / 20)) : data.length;
    for (let i = 0; i < data.length; i += piece) push(data.subarray(i, i + piece));
  });
  from.on('end', () => push(null));
}

function rst(socket) {
  stats.reset += 1;
  socket.resetAndDestroy();
}

/** Whether the next connection is one that a fault strikes. */
function isStruck() {
  if (set.connections === null) return true;
  const strikes = set.connections > 0;
  if (strikes && (set.hang || set.reset || set.cutAfter !== null)) set.connections -= 1;
  return strikes;
}

function accept(client) {
  stats.accepted += 1;
  const struck = isStruck();
  client.on('error', () => {});
  if (struck && set.reset) {
    rst(client);
    return;
  }
  const server = net.connect({ ...target, allowHalfOpen: true });
  const end = (data, how) => {
    client.write(data, () => (how === 'reset' ? rst(client) : client.destroySoon()));
    server.destroy();
  };
  const link = { struck, client, server, end };
  open.add(link);
  stats.peak = Math.max(stats.peak, open.size);
  server.on('error', () => rst(client)); // the upstream is away: the client sees a reset
  client.once('close', () => {
    open.delete(link);
    server.destroy();
  });
  for (const s of [client, server]) s.setNoDelay(true);
  pipe(link, false);
  pipe(link, true);
}

const listening = (server, where) =>
  new Promise((done, fail) => {
    server.once('error', fail).listen(where, done);
  });

/** Puts a TLS end before the plain upstream, and the proxy before that. */
async function frontWithTls(folder) {
  const plain = target;
  const files = {
    key: fs.readFileSync(`${folder}/server.key`),
    cert: fs.readFileSync(`${folder}/server.pem`),
  };
  const front = tls.createServer({ ...files, allowHalfOpen: true }, (client) => {
    const server = net.connect({ ...plain, allowHalfOpen: true });
    const both = [client, server];
    for (const [i, one] of both.entries()) {
      const other = both[1 - i];
      one
        .setNoDelay(true)
        .on('error', () => other.destroy())
        .pipe(other);
    }
  });
  await listening(front, { host: '127.0.0.1', port: 0 });
  target = { host: '127.0.0.1', port: front.address().port };
}

const listener = net.createServer({ allowHalfOpen: true }, accept);

async function apply(given) {
  for (const name of Object.keys(given)) {
    if (!(name in NORMAL))
      throw new Error(`no setting "${name}"; there are ${Object.keys(NORMAL).join(', ')}`);
  }
  set = { ...set, ...given };
  if (set.refuse && listener.listening) listener.close(); // stops at once; its callback would wait for open connections
  if (!set.refuse && !listener.listening) await listening(listener, own);
  if (set.reset && set.connections === null) for (const { client } of open) rst(client);
}

async function control(req, res) {
  let body = '';
  for await (const chunk of req) body += chunk;
  let error;
  try {
    if (req.method === 'POST') await apply(JSON.parse(body));
    if (req.method === 'DELETE') {
      await apply(NORMAL);
      stats = { ...FRESH };
    }
  } catch (e) {
    error = e.message;
  }
  res.writeHead(error === undefined ? 200 : 400, { 'content-type': 'application/json' });
  res.end(JSON.stringify({ error, set, stats: { ...stats, open: open.size } }));
}

/** Any free port is one that no `listen(0)` elsewhere is given while `refuse` leaves it. */
async function listenFirst() {
  if (own.port !== 0) {
    await listening(listener, own);
    return;
  }
  for (let n = 0; ; n += 1) {
    own = { ...own, port: 22000 + ((process.pid + n) % 10000) };
    try {
      await listening(listener, own);
      return;
    } catch (error) {
      if (error.code !== 'EADDRINUSE' || n === 100) throw error;
    }
  }
}

if (tlsFolder) await frontWithTls(tlsFolder);
await listenFirst();
const controller = http.createServer((req, res) => void control(req, res));
await listening(controller, { host: '127.0.0.1', port: Number(controlPort) });
console.log(JSON.stringify({ port: own.port, controlPort: controller.address().port }));
if (process.env.BELLHOP_OWNED === '1') process.stdin.resume().on('end', () => process.exit());
