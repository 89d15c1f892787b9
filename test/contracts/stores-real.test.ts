// The same cases on every kind of store, each with the real server (or stub) of its world.
import { describe, expect, test } from 'bun:test';
import net from 'node:net';
import { ALL_STORES } from '../../src/stores/_all.gen.ts';
import type { Bound } from '../../src/plan/types.ts';
import type { Answer } from '../../src/stores/_store.ts';
import { FAULTS, answerOf, certificates, faultServer } from '../real/_faults.ts';
import { closedPort } from '../support/ports.ts';
import { gatherReal } from '../support/real-store.ts';
import type { MaybeWorld, OddName, Remote, Setting, World } from './_world.ts';
import { CANARY, ODD, open, valueAt, wordsOf } from './_world.ts';
import { WORLDS } from './_worlds.ts';

/** The time of a start whose store is down, and what a busy machine may add to it. */
const BUDGET_MS = 1000;
const TOLERANCE_MS = 500;
/** More than any kind takes in one request, but for Consul and etcd (128). */
const MANY = 65;

test('every kind of store has its world', () => {
  expect(Object.keys(WORLDS).toSorted()).toEqual(Object.keys(ALL_STORES).toSorted());
});

const worlds = await Promise.all(
  Object.entries(WORLDS).map(async ([kind, make]) => [kind, await make()] as const),
);

for (const [kind, world] of worlds) {
  const isMissing = 'missing' in world;
  const known = (isMissing ? {} : world) as World;
  describe.skipIf(isMissing)(`store ${kind}`, () => {
    answers(kind, known, world);
    oddValues(kind, known);
    if (isMissing || known.remote !== undefined) {
      outages(kind, known);
      refusals(kind, known);
      if (isMissing || remoteOf(known).speaks !== 'tcp') strangers(kind, known);
    }
  });
}

const remoteOf = ({ remote }: World): Remote => remote ?? expect.unreachable();

function answers(
  kind: string,
  world: World,
  { missing }: Partial<MaybeWorld & { missing: string }>,
) {
  const way = world.auth === undefined ? '' : `, auth: ${world.auth}`;
  test(`what is there is read${way}`, async () => {
    const { ask } = await open(kind, world.home);
    const [answer] = await ask(world.there.path);
    expect(valueAt(world.there, answer)).toBe(CANARY);
  });

  test('answers stand in the order of the question, repeated ones too', async () => {
    const { path } = world.there;
    const { ask } = await open(kind, world.home);
    const given = await ask(world.gone(0), path, world.gone(1), path, world.gone(0));
    const found = world.there.member === undefined ? 'value' : 'map';
    expect(given.map((one) => one.kind) as string[]).toEqual([
      'absent',
      found,
      'absent',
      found,
      'absent',
    ]);
    for (const n of [1, 3]) expect(valueAt(world.there, given[n])).toBe(CANARY);
  });

  test('what is not there is absent, and it is said as part of a sentence', async () => {
    const [answer] = await (await open(kind, world.home)).ask(world.gone(0));
    expect(answer?.kind).toBe('absent');
    expect(answer?.kind === 'absent' ? answer.what : '').toMatch(/^\S.* .*[^.\s]$/);
  });

  test('asked for nothing it says nothing, and asks nobody', async () => {
    const { ask, requests } = await open(kind, world.home);
    expect(await ask()).toEqual([]);
    expect(requests()).toBe(0);
  });

  test(`${MANY} paths at once are each answered, in their order`, async () => {
    const there = Array.from({ length: MANY }, (_, n) => n % 6 === 0);
    const spots = await Promise.all(
      there.map(async (isThere, n) =>
        isThere ? world.put(`many-${n}`, Buffer.from(`v${n}`)) : { path: world.gone(n) },
      ),
    );
    const given = await (await open(kind, world.home)).ask(...spots.map(({ path }) => path));
    const shown = given.map((answer, n) => valueAt(spots[n] ?? world.there, answer));
    expect(shown).toEqual(there.map((isThere, n) => (isThere ? `v${n}` : 'no value: absent')));
  }, 30_000);

  test('an answer shows no value when it is printed', async () => {
    const given = await (await open(kind, world.home)).ask(world.there.path, world.gone(0));
    const printed = [Bun.inspect(given), JSON.stringify(given), ...given.map(String)].join('');
    expect(printed).not.toContain(CANARY);
  });

  // A kind that is missing here is skipped with all its cases.
  if (missing === undefined && world.versions === undefined) return;
  test('a version is asked for by its name; one that never was is not taken for another', async () => {
    const { at, one, two, none, ...spot } = (await world.versions?.()) ?? expect.unreachable();
    const { path } = spot;
    const { ask } = await open(kind, at ?? world.home);
    const [latest, first, second, never] = await ask(
      path,
      { path, version: one },
      { path, version: two },
      { path, version: none },
    );
    expect([latest, first, second].map((answer) => valueAt(spot, answer))).toEqual([
      'two',
      'one',
      'two',
    ]);
    expect(['absent', 'failed']).toContain(never?.kind ?? '');
  });
}

