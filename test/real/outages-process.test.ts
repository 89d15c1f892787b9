// Outages seen from outside: the built executable ends in time with the documented exit code, has
// started nothing and written nothing, and its report names every reference and every attempt.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import dgram from 'node:dgram';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { formatReference } from '../../src/plan/reference.ts';
import { built } from '../support/built.ts';
import { missingForRoom } from '../entrypoint/_enter.ts';
import { closedPort } from '../support/ports.ts';
import { FAULTS, answerOf, certificates } from './_faults.ts';
import type { Front, Stand } from './_outage.ts';
import { BUDGET_MS, CANARY, TOLERANCE_MS } from './_outage.ts';
import {
  answering,
  behind,
  blackHole,
  failing,
  meeting,
  nowhere,
  showing,
} from './_outage-fronts.ts';
import type { Ended } from './_outage-process.ts';
import { runOnce } from './_outage-process.ts';
import type { ProcessLine } from './_outage-record.ts';
import { record } from './_outage-record.ts';
import { secretsManagerStand, vaultStand } from './_outage-stands.ts';

const STANDS = await Promise.all([vaultStand(), secretsManagerStand()]);
const RUN_MS_MAX = 120_000;
const measured: ProcessLine[] = [];
afterAll(() => {
  if (STANDS.every(({ stand }) => stand !== undefined)) record('processes', measured);
});
built();

interface Row {
  readonly fault: string;
  readonly front: (stand: Stand) => Promise<Front>;
  readonly exit: number;
  readonly says: RegExp;
}

const DENIED = { '*': answerOf(403, { errors: ['1 error occurred:\n\t* permission denied\n\n'] }) };
const NOT_ALLOWED = answerOf(400, { __type: 'AccessDeniedException', message: 'no' });

function denial({ kind }: Stand): typeof NOT_ALLOWED {
  return kind === 'vault' ? DENIED['*'] : NOT_ALLOWED;
}

const ROWS: readonly Row[] = [
  {
    fault: 'connection refused',
    front: async () => nowhere(`http://127.0.0.1:${await closedPort()}`),
    exit: 75,
    says: /attempts?: refused/,
  },
  {
    fault: 'black hole: packets are dropped',
    front: blackHole,
    exit: 75,
    says: /attempts?: no answer for/,
  },
  {
    fault: 'hangs before the headers',
    front: meeting(FAULTS.hangBeforeHeaders),
    exit: 75,
    says: /attempts?: no answer for/,
  },
  {
    fault: '1 byte a second',
    front: meeting(FAULTS.byteASecond),
    exit: 75,
    says: /attempts?: no answer for/,
  },
  {
    fault: 'HTTP 500',
    front: answering(failing(500)),
    exit: 75,
    says: /attempts: HTTP 500 \(\d+ times\)/,
  },
  {
    fault: 'expired certificate',
    front: async (stand) => showing(certificates().expired)(stand),
    exit: 75,
    says: /after 1 attempt: certificate \(expired\)/,
  },
  { fault: 'not allowed', front: answering(denial), exit: 77, says: /BH_ERR_STORE_DENIED/ },
];

/** Ended in time, with nothing started, nothing written, and everything told. */
function untouched(ended: Ended, { stand, row }: { stand: Stand; row: Omit<Row, 'front'> }): void {
  const { exit, stderr, tookMs, wrote, left } = ended;
  measured.push({ fault: row.fault, store: stand.kind, exit, tookMs });
  expect([exit, stderr]).toEqual([row.exit, expect.stringMatching(row.says)]);
  expect([wrote, left]).toEqual([undefined, []]);
  expect(tookMs).toBeLessThan(BUDGET_MS + TOLERANCE_MS);
  expect(stderr).not.toContain(CANARY);
  for (const reference of stand.references) expect(stderr).toContain(formatReference(reference));
}

for (const { kind, stand } of STANDS) {
  describe.skipIf(stand === undefined)(kind, () => {
    if (stand === undefined) return;
    const { references } = stand;
    test.each(ROWS)(
      '$fault: exit code $exit',
      async (row) => {
        await using front = await row.front(stand);
        const around = stand.around(front.url, front.caFile);
        const ended = await runOnce({ references, around, mounted: true });
        untouched(ended, { stand, row });
      },
      RUN_MS_MAX,
    );

    test('what is absent decides the exit code beside an outage of the others', async () => {
      await using front = await behind(stand, (server) => {
        if (kind === 'vault') server.always(FAULTS.serverError, /s[01]$/);
      });
      const wanted = references.map((one, n) => (n === 2 ? { ...one, path: `${one.path}x` } : one));
      const ended = await runOnce({
        references: wanted,
        around: stand.around(front.url),
        mounted: true,
      });
      expect([ended.exit, ended.wrote, ended.left]).toEqual([69, undefined, []]);
      expect(ended.stderr).toContain(formatReference(wanted[2] ?? { store: '', path: '' }));
    });

    test('500 twice, then fine: the program starts with every value', async () => {
      await using front = await meeting(FAULTS.serverError, 2)(stand);
      const ended = await runOnce({ references, around: stand.around(front.url) });
      expect([ended.exit, ended.stderr]).toEqual([0, '']);
      expect(ended.wrote).toBe(stand.values.join(' '));
      const row = { fault: '500 twice, then fine', exit: 0 };
      const { tookMs } = ended;
      measured.push({ ...row, store: kind, tookMs });
    });
  });
}

const SILENT_ADDRESS = '127.0.0.71';

/** A name server that takes every question and answers none. */
async function silentNameServer(): Promise<AsyncDisposable & { readonly asked: () => number }> {
  const socket = dgram.createSocket('udp4');
  let asked = 0;
  socket.on('message', () => void (asked += 1));
  await new Promise<void>((done) => void socket.bind(53, SILENT_ADDRESS, done));
  return {
    asked: () => asked,
    [Symbol.asyncDispose]: () => new Promise((done) => void socket.close(() => done())),
  };
}

const noRoom = missingForRoom();
const { stand: vault } = STANDS[0] ?? {};
test.skipIf(noRoom !== undefined || vault === undefined)(
  'a name server that never answers: exit code 75, in time',
  async () => {
    if (vault === undefined) return;
    const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-dns-'));
    const resolv = path.join(folder, 'resolv.conf');
    writeFileSync(resolv, `nameserver ${SILENT_ADDRESS}\n`);
    await using names = await silentNameServer();
    const enter = `mount --bind ${resolv} /etc/resolv.conf && exec "$@"`;
    const ended = await runOnce({
      references: vault.references,
      around: vault.around('http://store.example.com:8200'),
      mounted: true,
      within: ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', enter, 'sh'],
    });
    rmSync(folder, { recursive: true });
    const row = { fault: 'DNS: no answer', exit: 75, says: /attempts?: (no answer|name)/ };
    untouched(ended, { stand: vault, row });
    expect(names.asked()).toBeGreaterThan(0);
  },
  RUN_MS_MAX,
);
