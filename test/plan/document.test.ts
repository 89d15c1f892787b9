import { describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { canonicalJson, digestOf } from '../../src/core/canonical.ts';
import type { Expected } from '../../src/plan/document.ts';
import { planDigest, printPlan, readPlan } from '../../src/plan/document.ts';
import { planText, podText, thrown } from '../support/manifest.ts';

// RFC 8785, appendix B: IEEE 754 bits, and how the number is printed.
const NUMBERS: readonly [string, string][] = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
];

describe('canonical JSON (RFC 8785)', () => {
  test.each(NUMBERS)('the double %s is %s', (bits, wanted) => {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, BigInt(`0x${bits}`));
    expect(canonicalJson([view.getFloat64(0)])).toBe(`[${wanted}]`);
  });

  test('the example of section 3.2.2', () => {
    const input = JSON.parse(
      '{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001], "string": "\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/", "literals": [null, true, false]}',
    ) as unknown;
    const wanted =
      '7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273223a5b3333333333333333332e333333333333332c31652b33302c342e352c302e3030322c31652d32375d2c22737472696e67223a22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f227d';
    expect(Buffer.from(canonicalJson(input)).toString('hex')).toBe(wanted);
  });

  test('members are sorted by UTF-16 code units: the example of section 3.2.3', () => {
    const input = JSON.parse(
      '{"\\u20ac": "Euro Sign", "\\r": "Carriage Return", "\\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One", "\\ud83d\\ude00": "Emoji: Grinning Face", "\\u0080": "Control", "\\u00f6": "Latin Small Letter O With Diaeresis"}',
    ) as Record<string, string>;
    expect(
      Object.values(JSON.parse(canonicalJson(input).replace('"1":', '"_1":')) as object),
    ).toEqual([
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ]);
  });

  test('undefined members are left out; __proto__ is a member', () => {
    expect(canonicalJson({ b: 1, a: undefined })).toBe('{"b":1}');
    expect(canonicalJson(JSON.parse('{"__proto__":{"b":1},"a":2}'))).toBe(
      '{"__proto__":{"b":1},"a":2}',
    );
  });

  test('it parses to the same value and does not depend on the order of members', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(
          canonicalJson(
            JSON.parse(text, (_, one: unknown) =>
              typeof one === 'object' && one !== null && !Array.isArray(one)
                ? Object.fromEntries(Object.entries(one).toReversed())
                : one,
            ),
          ),
        ).toBe(text);
      }),
    );
  });

  test('the digest is SHA-256 of the UTF-8 bytes', () => {
    expect(digestOf('é')).toBe(
      `sha256:${createHash('sha256').update(Buffer.from('é')).digest('hex')}`,
    );
    expect(digestOf('')).toBe(
      'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
  });
});

