import { describe, expect, test } from 'bun:test';
import { diff } from '../../src/parity/diff.ts';
import type { Difference } from '../../src/parity/diff-types.ts';
import { DIFFERENCE_RULES } from '../../src/parity/rules.ts';
import type { Snapshot } from '../../src/parity/types.ts';
import { BATCH, BATCH_EQUAL, KUBERNETES } from './_example.ts';
import {
  file,
  folder,
  link,
  snapshot,
  tmpfs,
  tree,
  value,
  variables,
  volume,
} from './_snapshots.ts';

/** Differences as `rule: kind name aspect`, the group in the place of a rule where none fits. */
function told(left: Snapshot, right: Snapshot): string[] {
  return diff(left, right).differences.map(({ rule, group, kind, name, aspect }) => {
    return `${rule ?? group}: ${kind} ${name} ${aspect}`;
  });
}

function only(left: Snapshot, right: Snapshot): Difference {
  const [first, ...more] = diff(left, right).differences;
  if (first === undefined || more.length > 0) throw new Error('not one difference');
  return first;
}

const env = (all: Readonly<Record<string, string>>): Snapshot =>
  snapshot({ process: { env: variables(all) } });
const at = (...trees: Snapshot['trees']): Snapshot => snapshot({ trees });

describe('of one container and another', () => {
  test('the example has its seven defects, and nothing else that must not be', () => {
    const must = diff(KUBERNETES, BATCH).differences.filter(({ rule }) => rule === undefined);
    expect(must.map(({ name, aspect }) => `${name} ${aspect}`)).toEqual([
      'DATABASE_URL presence',
      'DB_URL presence',
      '/etc/tls/..TS/tls.crt content',
      '/etc/tls/..TS/tls.key mode',
      '/etc/train/..TS/log.ini presence',
      '/etc/train/log.ini presence',
      'umask state',
    ]);
  });

  test('the mended one differs only where a rule says why', () => {
    expect(told(KUBERNETES, BATCH_EQUAL)).toEqual([
      'hostname: variable HOSTNAME value',
      'service-variables: variable KUBERNETES_PORT presence',
      'service-variables: variable KUBERNETES_SERVICE_HOST presence',
      'service-variables: variable KUBERNETES_SERVICE_PORT presence',
      'cluster-fields: variable POD_IP value',
      'platform-files: file /etc/hosts content',
      'memory-link: file /etc/tls/..TS through',
      'folder-on-disk: file /etc/tls medium',
      'mount-as-folder: mount /checkpoints presence',
      'mount-as-folder: mount /etc/tls presence',
      'mount-as-folder: mount /etc/train presence',
      'limits: limit open files state',
      'surroundings: surroundings kernel state',
      'hostname: surroundings hostname state',
    ]);
  });

  test('a variable of the plan is told with its rule, and where its value stands now', () => {
    const found = diff(KUBERNETES, BATCH).differences.find(({ name }) => name === 'DB_URL');
    expect(found?.reason).toBe(
      'only on the left: it may be a key of what the plan has from spec.containers[0].envFrom[0] (sm:prod/db); the right has the same value as DATABASE_URL',
    );
  });

  test('under different keys nothing is compared', () => {
    const other = { ...KUBERNETES, key: 'fedcba9876543210' };
    expect(() => diff(KUBERNETES, other)).toThrow(/different keys \(0123456789abcdef and fedc/);
  });
});

describe('a variable', () => {
  test.each<[string, Record<string, string>, Record<string, string>, string[]]>([
    ['with another value', { A: 'x' }, { A: 'y' }, ['must-not-differ: variable A value']],
    ['on one side only', { A: 'x' }, {}, ['must-not-differ: variable A presence']],
    [
      'of the API server',
      {},
      { KUBERNETES_PORT: 't' },
      ['service-variables: variable KUBERNETES_PORT presence'],
    ],
    [
      'called like one of a Service, alone',
      {},
      { APP_PORT: '1' },
      ['must-not-differ: variable APP_PORT presence'],
    ],
    ['HOME', { HOME: '/' }, { HOME: '/root' }, ['runtime-variables: variable HOME value']],
    ['PATH, another one', { PATH: '/a' }, { PATH: '/b' }, ['must-not-differ: variable PATH value']],
    [
      'PATH, where one image has none',
      {},
      { PATH: '/b' },
      ['runtime-variables: variable PATH presence'],
    ],
  ])('%s', (...[, left, right, expected]) => {
    expect(told(env(left), env(right))).toEqual(expected);
  });

  test('of a Service is known by the two that every Service has', () => {
    const service = { DB_SERVICE_HOST: '10.0.0.9', DB_SERVICE_PORT: '5432', DB_PORT_5432_TCP: 'x' };
    const all = diff(env(service), env({})).differences.map(({ rule }) => rule);
    expect(all).toEqual(['service-variables', 'service-variables', 'service-variables']);
  });

  test('that stands there twice is a difference of its own, and so is one without a name', () => {
    const [one] = variables({ A: 'x' });
    if (one === undefined) throw new Error('no variable');
    const twice = snapshot({ process: { env: [one, one] } });
    expect(told(snapshot({ process: { env: [one] } }), twice)).toEqual([
      'must-not-differ: variable A count',
    ]);
    const odd = { name: '', value: value('NOEQUALS'), odd: true } as const;
    expect(told(snapshot({ process: { env: [odd] } }), snapshot())).toEqual([
      'must-not-differ: variable entry without a name presence',
    ]);
  });

  test('a byte more is most often a newline', () => {
    expect(only(env({ A: 'x' }), env({ A: 'x\n' })).reason).toContain('often a newline');
    expect(only(env({ A: 'x' }), env({ A: 'xyz' })).reason).not.toContain('newline');
  });

  test('what the plan declares is never the platform’s', () => {
    const plan = KUBERNETES.plan;
    if (plan === undefined) throw new Error('no plan');
    const declared = {
      ...plan,
      variables: [{ name: 'HOSTNAME', from: 'literal', rule: 'spec.containers[0].env[0]' }],
    };
    const left = { ...env({ HOSTNAME: 'a' }), plan: declared };
    expect(told(left, env({ HOSTNAME: 'b' }))).toEqual([
      'must-not-differ: variable HOSTNAME value',
    ]);
  });

  test('of the cluster that is missing is not excused', () => {
    const left = { ...env({ POD_IP: '10.0.0.1' }), plan: KUBERNETES.plan };
    const known = left.plan === undefined ? env({}) : { ...left, plan: left.plan };
    expect(told(known, env({}))).toEqual(['must-not-differ: variable POD_IP presence']);
  });
});

describe('a file', () => {
  const whole = at(tree('/v', [folder('.'), file('f', 'text'), link('l', 'f')]));
  test.each<[string, Snapshot, string[]]>([
    [
      'with other bytes',
      at(tree('/v', [folder('.'), file('f', 'texT'), link('l', 'f')])),
      ['content'],
    ],
    [
      'of another mode',
      at(tree('/v', [folder('.'), file('f', 'text', { mode: '0640' }), link('l', 'f')])),
      ['mode'],
    ],
    [
      'of another owner',
      at(tree('/v', [folder('.'), file('f', 'text', { gid: 7 }), link('l', 'f')])),
      ['owner'],
    ],
    ['that is a link', at(tree('/v', [folder('.'), link('f', 'x'), link('l', 'f')])), ['type']],
    ['that is missing', at(tree('/v', [folder('.'), link('l', 'f')])), ['presence']],
    [
      'to which a link no longer leads',
      at(tree('/v', [folder('.'), file('f', 'text'), link('l', 'g')])),
      ['target'],
    ],
    ['below nothing at all', at(tree('/v', [], { error: 'ENOENT' })), ['presence']],
    ['below what may not be read', at(tree('/v', [], { error: 'EACCES' })), ['unread']],
  ])('%s', (_, right, aspects) => {
    const found = diff(whole, right).differences;
    expect(found.map(({ aspect, group }) => `${aspect} ${group}`)).toEqual(
      aspects.map((one) => `${one} must-not-differ`),
    );
  });

  test('a folder that is missing is told once, with how much it held', () => {
    const left = at(tree('/v', [folder('.'), folder('d'), file('d/a', '1'), file('d/b', '2')]));
    const found = only(left, at(tree('/v', [folder('.')])));
    expect([found.name, found.left]).toEqual(['/v/d', 'folder 0755 0:0 with 2 entries']);
  });

  test('is found again where the other side lists it under another tree', () => {
    const one = at(tree('/v', [folder('.'), folder('s'), file('s/f', 'x')]));
    const other = at(tree('/v', [folder('.')]), tree('/v/s', [folder('.'), file('f', 'x')]));
    expect(told(one, other)).toEqual([]);
  });

  test('a Secret on the disk is not excused by a rule', () => {
    const secret = volume('/s', { key: 'x' });
    const left = { ...at(secret), mounts: [tmpfs('/s')] };
    expect(told(left, at({ ...secret, medium: 'disk' }))).toEqual([
      'must-not-differ: file /s medium',
      'mount-as-folder: mount /s presence',
    ]);
  });

  test('what only one side looked at leaves the comparison incomplete', () => {
    const { differences, incomplete } = diff(whole, snapshot());
    expect(differences).toEqual([]);
    expect(incomplete).toEqual([
      '/v was looked at on the left only (take both with --path /v, or with one --plan)',
    ]);
  });

  test('a limit that was reached does so too', () => {
    const cuts = [{ limit: 'entriesMax', max: 10, path: '/v/f' }];
    expect(diff(whole, { ...whole, cuts }).incomplete).toEqual([
      'the right stopped at /v/f, at its limit entriesMax=10 (raise it with --limit)',
    ]);
  });
});

describe('what is not known', () => {
  const without = (...names: string[]): Snapshot => {
    const { process: seen, ...rest } = snapshot();
    const kept = Object.entries(seen).filter(([name]) => !names.includes(name));
    return { ...rest, process: Object.fromEntries(kept) as unknown as Snapshot['process'] };
  };
  const limited = (...names: string[]): Snapshot =>
    snapshot({ process: { limits: Object.fromEntries(names.map((name) => [name, ['1', '1']])) } });
  const whole = snapshot();

  test.each<[string, Snapshot, Snapshot, string[]]>([
    ['to the left', without('signals'), whole, ['signals: not known on the left']],
    ['to the right', whole, without('umask'), ['the umask: not known on the right']],
    [
      'to either side: taken without the launcher, both',
      without('signals', 'descriptors', 'cwd', 'umask', 'noNewPrivileges'),
      without('signals', 'descriptors', 'cwd', 'umask', 'noNewPrivileges'),
      [
        'signals: known on neither side',
        'open descriptors: known on neither side',
        'the directory: known on neither side',
        'the umask: known on neither side',
        'no_new_privs: known on neither side',
      ],
    ],
    [
      'of a limit',
      limited('open files', 'x'),
      limited('x'),
      ['limit open files: not known on the right'],
    ],
    [
      'of a limit, on either side',
      limited('x'),
      limited('x'),
      ['limit open files: known on neither side'],
    ],
    [
      'of a limit that one kernel has',
      limited('open files'),
      limited('open files', 'x'),
      ['limit x: not known on the left'],
    ],
    ['and of a program that neither starts there is none', without('argv'), without('argv'), []],
    [
      'that only one side starts a program',
      without('argv'),
      whole,
      ['the command line: not known on the left'],
    ],
  ])('%s', (...[, left, right, expected]) => {
    const { differences, incomplete } = diff(left, right);
    expect([differences, incomplete]).toEqual([[], expected]);
  });
});

test('the names of rules are not given twice, and their words end without a full stop', () => {
  const names = DIFFERENCE_RULES.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const words = DIFFERENCE_RULES.flatMap(({ what, why }) => [what, why]);
  expect(words.filter((one) => one.endsWith('.') || one === '')).toEqual([]);
});

test('10,000 variables and 10,000 files are compared before anybody waits', () => {
  const many = Array.from({ length: 10_000 }, (_, index) => `N${index}`);
  const all = Object.fromEntries(many.map((name) => [name, name]));
  const entries = [folder('.'), ...many.map((name) => file(name, name))];
  const big = (extra: Record<string, string>): Snapshot => ({
    ...snapshot({ process: { env: variables({ ...all, ...extra }) } }),
    trees: [tree('/v', entries)],
  });
  const [left, right] = [big({}), big({ N77: 'other' })];
  const found = diff(left, right).differences;
  expect(found.map(({ name }) => name)).toEqual(['N77']);
});
