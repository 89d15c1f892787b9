import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TraceReport } from '../../src/entrypoint/trace-types.ts';
import { CANARY, call, callMeanwhile, folder } from './_call.ts';

const HEADER = 'canary-header-51c2';
const QUERY = 'canary-query-90ab';

let server: ReturnType<typeof Bun.serve>;
const bodies: string[] = [];
beforeAll(() => {
  let unlucky = 1;
  server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === '/v1/traces') {
        bodies.push(await request.text());
        return new Response('{}');
      }
      if (pathname === '/again' && unlucky-- > 0) return new Response(CANARY, { status: 503 });
      return new Response(CANARY, { status: pathname === '/denied' ? 403 : 200 });
    },
  });
  const stores = `stores: { web: { kind: http, url: 'http://127.0.0.1:${server.port}/', headers: { x: ${HEADER} } } }`;
  const write = (name: string, env: string): void => {
    writeFileSync(path.join(folder, name), `apiVersion: bellhop/v1\n${stores}\nenv: ${env}\n`);
  };
  write('good.yaml', `{ A: 'web:a?k=${QUERY}', B: web:again }`);
  write('bad.yaml', `{ A: 'web:denied?k=${QUERY}' }`);
});
afterAll(async () => server.stop(true));

const started = async (words: readonly string[], env?: Readonly<Record<string, string>>) =>
  callMeanwhile(['run', ...words], env);
const SEES = ['--', '/bin/sh', '-c', `test "$A" = ${CANARY} && echo started`];
const read = (name: string): string => readFileSync(path.join(folder, name), 'utf8');
const traced = (name: string): TraceReport => JSON.parse(read(name)) as TraceReport;
/** None of what must not be in a trace. */
function expectClean(text: string, canaries = [CANARY, HEADER, QUERY]): void {
  for (const canary of canaries) expect(text).not.toContain(canary);
}

