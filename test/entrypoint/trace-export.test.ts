import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Clock } from '../../src/core/io/types.ts';
import { EXPORT_MS_MIN, openExporter } from '../../src/entrypoint/trace-export.ts';
import { OTLP_NOTHING } from '../../src/wire/otlp.ts';
import { skipVisibly } from '../support/need.ts';
import { realIo } from '../support/real-store.ts';
import { judged, noJudge } from './_otlp-judge.ts';
import { exampleReport } from './_trace-run.ts';

const report = await exampleReport();
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const PLENTY_MS = 10_000;

interface Taken {
  readonly path: string;
  readonly type: string | null;
  readonly team: string | null;
  readonly body: string;
}
const taken: Taken[] = [];
const answers = { status: 200 };
let collector: ReturnType<typeof Bun.serve>;
let silent: Bun.TCPSocketListener;

beforeAll(() => {
  collector = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async (request) => {
      const { headers } = request;
      const { pathname } = new URL(request.url);
      const facts = {
        path: pathname,
        type: headers.get('content-type'),
        team: headers.get('team'),
      };
      taken.push({ ...facts, body: await request.text() });
      return new Response('{}', { status: answers.status });
    },
  });
  // Takes connections and never answers.
  silent = Bun.listen({ port: 0, hostname: '127.0.0.1', socket: { data: () => undefined } });
});
afterAll(async () => {
  await collector.stop(true);
  silent.stop(true);
});

/** The waits that were begun, and whether their time comes at once; else it never does. */
const waits: number[] = [];
let areOver = false;

/** Time stands still, so that no machine is too slow for a test. */
const clock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => 0,
  after: (ms, work) => {
    waits.push(ms);
    if (areOver && ms < PLENTY_MS) queueMicrotask(work);
    return () => undefined;
  },
};

function exporter(port: number, more: Readonly<Record<string, string>> = {}) {
  taken.length = 0;
  waits.length = 0;
  answers.status = 200;
  areOver = port === silent.port;
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, ...more };
  const found = openExporter({ ...realIo(env), clock });
  if (found === undefined) throw new Error('there is an endpoint');
  return found;
}

test('nobody asked: nothing is opened', () => {
  expect(openExporter(realIo({ OTEL_SERVICE_NAME: 'x' }))).toBeUndefined();
});

test('a collector gets an empty request at once, and the spans in one more', async () => {
  const more = { OTEL_EXPORTER_OTLP_HEADERS: 'team=ml', OTEL_SERVICE_NAME: 'trainer' };
  const own = exporter(collector.port ?? 0, more);
  expect(await own.send(report, PLENTY_MS)).toBeUndefined();
  expect(taken.map(({ path, type, team }) => [path, type, team])).toEqual([
    ['/v1/traces', 'application/json', 'ml'],
    ['/v1/traces', 'application/json', 'ml'],
  ]);
  expect(taken[0]?.body).toBe(OTLP_NOTHING);
  expect(JSON.parse(taken[1]?.body ?? '')).toBeObject();
});

const missing = noJudge();
if (missing !== undefined) skipVisibly('OTLP by its official definitions', [missing]);

describe.skipIf(missing !== undefined)('by the official definitions', () => {
  test('a request without spans is one', () => {
    expect(judged(OTLP_NOTHING)).toMatchObject({ spans: [], wireBytes: 0 });
  });

  test('every field is known, and the spans are one tree below the parent that was given', async () => {
    const TRACEPARENT = `00-${TRACE}-${SPAN}-01`;
    const own = exporter(collector.port ?? 0, { TRACEPARENT, OTEL_SERVICE_NAME: 'trainer' });
    await own.send(report, PLENTY_MS);
    const { resource, spans } = judged(taken[1]?.body ?? '');
    expect(resource).toEqual({ 'service.name': 'trainer' });
    expect(spans.length).toBe(report.spans.length + 1);
    expect(new Set(spans.map(({ trace }) => trace))).toEqual(new Set([TRACE]));
    const ids = new Set(spans.map(({ id }) => id));
    expect(ids.size).toBe(spans.length);
    const [root, ...below] = spans;
    expect(root).toMatchObject({ name: 'bellhop start', parent: SPAN, kind: 1, failed: false });
    expect(root?.tookNs).toBe(Math.round(report.totalMs * 1e3) * 1e3);
    expect(below.every(({ parent }) => ids.has(parent))).toBe(true);
    const failed = below.filter((one) => one.failed).map(({ name, kind }) => [name, kind]);
    expect(failed).toEqual([
      ['attempt database/creds/trainer', 3],
      ['attempt BatchGetSecretValue (20)', 3],
    ]);
    expect(below.find(({ name }) => name === 'attempt GetObject')?.attributes).toEqual([
      'bellhop.critical',
      'bellhop.kind',
      'bellhop.store',
      'http.response.status_code',
      'network.protocol.version',
    ]);
  });
});

describe('what goes wrong is told, and waited for only so long', () => {
  test.each([
    ['a refusal', 415, 'HTTP 415'],
    ['a failure', 503, 'HTTP 503'],
  ])('%s', async (_, status, why) => {
    const own = exporter(collector.port ?? 0);
    answers.status = status;
    expect(await own.send(report, PLENTY_MS)).toBe(why);
    // The first request said it: the spans are not even sent.
    expect(taken.length).toBe(1);
  });

  test('a port where nobody listens', async () => {
    const closed: Bun.TCPSocketListener = Bun.listen({
      port: 0,
      hostname: '127.0.0.1',
      socket: { data: () => undefined },
    });
    const { port } = closed;
    closed.stop(true);
    expect(await exporter(port).send(report, PLENTY_MS)).toContain('refused');
  });

  test(`a collector that never answers costs a short start ${EXPORT_MS_MIN} ms`, async () => {
    const own = exporter(silent.port);
    expect(await own.send(report, PLENTY_MS)).toBe('no answer in time');
    expect(waits.filter((ms) => ms < PLENTY_MS)).toEqual([EXPORT_MS_MIN]);
  });

  test('no time left: not waited at all', async () => {
    expect(await exporter(silent.port).send(report, 0)).toBe('no answer in time');
  });

  test('a file of the variables that is not there', async () => {
    const more = { OTEL_EXPORTER_OTLP_CERTIFICATE: '/nowhere/ca.pem' };
    const own = exporter(collector.port ?? 0, more);
    expect(await own.send(report, PLENTY_MS)).toBe('/nowhere/ca.pem cannot be read (ENOENT)');
    expect(taken).toEqual([]);
  });

  test('gRPC is not tried', async () => {
    const own = exporter(collector.port ?? 0, { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' });
    expect(await own.send(report, PLENTY_MS)).toContain('gRPC');
    expect(taken).toEqual([]);
  });
});
