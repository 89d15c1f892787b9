// Follows resolve() of sigs.k8s.io/yaml v1.4.0, goyaml.v2/resolve.go, and the numbers that
// k8s.io/apimachinery v0.33.13 makes of its JSON.

/** What a scalar is; `text` of a number is how kubectl sends it in JSON. */
export type Scalar =
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'null'; readonly value: null }
  | { readonly kind: 'bool'; readonly value: boolean }
  | {
      readonly kind: 'int';
      readonly value: number;
      readonly text: string;
      /** Beyond int64: Go keeps it as uint64, and kubectl sends a float. */
      readonly unsigned: boolean;
    }
  | { readonly kind: 'float'; readonly value: number; readonly text: string }
  | { readonly kind: 'refused'; readonly what: string };

const TAG = 'tag:yaml.org,2002:';
const INT = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
// C's FLT_DIG: decimal digits that survive a float32.
const FLOAT32_DIGITS = 6;
const FLOAT32_POWER = 37;
const DIGITS_EXACT_MAX = 15;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

function words(): ReadonlyMap<string, Scalar> {
  const map = new Map<string, Scalar>();
  const add = (list: string, scalar: Scalar): void => {
    for (const word of list.split(' ')) map.set(word, scalar);
  };
  add('y Y yes Yes YES true True TRUE on On ON', { kind: 'bool', value: true });
  add('n N no No NO false False FALSE off Off OFF', { kind: 'bool', value: false });
  add('~ null Null NULL', { kind: 'null', value: null });
  map.set('', { kind: 'null', value: null });
  add('.nan .NaN .NAN', { kind: 'float', value: Number.NaN, text: '.nan' });
  add('.inf .Inf .INF +.inf +.Inf +.INF', { kind: 'float', value: Infinity, text: '.inf' });
  add('-.inf -.Inf -.INF', { kind: 'float', value: -Infinity, text: '-.inf' });
  return map;
}
const WORDS = words();
// The characters that a word, or a number, can start with; anything else is a string at once.
const STARTS_WORD = new Set('yYnNtTfFoO~');
const STARTS_NUMBER = new Set('0123456789+-.');

/** Resolves a plain scalar without a tag. */
export function resolvePlain(text: string): Scalar {
  const first = text.charAt(0);
  if (first === '' || STARTS_WORD.has(first)) return WORDS.get(text) ?? asString(text);
  if (!STARTS_NUMBER.has(first)) return asString(text);
  return WORDS.get(text) ?? resolveNumber(text) ?? asString(text);
}

/** Resolves a number of a JSON text, whose grammar has been checked. */
export function resolveJsonNumber(text: string): Scalar {
  const whole = /^-?\d+$/.test(text) ? integer(BigInt(text)) : undefined;
  if (whole !== undefined) return whole;
  const value = Number(text);
  if (!Number.isFinite(value)) return refused('a number is larger than JSON can hold');
  return { kind: 'float', value, text: Object.is(value, -0) ? '-0' : String(value) };
}

/** Resolves a scalar that has a full tag name; one that Go does not know makes it a string. */
export function resolveTagged(tag: string, text: string): Scalar {
  if (!tag.startsWith(TAG)) return asString(text);
  const name = tag.slice(TAG.length);
  if (name === 'binary') return binary(text);
  if (name === 'timestamp') return refused('the tag !!timestamp is not supported');
  if (!['bool', 'int', 'float', 'null'].includes(name)) return asString(text);
  const scalar = resolvePlain(text);
  if (scalar.kind === name) return scalar;
  const fits = name === 'float' && scalar.kind === 'int' && !scalar.unsigned;
  if (!fits) return refused(`the value does not fit its tag !!${name}`);
  return { kind: 'float', value: scalar.value, text: String(scalar.value) };
}

const SPECIAL_KEYS = new Map([
  [Number.NaN, '.nan'],
  [Infinity, '.inf'],
  [-Infinity, '-.inf'],
  [0, '0'],
]);

/**
 * Gives the text that a float has as a mapping key, where Go prints it as float32 with %g, or
 * undefined if it has more digits than a float32 keeps for sure.
 */
export function floatKey(value: number): string | undefined {
  const special = SPECIAL_KEYS.get(value);
  if (special !== undefined) return special;
  const [mantissa = '', exponent = ''] = value.toExponential().split('e');
  const power = Number(exponent);
  const digits = mantissa.replace(/[-.]/g, '').length;
  if (digits > FLOAT32_DIGITS || Math.abs(power) > FLOAT32_POWER) return undefined;
  if (power >= -4 && power < 6) return String(value);
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

function asString(value: string): Scalar {
  return { kind: 'string', value };
}

function refused(what: string): Scalar {
  return { kind: 'refused', what };
}

function resolveNumber(text: string): Scalar | undefined {
  // Behind a leading point Go allows underscores between digits only, elsewhere anywhere.
  if (text.startsWith('.') && /(?:^|\D)_|_(?:\D|$)/.test(text)) return undefined;
  const plain = text.replaceAll('_', '');
  const match = INT.exec(plain);
  if (match !== null) {
    const decimal = match[5];
    if (decimal !== undefined && decimal.length <= DIGITS_EXACT_MAX) {
      const value = Number(plain) + 0;
      return { kind: 'int', value, text: String(value), unsigned: false };
    }
    const found = integer(bigInteger(match), match[1] === '');
    if (found !== undefined) return found;
  }
  if (!FLOAT.test(plain)) return undefined;
  const value = Number(plain);
  return Number.isFinite(value) ? float(value) : undefined;
}

function bigInteger(match: RegExpExecArray): bigint {
  const [, sign, hex, bin, octal, decimal] = match;
  let value = BigInt(decimal ?? 0);
  if (hex !== undefined) value = BigInt(`0x${hex}`);
  if (bin !== undefined) value = BigInt(`0b${bin}`);
  if (octal !== undefined) value = BigInt(`0o${octal}`);
  return sign === '-' ? -value : value;
}

/** An integer as Go keeps it; beyond int64 kubectl sends a float. */
function integer(value: bigint, mayBeUnsigned = false): Scalar | undefined {
  const double = Number(value);
  if (value >= INT64_MIN && value <= INT64_MAX) {
    return { kind: 'int', value: double, text: String(value), unsigned: false };
  }
  if (!mayBeUnsigned || value < 0n || value > UINT64_MAX) return undefined;
  return { kind: 'int', value: double, text: String(double), unsigned: true };
}

function float(value: number): Scalar {
  // Go prints a float as JavaScript does; -0 becomes the integer 0 on the way to the cluster.
  return { kind: 'float', value: value + 0, text: String(value + 0) };
}

function binary(text: string): Scalar {
  try {
    const clean = text.replaceAll('\n', '');
    if (clean.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(clean)) throw new RangeError();
    const bytes = Uint8Array.from(atob(clean), (c) => c.charCodeAt(0));
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return asString(decoder.decode(bytes));
  } catch {
    return refused('the value of !!binary is not Base64 of UTF-8 text');
  }
}