describe('run --trace', () => {
  test('FILE.json: the start from its first moment to the program', async () => {
    const ended = await started(['-c', 'good.yaml', '--trace', 'good.json', ...SEES]);
    expect(ended).toEqual({ code: 0, out: 'started\n', err: '' });
    const report = traced('good.json');
    expect(report).toMatchObject({ format: 'bellhop/trace/v1', exit: 0, problems: [] });
    const top = report.spans.filter(({ parent }) => parent === undefined);
    expect(top.map(({ kind }) => kind)).toEqual(['plan', 'call', 'call', 'deliver', 'exec']);
    expect(report.stores).toMatchObject([{ store: 'web', kind: 'http', requests: 3, retries: 1 }]);
    const again = report.spans.filter(({ kind }) => kind === 'attempt').map((one) => one.outcome);
    expect(again.toSorted()).toEqual(['HTTP 200', 'HTTP 200', 'HTTP 503']);
    expect(report.critical[0]?.fromMs).toBe(0);
    expect(report.critical.at(-1)?.toMs).toBe(report.totalMs);
    expectClean(read('good.json'));
  });

  test('FILE.html: the same as a page', async () => {
    const ended = await started(['-c', 'good.yaml', '--trace', 'good.html', ...SEES]);
    expect(ended).toMatchObject({ code: 0, err: '' });
    const page = read('good.html');
    expect(page).toStartWith('<!doctype html>\n');
    expect(page).toContain('program started after');
    expect(page).toContain('GET again');
    expect(page).not.toMatch(/<script|src=|href=|url\((?!#)/);
    expectClean(page);
  });

  test('BELLHOP_TRACE does the same, and does not reach the program', async () => {
    const env = { BELLHOP_TRACE: 'variable.json' };
    const ended = await started(['-c', 'good.yaml', '--', '/usr/bin/env'], env);
    expect(ended.code).toBe(0);
    expect(ended.out).not.toContain('BELLHOP_TRACE');
    expect(traced('variable.json').exit).toBe(0);
  });

  test('BELLHOP_TRACE with another ending is a warning that names it, and the start goes on', async () => {
    const { code, out, err } = await started(['-c', 'good.yaml', ...SEES], {
      BELLHOP_TRACE: '/tmp/x.txt',
    });
    const what = 'BELLHOP_TRACE must end in .html (a page) or .json (the same as data)';
    expect([code, out, err]).toEqual([
      0,
      'started\n',
      `bellhop: warning: ${what}; no trace is written\n`,
    ]);
  });

  test('an older file is replaced as a whole, and nothing is left beside it', async () => {
    const old = path.join(folder, 'old.json');
    writeFileSync(old, 'x'.repeat(1_000_000));
    await started(['-c', 'good.yaml', '--trace', old, ...SEES]);
    expect(traced('old.json').exit).toBe(0);
    expect(readdirSync(folder).filter((name) => name.startsWith('old.json'))).toEqual(['old.json']);
    expect(statSync(old).mode & 0o777).toBe(0o644);
  });

  test('a start that fails leaves its trace too, with the codes and no value', async () => {
    const ended = await started(['-c', 'bad.yaml', '--trace', 'bad.html', ...SEES]);
    expect(ended).toMatchObject({ code: 77, out: '' });
    const page = read('bad.html');
    expect(page).toContain('not started, exit 77');
    expect(page).toContain('BH_ERR_STORE_DENIED');
    expectClean(page);
    // The report names the reference as it was written.
    expectClean(ended.err, [CANARY, HEADER]);
  });

  test('what cannot be read at all leaves one as well', () => {
    const { code } = call([
      'run',
      '-f',
      'nowhere.yaml',
      '--trace',
      'unread.json',
      '--',
      '/bin/true',
    ]);
    expect(code).toBe(65);
    expect(traced('unread.json')).toMatchObject({
      exit: 65,
      problems: [{ code: 'BH_ERR_INPUT_READ' }],
    });
  });

  test.each([
    ['a folder that is not there', 'nowhere/t.json', 'cannot be written (ENOENT)'],
    ['a folder in its place', 'taken.json', 'is there, and no plain file'],
  ])('%s: a warning, and the program starts', async (_, file, why) => {
    mkdirSync(path.join(folder, 'taken.json'), { recursive: true });
    const ended = await started(['-c', 'good.yaml', '--trace', file, ...SEES]);
    expect(ended).toEqual({
      code: 0,
      out: 'started\n',
      err: `bellhop: warning: the trace ${file}: ${why}\n`,
    });
    expect(readdirSync(folder).filter((name) => name.startsWith(`${file}.`))).toEqual([]);
  });

  test.each<[string, string[], string]>([
    ['the manifest', ['-f', 'input.json'], 'is what a manifest was read from'],
    ['the settings', ['-c', 'settings.json'], 'is what bellhop.yaml was read from'],
  ])('%s is not written over', async (_, given, said) => {
    const [, file = ''] = given;
    const pod = { spec: { containers: [{ name: 'm', image: 'i' }] } };
    const manifest = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, ...pod };
    const text = file === 'input.json' ? JSON.stringify(manifest) : '{"apiVersion":"bellhop/v1"}';
    writeFileSync(path.join(folder, file), text);
    const ended = await started([...given, '--trace', file, '--', '/bin/echo', 'started']);
    expect(ended).toEqual({
      code: 0,
      out: 'started\n',
      err: `bellhop: warning: the trace ${file}: ${said}\n`,
    });
    expect(read(file)).toBe(text);
  });

  test('another ending is a usage error, before anything is asked', () => {
    const { code, err } = call(['run', '-f', 'pod.yaml', '--trace', 't.svg', '--', '/bin/true']);
    expect([code, err]).toEqual([64, expect.stringContaining('must end in .html')]);
    expect(existsSync(path.join(folder, 't.svg'))).toBe(false);
  });

  test('with no plan there is nothing to see: the program starts, and no file is written', () => {
    const { code } = call(['run', '--trace', 'none.json', '--', '/bin/true']);
    expect([code, existsSync(path.join(folder, 'none.json'))]).toEqual([0, false]);
  });
});

describe('OTEL_EXPORTER_OTLP_ENDPOINT', () => {
  const endpoint = () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${server.port}` });

  test('the start is sent there, and the variables reach the program untouched', async () => {
    bodies.length = 0;
    const env = { ...endpoint(), OTEL_SERVICE_NAME: 'trainer' };
    const ended = await started(['-c', 'good.yaml', '--', '/usr/bin/env'], env);
    expect([ended.code, ended.err]).toEqual([0, '']);
    for (const [name, value] of Object.entries(env))
      expect(ended.out).toContain(`${name}=${value}\n`);
    expect(ended.out).not.toContain('TRACEPARENT');
    expect(bodies.length).toBe(2);
    expect(bodies[1]).toContain('"bellhop start"');
    expectClean(bodies.join());
  });

  test('a start that fails is sent as one that failed', async () => {
    bodies.length = 0;
    await started(['-c', 'bad.yaml', ...SEES], endpoint());
    expect(bodies[1]).toContain('"message":"BH_ERR_STORE_DENIED"');
    expectClean(bodies.join());
  });

  test('a collector that is not there keeps nothing from starting; --verbose says it', async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' };
    const quiet = await started(['-c', 'good.yaml', ...SEES], env);
    expect(quiet).toEqual({ code: 0, out: 'started\n', err: '' });
    const { err } = await started(['-c', 'good.yaml', '--verbose', ...SEES], env);
    expect(err).toContain('the trace was not taken by the collector: refused');
  });

  test('BELLHOP_OTLP=0: nothing is sent', async () => {
    bodies.length = 0;
    const env = { ...endpoint(), BELLHOP_OTLP: '0' };
    expect(await started(['-c', 'good.yaml', ...SEES], env)).toMatchObject({ code: 0, err: '' });
    expect(bodies).toEqual([]);
  });
});
