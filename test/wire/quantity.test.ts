import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { parseQuantity, quantityIn, quantityUnits } from '../../src/wire/quantity.ts';

interface Vector {
  readonly text: string;
  readonly error?: string;
  readonly value?: string;
  readonly milli?: string;
  readonly memory?: Readonly<Record<string, string>>;
  readonly cpu?: Readonly<Record<string, string>>;
}

const vectors = JSON.parse(
  readFileSync(new URL('../golden/go/quantity.json', import.meta.url), 'utf8'),
) as readonly Vector[];

/** Up to here Go's doubles are exact. */
const DOUBLE_MAX = 2n ** 53n;

function isExactInGo({ text, value = '0', milli = '0' }: Vector): boolean {
  const quantity = parseQuantity(text);
  if (quantity === undefined || quantity.nano < 0n) return false;
  const units = quantityUnits(quantity);
  // Where they differ Go's 64 bits have overflowed.
  return units <= DOUBLE_MAX && BigInt(value) === units && BigInt(milli) <= DOUBLE_MAX;
}

const unit = (text: string) => parseQuantity(text) ?? { nano: 0n };

describe('quantities are those of k8s.io/apimachinery', () => {
  const refused = vectors.filter((one) => one.error !== undefined);
  test.each(refused)('"$text" is refused', ({ text }) => {
    expect(parseQuantity(text)).toBeUndefined();
  });

  const exact = vectors.filter((one) => one.error === undefined && isExactInGo(one));
  test.each(exact)('"$text" is $value', ({ text, value, memory, cpu }) => {
    const quantity = unit(text);
    expect(quantityUnits(quantity).toString()).toBe(value ?? '');
    for (const [divisor, wanted] of Object.entries({ ...memory, ...cpu })) {
      expect(`in ${divisor}: ${quantityIn(quantity, unit(divisor))}`).toBe(
        `in ${divisor}: ${wanted}`,
      );
    }
  });

  test('most vectors are within 2^53, where the kubelet is exact', () => {
    expect(exact.length).toBeGreaterThan(60);
    expect(refused.length).toBeGreaterThan(15);
  });

  test('beyond 2^53 the result is exact, where the kubelet rounds or overflows', () => {
    expect(quantityIn(unit('9007199254740993'), unit('1'))).toBe('9007199254740993');
    expect(quantityIn(unit('8Ei'), unit('1'))).toBe('9223372036854775808');
  });

  test('an exponent beyond 64 is refused: nobody means it, and it costs memory', () => {
    for (const text of ['1e65', '1e400', '1e99999999999'])
      expect(parseQuantity(text)).toBeUndefined();
    expect(quantityUnits(unit('1e-99999999999'))).toBe(1n);
  });

  test.each([
    ['1500m', '1', '2'],
    ['1', '1m', '1000'],
    ['0.0005', '1m', '1'],
    ['128Mi', '1Mi', '128'],
    ['128Mi', '1M', '135'],
    ['1025', '1Ki', '2'],
    ['5', '0', '5'],
  ])('%s in units of %s is %s, rounded up; a divisor of 0 is 1', (text, divisor, wanted) => {
    expect(quantityIn(unit(text), unit(divisor))).toBe(wanted);
  });
});
