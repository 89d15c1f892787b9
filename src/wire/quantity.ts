// Kubernetes quantities: k8s.io/apimachinery v0.33.13 pkg/api/resource.

/** An exact decimal: `nano` is the value times 10^9, rounded up as Kubernetes rounds. */
export interface Quantity {
  readonly nano: bigint;
}

const NANO = 1_000_000_000n;
const DECIMAL: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const EXPONENT_MAX = 64;

/**
 * Reads `500m`, `1.5Gi`, `1e3`, `2E`; undefined for what Kubernetes would refuse. No digits are 0,
 * as Go has it. Exact where Go's 64 bits overflow and where its doubles round (beyond 2^53).
 */
export function parseQuantity(text: string): Quantity | undefined {
  const match = /^(?=.)([+-]?)(\d*\.?\d*)(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/.exec(text);
  if (match === null) return undefined;
  const [, sign = '', digits = '', exponent, suffix = ''] = match;
  const [whole = '', fraction = ''] = digits.split('.');
  const scaled = BigInt(`${whole}${fraction}`);
  const binaryPower = BINARY.indexOf(suffix);
  const tens = exponent === undefined ? (DECIMAL[suffix] ?? 0) : Number(exponent.slice(1));
  if (tens > EXPONENT_MAX) return undefined;
  const multiplier = binaryPower > 0 ? 1024n ** BigInt(binaryPower) : 1n;
  const power = Math.max(tens, -EXPONENT_MAX) + 9 - fraction.length;
  const absolute = timesTenTo(scaled * multiplier, power);
  return { nano: sign === '-' ? -absolute : absolute };
}

function timesTenTo(value: bigint, power: number): bigint {
  if (power >= 0) return value * 10n ** BigInt(power);
  return divideUp(value, 10n ** BigInt(-power));
}

function divideUp(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value % divisor > 0n ? quotient + 1n : quotient;
}

/** The whole number of divisors in a quantity, rounded up: what resourceFieldRef prints. */
export function quantityIn(quantity: Quantity, divisor: Quantity): string {
  const unit = divisor.nano === 0n ? NANO : divisor.nano;
  return divideUp(quantity.nano, unit).toString();
}

/** Whole units, rounded up: bytes of a memory quantity. */
export function quantityUnits(quantity: Quantity): bigint {
  return divideUp(quantity.nano, NANO);
}