function oddValues(kind: string, world: World): void {
  const held = (Object.keys(ODD) as OddName[]).filter((one) => !world.cannotHold?.includes(one));
  test.each(held)('a value comes back byte for byte: %s', async (name) => {
    const spot = await world.put(`odd ${name}`.replaceAll(/\W/g, '_'), ODD[name]);
    const [answer] = await (await open(kind, world.home)).ask(spot.path);
    expect(valueAt(spot, answer)).toBe(ODD[name].toString('latin1'));
  });
}

/** Asks for two paths of a store that is down; it may not take longer than the start has. */
async function askDown(kind: string, world: World, url: string) {
  const { ask } = await open(kind, remoteOf(world).at(url, certificates().caFile), BUDGET_MS);
  const beganMs = performance.now();
  const given = await ask(world.there.path, world.gone(0));
  expect(performance.now() - beganMs).toBeLessThan(BUDGET_MS + TOLERANCE_MS);
  expect(given).toHaveLength(2);
  for (const answer of given) {
    expect(wordsOf(answer)).not.toContain(CANARY);
    expect(answer.kind === 'failed' ? answer.problem.code : answer.kind).toBe('BH_ERR_STORE');
    expect(wordsOf(answer)).toMatch(/after \d+ attempts?: /);
  }
}

const schemeOf = ({ speaks }: Remote): string => (speaks === 'tcp' ? 'redis' : speaks);

function outages(kind: string, world: World): void {
  describe('outages', () => {
    test('no server: BH_ERR_STORE in time, with every attempt', async () => {
      const host = world.remote?.speaks === 'https' ? 'localhost' : '127.0.0.1';
      const url = `${schemeOf(remoteOf(world))}://${host}:${await closedPort()}`;
      await askDown(kind, world, url);
    });
    test('a server that takes requests and says nothing: BH_ERR_STORE in time', async () => {
      if (remoteOf(world).speaks === 'tcp')
        return silently(async (url) => askDown(kind, world, url));
      const tls = remoteOf(world).speaks === 'https' ? { tls: certificates().good } : {};
      await using server = await faultServer(tls);
      server.always(FAULTS.hangBeforeHeaders);
      await askDown(kind, world, server.url);
      expect(server.requests.length).toBeGreaterThan(0);
    });
  });
}

/** A server that takes connections, reads, and never says a byte. */
async function silently(work: (url: string) => Promise<void>): Promise<void> {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket.on('error', () => undefined).resume());
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as net.AddressInfo;
  await work(`redis://127.0.0.1:${port}`);
  expect(sockets.length).toBeGreaterThan(0);
  for (const socket of sockets) socket.destroy();
  server.close();
}

