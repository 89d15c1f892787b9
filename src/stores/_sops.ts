// Files sealed by sops with age: which keys there are, and what the files hold.
import { BellhopError } from '../core/errors.ts';
import type { SopsFile, SopsFormat } from '../wire/sops.ts';
import { SopsProblem, openSops, readSops } from '../wire/sops.ts';
import { YamlProblem } from '../wire/yaml.ts';
import { textOf } from './_formats.ts';
import type { Options, OptionSpecs } from './_options.ts';
import { textOption } from './_options.ts';
import { credentialText, readCredential } from './_rest.ts';
import { sharedOnce } from './_shared.ts';
import type { StoreContext } from './_store.ts';

/** The options that opening sops files has. */
export const SOPS_OPTIONS: OptionSpecs = {
  sops: {
    type: 'choice',
    of: ['open', 'leave'],
    help: 'what happens to files that sops sealed: `open` (default), or `leave` them as they are',
  },
  ageKey: { type: 'reference', help: 'age identities (AGE-SECRET-KEY-1…) that open sops files' },
  ageKeyFile: { type: 'text', help: 'a file of age identities that open sops files' },
};

/** Variables of sops that count here too. */
export const SOPS_VARIABLES: Readonly<Record<string, string>> = {
  SOPS_AGE_KEY: 'age identities that open sops files, one a line',
  SOPS_AGE_KEY_FILE: 'a file of age identities',
  SOPS_AGE_KEY_CMD: 'not run: bellhop runs no commands; where no identity fits, it is named',
  SOPS_AGE_SSH_PRIVATE_KEY_FILE: 'not read: only identities of age; named in the same way',
  XDG_CONFIG_HOME: 'the folder of `sops/age/keys.txt`; `.config` in HOME where it is not set',
  HOME: 'see XDG_CONFIG_HOME',
};

/** True for what sops has sealed, whole or in part: a file that was cut off counts too. */
export function isSealed(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(MARK);
}

const MARK = 'ENC[AES256_GCM,data:';

/** A file that sops sealed. */
export interface SealedFile {
  /** For messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly format: SopsFormat;
}

/**
 * What is in a sealed file: its values as JSON, or for `binary` the bytes. Throws
 * BH_ERR_CREDENTIALS where no age identity fits, and BH_ERR_VALUE where the file was changed or is
 * none of sops.
 */
export async function openSealed(
  file: SealedFile,
  options: Options,
  context: StoreContext,
): Promise<Uint8Array> {
  const where = [`store ${context.name}`, file.name];
  try {
    const read = readSops(textOf(file.bytes) ?? '', file.format);
    const dataKey = await dataKeyOf(read, await identitiesOf(options, context), where);
    return await openSops(read, dataKey, context.io.crypto);
  } catch (error) {
    if (error instanceof YamlProblem) throw unreadable(where, 'it is not whole, or of no format');
    if (error instanceof SopsProblem) throw unreadable(where, error.message);
    throw error;
  }
}

function unreadable(where: readonly string[], why: string): BellhopError {
  const what = `it is sealed by sops and cannot be opened: ${why}`;
  const help = 'seal it again with sops; YAML, JSON, .env and binary files are read';
  return new BellhopError('BH_ERR_VALUE', { where, what, help });
}

/** Age identities, and where they were looked for. */
interface Identities {
  readonly identities: readonly string[];
  readonly places: readonly string[];
}

async function dataKeyOf(
  { metadata }: SopsFile,
  { identities, places }: Identities,
  where: readonly string[],
): Promise<Uint8Array> {
  const { Decrypter, armor } = await import('age-encryption');
  const decrypter = new Decrypter();
  for (const identity of identities) {
    try {
      decrypter.addIdentity(identity);
    } catch {
      const what = `one of the age identities cannot be read (from ${places.join(', ')})`;
      throw new BellhopError('BH_ERR_CREDENTIALS', { where, what });
    }
  }
  for (const { enc } of identities.length === 0 ? [] : metadata.ageKeys) {
    try {
      return await decrypter.decrypt(armor.decode(enc));
    } catch {
      // Sealed for somebody else; perhaps the next one is for us.
    }
  }
  const recipients = metadata.ageKeys.map((one) => one.recipient);
  const sealedFor = [...recipients, ...metadata.otherKeys.map((kind) => `keys of ${kind}`)];
  const count = identities.length === 1 ? '1 age identity' : `${identities.length} age identities`;
  const what = `it is sealed by sops for ${sealedFor.join(', ')}; ${count} in ${places.join(', ')}`;
  const help = 'give the age identity of one of these: `ageKey`, `ageKeyFile` or SOPS_AGE_KEY';
  throw new BellhopError('BH_ERR_CREDENTIALS', { where, what, help });
}

async function identitiesOf(options: Options, context: StoreContext): Promise<Identities> {
  return sharedOnce(context, `age identities ${context.name}`, async (by) => {
    return findIdentities(options, by);
  });
}

/** All that are named, as sops 3.13.3 does (age/keysource.go); ours first. */
async function findIdentities(options: Options, context: StoreContext): Promise<Identities> {
  const found: string[] = [];
  const places: string[] = [];
  const add = (place: string, text: string): void => {
    places.push(place);
    found.push(...text.split('\n').filter((line) => !/^\s*(#|$)/.test(line)));
  };
  const { ageKey } = options;
  if (ageKey !== undefined) add('ageKey', credentialText(await context.secret(ageKey)));
  const named = textOption(options, 'ageKeyFile');
  if (named !== undefined) add(named, neededText(context, named));
  const variable = context.variable('SOPS_AGE_KEY');
  if (variable !== undefined) add('SOPS_AGE_KEY', variable);
  const file = context.variable('SOPS_AGE_KEY_FILE');
  if (file !== undefined) add(file, neededText(context, file));
  for (const [name, why] of [
    ['SOPS_AGE_KEY_CMD', 'bellhop runs no commands'],
    ['SOPS_AGE_SSH_PRIVATE_KEY_FILE', 'keys of SSH are not supported'],
  ] as const) {
    if (context.variable(name) !== undefined) places.push(`${name} (${why})`);
  }
  const config = context.variable('XDG_CONFIG_HOME') ?? `${context.variable('HOME') ?? ''}/.config`;
  const standard = `${config}/sops/age/keys.txt`;
  const read = readCredential(context.io.fs, standard);
  if ('text' in read) add(standard, read.text);
  else places.push(`${standard} (${read.errno})`);
  return { identities: [...new Set(found.map((line) => line.trim()))], places };
}

function neededText({ io, name }: StoreContext, file: string): string {
  const read = readCredential(io.fs, file);
  if ('text' in read) return read.text;
  const what = `the age identities in ${file} cannot be read (${read.errno})`;
  throw new BellhopError('BH_ERR_CREDENTIALS', { where: [`store ${name}`], what });
}
