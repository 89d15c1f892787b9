// The shared files ~/.aws/config and ~/.aws/credentials, as the SDKs find and join them.
import type { Fs } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';
import type { AwsSection } from '../wire/aws-ini.ts';
import { readAwsConfig, readAwsIni } from '../wire/aws-ini.ts';
import type { StoreContext } from './_store.ts';

const FILE_BYTES_MAX = 4 * 1024 * 1024;

/** What both files say of one profile, and of what it refers to. */
export interface AwsFiles {
  /** A profile's settings: where both files have one, the credentials file counts. */
  profile(name: string): AwsSection | undefined;
  ssoSession(name: string): AwsSection | undefined;
  /** A section `[services NAME]`. */
  services(name: string): AwsSection | undefined;
  /** Where it was looked, and what could not be read; for messages. */
  readonly looked: readonly string[];
}

const KEY_SETTINGS = ['aws_access_key_id', 'aws_secret_access_key', 'aws_session_token'];

/** Reads both files; one that is not there is empty. */
export function openAwsFiles(context: StoreContext): AwsFiles {
  const looked: string[] = [];
  const read = (variable: string, usual: string): string => {
    const path = homePath(context, context.variable(variable) ?? `~/.aws/${usual}`);
    if (path === undefined) return '';
    const { text, note } = readShared(context.io.fs, path);
    looked.push(note === undefined ? path : `${path} (${note})`);
    return text;
  };
  const configText = read('AWS_CONFIG_FILE', 'config');
  const config = readAwsConfig(configText);
  const sections = readAwsIni(configText);
  const credentials = readAwsIni(read('AWS_SHARED_CREDENTIALS_FILE', 'credentials'));
  return {
    profile: (name) => joined(config.profiles.get(name), credentials.get(name)),
    ssoSession: (name) => config.ssoSessions.get(name),
    services: (name) => sections.get(`services ${name}`),
    looked,
  };
}

/** A key is one file's as a whole: never one's id with the other's token. */
function joined(config?: AwsSection, credentials?: AwsSection): AwsSection | undefined {
  if (config === undefined || credentials === undefined) return config ?? credentials;
  const hasKey = credentials.has('aws_access_key_id');
  const kept = [...config].filter(([name]) => !(hasKey && KEY_SETTINGS.includes(name)));
  return new Map([...kept, ...credentials]);
}

/** `~` is HOME; undefined where that is not known. */
export function homePath(context: StoreContext, path: string): string | undefined {
  if (path !== '~' && !path.startsWith('~/')) return path;
  const home = context.variable('HOME');
  return home === undefined ? undefined : `${home}${path.slice(1)}`;
}

function readShared(fs: Fs, path: string): { text: string; note?: string } {
  try {
    return { text: new TextDecoder().decode(fs.read(path, FILE_BYTES_MAX)) };
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    const isMissing = error.errno === 'ENOENT' || error.errno === 'ENOTDIR';
    return { text: '', note: isMissing ? 'not there' : `cannot be read: ${error.errno}` };
  }
}

/** A setting that is a line of text; undefined where it is empty or a block. */
export function setting(section: AwsSection | undefined, name: string): string | undefined {
  const value = section?.get(name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
