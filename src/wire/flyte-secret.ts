// What a Flyte task asks for, as it stands in an annotation of its pod: Base32 of protobuf text.
// flyteorg/flyte@6fadb90d65, flyteplugins/go/tasks/pluginmachinery/utils/secrets.
import { decodeFlyteBase32, encodeFlyteBase32 } from './flyte-base32.ts';
import type { FieldKind, MessageShape } from './flyte-text.ts';
import { SECRET_ANNOTATION } from './flyte-names.ts';
import { readTextMessage } from './flyte-text.ts';

/** One secret that a task wants; text that was not given is empty. */
export interface FlyteSecret {
  readonly group: string;
  readonly groupVersion: string;
  readonly key: string;
  /** ANY, ENV_VAR or FILE; other numbers are kept, and nobody can do what they say. */
  readonly mountRequirement: number;
  readonly envVar: string;
}

/** How the secret is wanted. */
export const ANY = 0;
export const ENV_VAR = 1;
export const FILE = 2;

const MOUNTS: readonly string[] = ['ANY', 'ENV_VAR', 'FILE'];

/** Its own name where it has one, else the number. */
export function mountName(mountRequirement: number): string {
  return MOUNTS[mountRequirement] ?? String(mountRequirement);
}

const ENUM: FieldKind = { enum: new Map(MOUNTS.map((name, number) => [name, number])) };
const SHAPE: MessageShape = {
  name: 'core.Secret',
  fields: new Map<string, FieldKind>([
    ['group', 'string'],
    ['group_version', 'string'],
    ['key', 'string'],
    ['mount_requirement', ENUM],
    ['env_var', 'string'],
  ]),
};

/** Reads the value of an annotation. Throws Base32Problem or TextProblem. */
export function decodeSecret(annotation: string): FlyteSecret {
  const message = readTextMessage(decodeFlyteBase32(annotation), SHAPE);
  const text = (name: string): string => {
    const value = message.get(name);
    return typeof value === 'string' ? value : '';
  };
  const mount = message.get('mount_requirement');
  return {
    group: text('group'),
    groupVersion: text('group_version'),
    key: text('key'),
    mountRequirement: typeof mount === 'number' ? mount : ANY,
    envVar: text('env_var'),
  };
}

/** Characters of one annotation, as Flyte limits them. */
export const ANNOTATION_CHARACTERS_MAX = 262_144;

/** What keeps a secret from being written. */
export class EncodeProblem extends Error {}

/** Writes the value of an annotation. Throws EncodeProblem, in the words of Flyte's SDK. */
export function encodeSecret(secret: FlyteSecret): string {
  const { mountRequirement } = secret;
  if (MOUNTS[mountRequirement] === undefined) {
    throw new EncodeProblem(`invalid mount requirement [${mountRequirement}]`);
  }
  const encoded = encodeFlyteBase32(Buffer.from(secretText(secret)));
  if (encoded.length <= ANNOTATION_CHARACTERS_MAX) return encoded;
  throw new EncodeProblem(`secret descriptor cannot exceed [${ANNOTATION_CHARACTERS_MAX}]`);
}

/** The text form: a line for each member that is not its default. */
export function secretText(secret: FlyteSecret): string {
  const lines = fieldsOf(secret).map(([name, value]) => {
    return `${name}: ${typeof value === 'number' ? mountName(value) : legacyQuote(value)}\n`;
  });
  return lines.join('');
}

/** As Flyte's messages name it: protobuf-go's String(), with one blank between its members. */
export function secretCalled(secret: FlyteSecret): string {
  const members = fieldsOf(secret).map(([name, value]) => {
    return `${name}:${typeof value === 'number' ? mountName(value) : prototextQuote(value)}`;
  });
  return members.join(' ');
}

function fieldsOf(secret: FlyteSecret): (readonly [string, string | number])[] {
  const fields: (readonly [string, string | number])[] = [
    ['group', secret.group],
    ['group_version', secret.groupVersion],
    ['key', secret.key],
    ['mount_requirement', secret.mountRequirement],
    ['env_var', secret.envVar],
  ];
  return fields.filter(([, value]) => value !== '' && value !== ANY);
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['"', '\\"'],
  ['\\', '\\\\'],
]);

/** golang/protobuf 1.5.4, text_encode.go: every byte that is not printable ASCII is octal. */
function legacyQuote(text: string): string {
  let out = '';
  for (const byte of Buffer.from(text)) {
    const character = String.fromCharCode(byte);
    const octal = (): string => `\\${byte.toString(8).padStart(3, '0')}`;
    out += ESCAPES.get(character) ?? (byte >= 0x20 && byte < 0x7f ? character : octal());
  }
  return `"${out}"`;
}

/** google.golang.org/protobuf 1.36.12, internal/encoding/text: text that is printable stays. */
function prototextQuote(text: string): string {
  let out = '';
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    const hex = (digits: number): string => point.toString(16).padStart(digits, '0');
    const escape = ESCAPES.get(character);
    if (escape !== undefined) out += escape;
    else if (point < 0x20 || point === 0x7f) out += `\\x${hex(2)}`;
    else if (point >= 0x80 && point <= 0x9f) out += `\\u${hex(4)}`;
    else out += character;
  }
  return `"${out}"`;
}

/**
 * The order in which annotations are handled: those numbered after `flyte.secrets/s` by their
 * number, then the others by their bytes. Flyte's own order is random; this is one of its orders.
 */
export function inOrder(names: readonly string[]): readonly string[] {
  const numbered: { readonly name: string; readonly digits: string }[] = [];
  const others: string[] = [];
  for (const name of names) {
    const rest = name.slice(SECRET_ANNOTATION.length);
    // However many digits: without zeros before them, the longer number is the greater.
    if (/^\d+$/.test(rest)) numbered.push({ name, digits: rest.replace(/^0+/, '') });
    else others.push(name);
  }
  const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
  numbered.sort((a, b) => {
    if (a.digits === b.digits) return byBytes(a.name, b.name);
    if (a.digits.length !== b.digits.length) return a.digits.length - b.digits.length;
    return a.digits < b.digits ? -1 : 1;
  });
  return [...numbered.map(({ name }) => name), ...others.toSorted(byBytes)];
}
