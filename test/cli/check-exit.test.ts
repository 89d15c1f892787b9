// What `check` says in the end is what `run` does, and of a store whether it was reached.
import { afterAll, describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import type { CheckReport } from '../../src/entrypoint/check.ts';
import { checked, closedPort, server, settings } from './_check.ts';

/** Redis 7 to whom it does not know. */
const redis: Bun.TCPSocketListener = Bun.listen({
  port: 0,
  hostname: '127.0.0.1',
  socket: { data: (socket) => void socket.write('-NOAUTH Authentication required.\r\n'.repeat(4)) },
});
afterAll(() => redis.stop(true));

describe('the exit code is that of a start', () => {
  test.each([
    ['everything there', 'env: { A: web:plain }', 0],
    ['absent', 'env: { A: web:nope }', 69],
    ['denied', 'env: { A: web:denied }', 77],
    ['down', 'env: { A: down:x }\npolicy: { startMsMax: 1200 }', 75],
    ['down, with a fallback', 'env: { A: { from: down:x, fallback: [web:plain] } }', 0],
    // The store that is down may have it.
    [
      'down, with a fallback that lacks it',
      `env: { A: { from: down:x, fallback: [web:nope] } }\npolicy: { startMsMax: 1200 }`,
      75,
    ],
    [
      'the same, and optional',
      `env: { A: { from: down:x, fallback: [web:nope], optional: true } }
policy: { startMsMax: 1200 }`,
      75,
    ],
    [
      'the same, with a default',
      `env: { A: { from: down:x, fallback: [web:nope], default: d } }
policy: { startMsMax: 1200 }`,
      75,
    ],
    [
      'the same, with a default for outages',
      `env: { A: { from: down:x, fallback: [web:nope], default: d, defaultOn: outage } }
policy: { startMsMax: 1200 }`,
      0,
    ],
    [
      'down, with a fallback that lacks the key, and optional',
      `env: { A: { from: 'down:x#password', fallback: ['web:user.json#password'], optional: true } }
policy: { startMsMax: 1200 }`,
      75,
    ],
    [
      'the same, and another one that has it',
      `env:
  A: { from: 'down:x#password', fallback: ['web:user.json#password', 'web:db.json#password'] }`,
      0,
    ],
    [
      'two that lack it, one by its path',
      `env: { A: { from: 'down:x#a', fallback: ['web:nope', 'web:user.json#a'] } }
policy: { startMsMax: 1200 }`,
      75,
    ],
    [
      'down, with a fallback that refuses it',
      `env: { A: { from: down:x, fallback: [web:denied], optional: true } }`,
      77,
    ],
    ['broken, and optional', "env: { A: { from: 'web:plain#k', optional: true } }", 65],
    [
      'down, with a default for outages',
      'env: { A: { from: down:x, default: d, defaultOn: outage } }\npolicy: { startMsMax: 1200 }',
      0,
    ],
    [
      'denied, where a fallback would do',
      'env: { A: { from: web:denied, fallback: [web:plain] } }',
      77,
    ],
    ['absent and optional', 'env: { A: { from: web:nope, optional: true } }', 0],
    [
      'an answer that is no answer',
      "env: { A: 'web:odd.json#k' }\npolicy: { startMsMax: 1200 }",
      undefined,
    ],
    ['an unknown store', 'env: { A: nosuch:x }', 78],
    [
      'a credential of the store absent',
      `  web2: { kind: http, url: 'http://127.0.0.1:${closedPort}/', bearer: 'web:nope' }
env: { A: { from: web2:x, optional: true } }`,
      77,
    ],
  ])('%s', async (_, sections, exit) => {
    const file = settings(sections);
    const found = await checked(['check', '-c', file]);
    const started = await checked(['run', '-c', file, '--', '/bin/true']);
    expect([found.code, found.err !== '']).toEqual([started.code, found.code !== 0]);
    if (exit === 77) expect(found.err).not.toContain('`optional');
    if (exit !== undefined) expect(found.code).toBe(exit);
  });
});

test.each([
  // Nothing was asked of it: the token was missing before.
  ['no token', "{ kind: vault, address: 'http://127.0.0.1:CLOSED' }", 'v:kv/a#k', undefined, 0],
  ['refuses', "{ kind: http, url: 'http://127.0.0.1:CLOSED' }", 'v:a', false, 5],
  [
    'no bucket',
    "{ kind: s3, region: r, endpoint: 'http://127.0.0.1:OPEN/nobucket' }",
    'v:b/a',
    true,
    1,
  ],
  ['403', "{ kind: http, url: 'http://127.0.0.1:OPEN' }", 'v:denied', true, 1],
  ['404', "{ kind: http, url: 'http://127.0.0.1:OPEN' }", 'v:nope', true, 1],
  ['503', "{ kind: http, url: 'http://127.0.0.1:OPEN' }", 'v:trouble', true, 5],
  ['no profile', '{ kind: aws-ssm, region: r, auth: { profile: nosuch } }', 'v:a', undefined, 0],
  ['refuses, no HTTP', "{ kind: redis, url: 'redis://127.0.0.1:CLOSED' }", 'v:x', false, 0],
  ['a password, no HTTP', "{ kind: redis, url: 'redis://127.0.0.1:REDIS' }", 'v:x', true, 0],
] as const)('reachable, where it has %s', async (...facts) => {
  const [, kind, reference, reachable, requests] = facts;
  const ports = kind
    .replace('CLOSED', String(closedPort))
    .replace('OPEN', String(server.port))
    .replace('REDIS', String(redis.port));
  const file = settings(`env: { A: '${reference}' }\npolicy: { startMsMax: 4000 }`);
  const text = await Bun.file(file).text();
  writeFileSync(file, text.replace('stores:\n', `stores:\n  v: ${ports}\n`));
  const { out } = await checked(['check', '-c', file, '-o', 'json']);
  const { stores } = JSON.parse(out) as CheckReport;
  const row = stores.find(({ store }) => store === 'v');
  expect([row?.reachable, row?.requests]).toEqual([reachable, requests]);
});
