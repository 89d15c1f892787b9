import { describe, expect, test } from 'bun:test';
import type { Environment } from '../../src/entrypoint/environment.ts';
import { annotationsText, byteText, bytesToText } from '../../src/entrypoint/environment.ts';
import type { Placement } from '../../src/plan/types.ts';
import type { Given } from './_environment.ts';
import { all, compute, key, literal, template, utf8, variable } from './_environment.ts';

const shown = ({ variables, problems }: Environment): string[] => [
  ...[...variables].map(
    ([name, one]) => `${name}=${Buffer.from(one.value, 'latin1').toString('utf8')}`,
  ),
  ...problems.map((one) => `${one.code} ${one.message}`),
];

describe('variables as the kubelet computes them', () => {
  test('settings < service < envFrom < env, and what each overrode is told, oldest first', () => {
    const environment = compute({
      placements: [
        literal('settings', 'A', 'settings'),
        literal('service', 'A', 'service'),
        all('s'),
        template('A', 'env'),
        literal('settings', 'B', 'settings'),
        literal('service', 'B', 'service'),
        all('t'),
        template('A', 'again'),
        literal('settings', 'C', 'settings'),
        literal('service', 'C', 'service'),
      ],
      objects: { s: { A: utf8('from s'), B: utf8('from s') }, t: { B: utf8('from t') } },
    });
    expect(shown(environment).toSorted()).toEqual(['A=again', 'B=from t', 'C=service']);
    expect(environment.variables.get('A')?.overrides).toEqual([
      'settings A',
      'service A',
      'envFrom s',
      'env A',
    ]);
    expect(environment.variables.get('B')?.overrides).toEqual([
      'settings B',
      'service B',
      'envFrom s',
    ]);
    expect(environment.variables.get('C')?.rule).toBe('service C');
  });

  test('$(VAR) sees envFrom, earlier env, services, the API server; never settings, later ones, the inherited', () => {
    const environment = compute({
      placements: [
        literal('settings', 'SET', 'x'),
        literal('service', 'SVC', 's'),
        literal('service', 'BOTH', 'service'),
        all('o', 'P_'),
        template('T', '$(P_k) $(SVC) $(API) $(SET) $(LATER) $(BOTH)'),
        template('LATER', 'y'),
        template('BOTH', 'env'),
        template('U', '$(BOTH)'),
      ],
      objects: { o: { k: utf8('$(SVC)') } },
      inherited: { API: 'api' },
    });
    expect(shown(environment)).toContain('T=$(SVC) s api $(SET) $(LATER) service');
    expect(shown(environment)).toContain('U=env');
    expect([
      environment.lookup('LATER'),
      environment.lookup('API'),
      environment.lookup('SET'),
    ]).toEqual(['y', 'api', undefined]);
    expect(environment.variables.has('API')).toBe(false);
  });

  test('values of objects are never expanded, and keep every byte', () => {
    const environment = compute({
      placements: [variable('env', 'A', key('s', 'k')), template('B', '[$(A)]')],
      objects: { s: { k: utf8('$(B) é\n') } },
    });
    expect(shown(environment)).toEqual(['A=$(B) é\n', 'B=[$(B) é\n]']);
  });

  test('optional and missing is absent, not empty; the earlier value stays', () => {
    const environment = compute({
      placements: [
        all('s'),
        variable('env', 'A', key('s', 'nope', { optional: true })),
        variable('env', 'X', { kind: 'absent', called: 'c' }),
        all('gone', '', { optional: true }),
      ],
      objects: { s: { A: utf8('1') } },
    });
    expect(shown(environment)).toEqual(['A=1']);
  });

  test('missing and not optional is a problem each', () => {
    const environment = compute({
      placements: [variable('env', 'A', key('s', 'x')), all('gone')],
      objects: { s: { k: utf8('canary') } },
    });
    expect(shown(environment)).toEqual([
      'BH_ERR_MISSING env A, secret s, key x, v:s: it has no key x; keys there: k',
      expect.stringContaining(
        'BH_ERR_MISSING envFrom gone, secret gone, v:gone: ',
      ) as unknown as string,
    ]);
  });

  test('bytes that are not UTF-8: one U+FFFD each, or as they are by policy', () => {
    const given: Given = {
      placements: [variable('env', 'A', key('s', 'k')), template('B', 'x$(A)')],
      objects: { s: { k: Uint8Array.of(0x61, 0xff, 0xe2, 0x82) } },
    };
    expect(compute(given).variables.get('A')?.value).toBe(byteText('a\ufffd\ufffd\ufffd'));
    expect(compute({ ...given, nonUtf8Env: 'bytes' }).variables.get('A')?.value).toBe(
      'a\xff\xe2\x82',
    );
    expect(compute({ ...given, nonUtf8Env: 'bytes' }).variables.get('B')?.value).toBe(
      'xa\xff\xe2\x82',
    );
  });

  test.each<[string, Placement, string]>([
    [
      'a key with =',
      all('odd'),
      "BH_ERR_VALUE variable a=b, envFrom odd: a variable's name must be printable ASCII characters other than '='",
    ],
    [
      'a prefix and a key with a NUL',
      all('nul', 'P_'),
      "a variable's name must be printable ASCII",
    ],
    ['a key that is not ASCII', all('wide'), "a variable's name must be printable ASCII"],
    [
      'a NUL in a value',
      variable('env', 'A', key('zero', 'k')),
      'BH_ERR_VALUE variable A, env A: its value has a NUL byte, which no variable can hold',
    ],
    ['a NUL in a literal', template('A', 'a\0'), 'its value has a NUL byte'],
  ])('%s is refused and its value not told', (_name, placement, wanted) => {
    const objects = {
      odd: { 'a=b': utf8('canary') },
      nul: { 'k\0': utf8('canary') },
      wide: { é: utf8('canary') },
      zero: { k: utf8('canary\0') },
    };
    const environment = compute({ placements: [placement], objects });
    expect(environment.variables.size).toBe(0);
    const lines = shown(environment);
    expect(lines.length).toBe(1);
    expect(lines[0]).toContain(wanted);
    expect(lines[0]).not.toContain('canary');
  });

  test('names like __proto__ and toString are variables like any other, and not there by accident', () => {
    const environment = compute({
      placements: [all('s'), template('A', '$(toString)$(constructor)$(__proto__)')],
      objects: {
        s:
          JSON.parse('{"__proto__":1}') === null
            ? {}
            : Object.fromEntries([['__proto__', utf8('p')]]),
      },
    });
    expect(shown(environment)).toEqual(['__proto__=p', 'A=$(toString)$(constructor)p']);
  });

  test('odd names that the kubelet delivers are delivered', () => {
    const environment = compute({
      placements: [all('s', '1_')],
      objects: { s: { 'my.key': utf8('a'), '-': utf8('b') } },
    });
    expect(shown(environment)).toEqual(['1_my.key=a', '1_-=b']);
  });

  test('the annotations file has the time and where the kubelet saw the pod', () => {
    expect(annotationsText({ a: 'b"' }, 0)).toBe(
      'a="b\\""\nkubernetes.io/config.seen="1970-01-01T00:00:00.000000000Z"\nkubernetes.io/config.source="api"',
    );
  });

  test('byte texts keep bytes', () => {
    expect(byteText('é')).toBe('\xc3\xa9');
    expect(bytesToText(new Uint8Array(Uint8Array.of(1, 0xff, 2).buffer, 1, 1))).toBe('\xff');
  });
});