function refusals(kind: string, world: World): void {
  test('wrong credentials are refused, never absence, and shown nowhere', async () => {
    const given = await (await open(kind, remoteOf(world).wrong)).ask(
      world.there.path,
      world.gone(0),
    );
    for (const answer of given) {
      const code = answer.kind === 'failed' ? answer.problem.code : answer.kind;
      expect(['BH_ERR_STORE_DENIED', 'BH_ERR_CREDENTIALS']).toContain(code);
      expect(wordsOf(answer)).not.toContain(CANARY);
    }
  });
  test('wrong credentials reach no fallback where there is one attempt only', async () => {
    const answer = await withFallback(kind, world, {
      setting: remoteOf(world).wrong,
      attemptsMax: 1,
    });
    expect(['BH_ERR_STORE_DENIED', 'BH_ERR_CREDENTIALS']).toContain(codeOf(answer));
  });
  test('it says who we are, and shows no credential', async () => {
    const { store } = await open(kind, world.home);
    const said = await store.identity?.();
    if (store.identity !== undefined) expect(said).toMatch(/\S/);
    for (const secret of [...remoteOf(world).secrets, CANARY]) {
      expect(String(said)).not.toContain(secret);
    }
  });
}

const PAGE = '<html><body>nothing for you</body></html>';
const STRANGE = [
  ['401', 'a page', PAGE, ['BH_ERR_CREDENTIALS']],
  ['403', 'a page', PAGE, ['BH_ERR_STORE_DENIED', 'BH_ERR_CREDENTIALS']],
  ['404', 'a page', PAGE, ['BH_ERR_SETTINGS']],
  ['400', 'a page', PAGE, ['BH_ERR_SETTINGS']],
  ['401', 'JSON of no meaning', '{}', ['BH_ERR_CREDENTIALS', 'BH_ERR_STORE_DENIED']],
  ['403', 'no body', '', ['BH_ERR_STORE_DENIED', 'BH_ERR_CREDENTIALS']],
  ['404', 'no body', '', ['BH_ERR_SETTINGS']],
] as const;

/** What a gateway or a firewall before the store says in its own words. */
function strangers(kind: string, world: World): void {
  // To a server of files any 404 but a page means: not there.
  const said = STRANGE.filter(([status, type]) => {
    return kind !== 'http' || status !== '404' || type === 'a page';
  });
  test.each(said)('HTTP %s with %s reaches no fallback, and is no absence', async (...row) => {
    const [status, type, body, codes] = row;
    const tls = remoteOf(world).speaks === 'https' ? { tls: certificates().good } : {};
    await using server = await faultServer(tls);
    const as = type === 'a page' ? 'text/html' : 'application/json';
    server.always({ kind: 'answer', answer: answerOf(Number(status), body, as) });
    const setting = remoteOf(world).at(server.url, certificates().caFile);
    const answer = await withFallback(kind, world, { setting });
    expect(codes as readonly string[]).toContain(codeOf(answer));
    expect(wordsOf(answer)).not.toContain(CANARY);
    expect(server.requests.length).toBeWithin(1, 3);
  });
}

/** What a start is given for the value that is there, with a fallback that has the canary. */
async function withFallback(
  kind: string,
  { there }: World,
  { setting, attemptsMax }: { readonly setting: Setting; readonly attemptsMax?: number },
): Promise<Answer | undefined> {
  const bound: Bound = {
    called: 'V',
    reference: { store: 'mine', path: there.path },
    fallbacks: [{ store: 'env', path: 'FALLBACK' }],
  };
  const { answers } = await gatherReal([bound], {
    stores: { mine: { ...setting.options, kind }, env: { kind: 'env' } },
    env: { ...setting.env, FALLBACK: CANARY },
    startMsMax: BUDGET_MS,
    ...(attemptsMax === undefined ? {} : { attemptsMax }),
  });
  return [...answers.values()][0]?.answer;
}

function codeOf(answer: Answer | undefined): string {
  return answer?.kind === 'failed' ? answer.problem.code : `${answer?.kind}`;
}
