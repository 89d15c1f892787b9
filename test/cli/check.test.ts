import { describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { CheckReport } from '../../src/entrypoint/check.ts';
import { pathKey } from '../../src/entrypoint/answers.ts';
import { referenceRows } from '../../src/entrypoint/check-rows.ts';
import { Sealed } from '../../src/core/sealed.ts';
import type { Plan } from '../../src/plan/types.ts';
import { CANARY, call, folder } from './_call.ts';
import { checked, closedPort, report, server, settings, states } from './_check.ts';

describe('each reference has its own row', () => {
  test('present, absent, denied and unreachable are told apart', async () => {
    const found = await report(
      `env: { A: web:plain, B: web:nope, C: web:denied, D: down:x, E: 'web:db.json#nokey' }
policy: { startMsMax: 2000 }`,
    );
    expect(states(found)).toEqual([
      'web:plain value present',
      'web:nope value absent',
      'web:denied value denied',
      'down:x value unreachable',
      'web:db.json#nokey value absent',
    ]);
    expect(found.references[0]).toMatchObject({ called: 'variable A', bytes: CANARY.length });
    expect(found).toMatchObject({ ready: false, exit: 77, format: 'bellhop/check/v1' });
    // Each is told once.
    expect(found.problems.length).toBe(4);
  });

  test('fallbacks are asked, though nothing needs them', async () => {
    const found = await report(
      `env:
  A: { from: web:plain, fallback: [ 'web:nope', 'here:FROM_ENV' ] }`,
    );
    expect(states(found)).toEqual([
      'web:plain value present',
      'web:nope fallback absent',
      'here:FROM_ENV fallback present',
    ]);
    expect(found.exit).toBe(0);
  });

  test('optional and default are noted', async () => {
    const found = await report(
      `env:
  A: { from: web:nope, optional: true }
  B: { from: web:nope2, default: x }`,
    );
    expect(found.references).toMatchObject([
      { state: 'absent', optional: true },
      { state: 'absent', hasDefault: true },
    ]);
    expect(found.ready).toBe(true);
  });

  test('all keys of an object: how many, and their size', async () => {
    const found = await report('env: { from: [ web:db.json ] }');
    expect(found.references).toMatchObject([{ keys: 2, bytes: 1 + CANARY.length }]);
  });

  test('credentials that come from another store are references, too', async () => {
    const text = `env: { A: api:plain }
policy: {}`;
    const file = settings(text);
    const more = `  api: { kind: http, url: 'http://127.0.0.1:${server.port}/', bearer: 'here:FROM_ENV' }`;
    const whole = (await Bun.file(file).text()).replace('stores:\n', `stores:\n${more}\n`);
    writeFileSync(file, whole);
    const { out } = await checked(['check', '-c', file, '-o', 'json']);
    expect(states(JSON.parse(out) as CheckReport)).toEqual([
      'api:plain value present',
      'here:FROM_ENV credential present',
    ]);
  });
});

describe('each store has its own row', () => {
  test('reachable, identity, and how fast where a request was made', async () => {
    const found = await report(
      'env: { A: web:plain, B: down:x, C: here:FROM_ENV }\npolicy: { startMsMax: 2000 }',
    );
    const [web, down, local, here] = found.stores;
    expect(web).toMatchObject({ store: 'web', reachable: true, requests: 1, protocols: ['h1'] });
    expect(web?.firstAnswerMs).toBeNumber();
    expect(down).toMatchObject({
      store: 'down',
      reachable: false,
      problem: { code: 'BH_ERR_STORE' },
    });
    expect(down?.firstAnswerMs).toBeUndefined();
    expect(local?.store).toBe('local');
    expect(here).toMatchObject({ reachable: true, requests: 0 });
  });
});

describe('with -c alone everything that bellhop.yaml names is asked for', () => {
  test('bindings of objects, and what only a manifest completes is named', async () => {
    const found = await report(
      `secrets:
  db: web:db.json
  tls: { crt: web:plain, key: web:nope }
  mine: 'web:{pod}'
  '*': 'web:{name}'`,
    );
    expect(states(found)).toEqual([
      'web:db.json value present',
      'web:plain value present',
      'web:nope value absent',
    ]);
    expect(found.unchecked).toEqual(['secrets.*', 'bellhop.yaml, secret mine']);
    expect(found.exit).toBe(69);
  });

  test('with a manifest only what it asks for', async () => {
    const pod = path.join(folder, 'check-pod.yaml');
    writeFileSync(
      pod,
      `apiVersion: v1
kind: Pod
metadata: { name: p }
spec:
  containers:
  - name: main
    image: i
    env: [{ name: U, valueFrom: { secretKeyRef: { name: db, key: user } } }]
`,
    );
    const found = await report('secrets: { db: web:db.json, no: web:nope }', '-f', pod);
    expect(states(found)).toEqual(['web:db.json value present']);
    expect(found.references[0]?.called).toBe('secret db, key user');
    expect(found.references[0]?.bytes).toBe(1);
  });
});

describe('a store that nothing refers to', () => {
  const unused = async (kind: string, row: object): Promise<void> => {
    const found = await report(`  unused: ${kind}\nenv: { A: web:plain }`);
    const { identity: _, ...told } = found.stores.find(({ store }) => store === 'unused') ?? {};
    expect(told as object).toMatchObject(row);
    expect(Object.keys(told).includes('reachable')).toBe(Object.keys(row).includes('reachable'));
    expect(found.exit).toBe(0);
  };
  test('and was not asked is neither reachable nor not', async () => {
    await unused("{ kind: http, url: 'http://127.0.0.1:2' }", { kind: 'http', requests: 0 });
    await unused('{ kind: env }', { kind: 'env', requests: 0 });
  });
  test.each([
    ['CLOSED', { reachable: false, requests: 2, problem: { code: 'BH_ERR_STORE' } }],
    ['OPEN', { reachable: true, requests: 1 }],
  ])('and was asked who we are has that request: %s', async (port, row) => {
    const at = port === 'OPEN' ? server.port : closedPort;
    await unused(
      `{ kind: vault, address: 'http://127.0.0.1:${at}', auth: { token: 'here:FROM_ENV' } }`,
      row,
    );
  });
});

test('a reference whose store lacks its credential is not absent: it was not asked for', async () => {
  const found = await report(
    `  api: { kind: http, url: 'http://127.0.0.1:${server.port}/', bearer: 'web:nope' }
env: { A: api:plain }`,
  );
  expect(states(found)).toEqual(['api:plain value denied', 'web:nope credential absent']);
  const [told] = found.references;
  expect(told?.problem?.code).toBe('BH_ERR_CREDENTIALS');
});

test('the table has a line for each row, and a verdict', async () => {
  const sections = 'env: { A: web:plain, B: { from: web:nope, optional: true } }';
  const { code, out } = await checked(['check', '-c', settings(sections)]);
  expect(code).toBe(0);
  expect(out).toMatch(/^STORE +KIND +REACHABLE/);
  expect(out).toMatch(/\nweb:plain +variable A +present +\d+ bytes/);
  expect(out).toMatch(/\nweb:nope +variable B +absent +optional, BH_ERR_MISSING\n/);
  expect(out).toEndWith('\nA start would have everything that it needs.\n');
});

test('a plan document is checked as it is', async () => {
  const plan = path.join(folder, 'check-plan.json');
  writeFileSync(plan, call(['plan', '-c', settings('env: { A: web:plain }')]).out);
  const { code, out } = await checked(['check', '--plan', plan, '-o', 'json']);
  expect([code, states(JSON.parse(out) as CheckReport)]).toEqual([0, ['web:plain value present']]);
});

test('version and lease are told where a store tells them', () => {
  const value = new Sealed(Buffer.from(CANARY));
  const reference = { store: 's', path: 'p' };
  const facts = { version: '7', leaseMs: 3_600_000 };
  const rows = referenceRows({
    plan: { placements: [], stores: {}, policy: {} } as unknown as Plan,
    wanted: [{ bound: { reference, called: 'c' }, all: false }],
    answers: new Map([
      [pathKey(reference), { store: 's', answer: { kind: 'value', value, facts } }],
    ]),
    spans: [],
  });
  expect(rows).toMatchObject([{ version: '7', leaseMs: 3_600_000, bytes: CANARY.length }]);
  expect(JSON.stringify(rows)).not.toContain(CANARY);
});

test.each([
  [['check'], 'no manifest is given'],
  [['check', '-c', 'x', '-o', 'xml'], 'is table or json'],
])('%p is a usage error', (words, what) => {
  const { code, err } = call(words);
  expect([code, err]).toEqual([64, expect.stringContaining(what)]);
});