describe('plan documents', () => {
  const { plan } = planText(
    podText(
      'command: [sh], env: [{name: A, value: "$(B) é"}]',
      '',
      'name: p, annotations: {__proto__: x}',
    ),
  );
  const text = printPlan(plan);
  const changed = (change: (parsed: Record<string, unknown>) => void, sign = true): string => {
    const parsed = JSON.parse(text) as Record<string, unknown>;
    delete parsed['digest'];
    change(parsed);
    const digest = sign ? digestOf(canonicalJson(parsed)) : planDigest(plan);
    return JSON.stringify({ ...parsed, digest });
  };
  const refusal = (document: string, expected?: Expected): string[] =>
    thrown(() => readPlan(document, 'plan.json', expected)).map(
      (one) => `${one.code}: ${one.message}`,
    );

  test('what is printed is read again as the same plan, and printed the same', () => {
    const read = readPlan(text, 'plan.json');
    expect(read).toEqual(plan);
    expect(printPlan(read)).toBe(text);
    expect(text.endsWith('\n')).toBe(true);
    const expected = { digest: planDigest(plan), by: 'its digest' };
    expect(readPlan(text, 'plan.json', expected)).toEqual(plan);
  });

  test('white space and the order of members do not matter', () => {
    expect(readPlan(JSON.stringify(JSON.parse(text), null, 2), 'plan.json')).toEqual(plan);
  });

  test.each<[string, string, string]>([
    ['no JSON', 'no json', 'plan.json: is not JSON'],
    ['a list', '[]', 'plan.json: is not a plan'],
    ['nothing', 'null', 'plan.json: is not a plan'],
    [
      'no version',
      '{}',
      'has a version that this bellhop does not read (it reads bellhop/plan/v1)',
    ],
    [
      'a later version',
      changed((one) => (one['apiVersion'] = 'bellhop/plan/v9')),
      'has a version that this bellhop does not read',
    ],
    [
      'no digest',
      JSON.stringify({ ...JSON.parse(text), digest: undefined }),
      'its digest does not fit its content: it was changed',
    ],
    [
      'a changed value',
      changed((one) => (one['workingDir'] = '/x'), false),
      'its digest does not fit its content: it was changed',
    ],
    [
      'one changed letter',
      text.replace('é', 'e'),
      'its digest does not fit its content: it was changed',
    ],
    [
      'an added member',
      changed((one) => (one['extra'] = 1), false),
      'its digest does not fit its content: it was changed',
    ],
    [
      'an unknown feature',
      changed((one) => (one['requires'] = ['relay', 'x'])),
      'needs what this bellhop cannot do: relay, x',
    ],
    ['no placements', changed((one) => delete one['placements']), 'lacks placements in the plan'],
    [
      'placements of no kind',
      changed((one) => (one['placements'] = [{}])),
      'has a placement of a kind that this bellhop does not know',
    ],
    [
      'metrics of no kind',
      changed((one) => (one['metrics'] = [])),
      'has metrics that are no object',
    ],
    [
      'a relay that listens at nothing',
      changed((one) => (one['metrics'] = { tags: 'none', self: true, relay: { taken: 'warn' } })),
      'lacks listen in a relay',
    ],
    ...(
      [
        [{ statsd: 'gateway' }, 'metrics.statsd that is no address: needs a port, as in'],
        [{ statsd: 8125 }, 'metrics.statsd that is no address: must be a text'],
        [{ relay: { listen: [8125] } }, 'metrics.relay.listen that is no address: must be a text'],
        [{ relay: { listen: ['unixgram://x'] } }, 'metrics.relay.listen that is no address: needs'],
        [{ relay: { forward: [{ listen: 'x', to: 'h:1' }] } }, 'metrics.relay.forward that is no'],
        [{ relay: { forward: [{ listen: 'h:1', to: '' }] } }, 'metrics.relay.forward that is no'],
        [{ relay: { tags: { job: 1 } } }, 'metrics.relay.tags that are no texts'],
      ] as const
    ).map(([metrics, what]): [string, string, string] => {
      const full = { listen: [], taken: 'warn', tags: {}, forward: [] };
      const relay = 'relay' in metrics ? { relay: { ...full, ...metrics.relay } } : {};
      const given = { tags: 'none', self: true, ...metrics, ...relay };
      return [JSON.stringify(metrics), changed((one) => (one['metrics'] = given)), `has ${what}`];
    }),
    [
      'a variable with an `unless` that is no list',
      changed((one) => {
        const source = { kind: 'text', text: 'x', of: 'y' };
        const variable = { kind: 'variable', layer: 'settings', name: 'A', rule: 'r', source };
        one['placements'] = [{ ...variable, unless: 'B' }];
      }),
      'has an `unless` that is no list of texts',
    ],
    ['no policy', changed((one) => (one['policy'] = null)), 'lacks policy in the plan'],
  ])('%s is refused', (_name, document, what) => {
    expect(refusal(document).join('\n')).toContain(what);
    expect(refusal(document)[0]).toStartWith('BH_ERR_PLAN: plan.json: ');
  });

  test.each(['BELLHOP_PLAN_DIGEST', 'BELLHOP_OVERRIDES_DIGEST'])(
    'another plan than the one that %s promises is refused',
    (by) => {
      expect(refusal(text, { digest: 'sha256:0000', by })).toEqual([
        `BH_ERR_PLAN: plan.json: is another plan than ${by} says (it is ${planDigest(plan)})`,
      ]);
    },
  );
});
