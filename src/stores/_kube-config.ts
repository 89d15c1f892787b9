// kubeconfig files, as client-go 0.33 loads them: which server, and who we are to it.
import { BellhopError } from '../core/errors.ts';
import type { Fs } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';
import { readDocuments, YamlProblem } from '../wire/yaml.ts';
import { fromBase64 } from '../wire/base64.ts';
import { isRecord } from '../wire/read.ts';
import { plainAddress } from './_address.ts';
import type { JsonRecord } from './_rest.ts';
import { neededCredential, recordIn, textIn } from './_rest.ts';

/** An API server, and who we are to it. */
export interface Cluster {
  /** Without a slash at its end. */
  readonly url: string;
  /** PEM. */
  readonly ca?: string;
  readonly serverName?: string;
  /** A file is read again when its token has ended. */
  readonly token?: { readonly text: string } | { readonly file: string };
  /** PEM. */
  readonly cert?: string;
  readonly key?: string;
  readonly namespace?: string;
}

/** Where an entry stands, as relative paths start from its file. */
interface Entry {
  readonly record: JsonRecord;
  readonly file: string;
}

/** Several files as one: of entries with one name, and of settings, the first counts. */
export interface KubeConfig {
  readonly contexts: ReadonlyMap<string, Entry>;
  readonly clusters: ReadonlyMap<string, Entry>;
  readonly users: ReadonlyMap<string, Entry>;
  readonly currentContext: string | undefined;
  /** Those that are there. */
  readonly files: readonly string[];
  /** All that were named. */
  readonly named: readonly string[];
}

const FILE_BYTES_MAX = 8 * 1024 * 1024;

/** Reads files in their order; those that are not there are left out, as kubectl does. */
export function loadKubeConfig(fs: Fs, files: readonly string[]): KubeConfig {
  const read = files.flatMap((file) => {
    const record = readFile(fs, file);
    return record === undefined ? [] : [{ record, file }];
  });
  const entriesOf = (list: string, member: string): ReadonlyMap<string, Entry> => {
    const found = new Map<string, Entry>();
    for (const { record, file } of read) {
      for (const [name, entry] of namedEntries(record, list, member)) {
        if (!found.has(name)) found.set(name, { record: entry, file });
      }
    }
    return found;
  };
  return {
    contexts: entriesOf('contexts', 'context'),
    clusters: entriesOf('clusters', 'cluster'),
    users: entriesOf('users', 'user'),
    currentContext: read.map(({ record }) => textIn(record, 'current-context')).find(Boolean),
    files: read.map(({ file }) => file),
    named: files,
  };
}

function readFile(fs: Fs, file: string): JsonRecord | undefined {
  const wrong = (what: string): BellhopError => {
    return new BellhopError('BH_ERR_CREDENTIALS', { where: [`kubeconfig ${file}`], what });
  };
  try {
    const [document] = readDocuments(fs.read(file, FILE_BYTES_MAX));
    if (document === undefined) return {};
    if (isRecord(document.value)) return document.value;
    throw wrong('it is not a mapping');
  } catch (error) {
    if (error instanceof FsError && error.errno === 'ENOENT') return undefined;
    if (error instanceof FsError) throw wrong(`it cannot be read (${error.errno})`);
    // The problem's text may hold what stands in the file.
    if (error instanceof YamlProblem) throw wrong('it is no YAML that kubectl would read');
    throw error;
  }
}

function namedEntries(record: JsonRecord, list: string, member: string): [string, JsonRecord][] {
  const entries = record[list];
  if (!Array.isArray(entries)) return [];
  return entries.flatMap((entry: unknown): [string, JsonRecord][] => {
    const name = isRecord(entry) ? textIn(entry, 'name') : undefined;
    return name === undefined || !isRecord(entry) ? [] : [[name, recordIn(entry, member)]];
  });
}

/** Which context is wanted, and whether its user is, too. */
export interface ContextWish {
  /** The current one where absent. */
  readonly context: string | undefined;
  /** False where a token is given: a certificate would say who we are before it. */
  readonly withUser: boolean;
}

/** The cluster and the user of a context; BH_ERR_CREDENTIALS for what cannot be used. */
export function clusterOf(config: KubeConfig, fs: Fs, wish: ContextWish): Cluster {
  if (config.files.length === 0) throw noneOf(config.named);
  const name = wish.context ?? config.currentContext;
  const where = [
    `kubeconfig ${config.files.join(':')}`,
    ...(name === undefined ? [] : [`context ${name}`]),
  ];
  const wrong = (what: string): BellhopError => {
    return new BellhopError('BH_ERR_CREDENTIALS', { where, what });
  };
  if (name === undefined) throw wrong('no context is named, and there is no current-context');
  const entry = config.contexts.get(name);
  if (entry === undefined) throw wrong('there is no such context');
  const { record } = entry;
  const cluster = config.clusters.get(textIn(record, 'cluster') ?? '');
  if (cluster === undefined) throw wrong('its cluster is not there');
  const namespace = textIn(record, 'namespace');
  return {
    ...serverOf({ ...cluster, fs, where }),
    ...(wish.withUser ? userIn(config, record, { fs, where }) : {}),
    ...(namespace === undefined ? {} : { namespace }),
  };
}

function noneOf(files: readonly string[]): BellhopError {
  const what = files.length === 1 ? 'there is no such file' : 'there is none of these files';
  const help = 'correct the option `kubeconfig`, or KUBECONFIG, or leave it out';
  const where = [`kubeconfig ${files.join(':')}`];
  return new BellhopError('BH_ERR_CREDENTIALS', { where, what, help });
}

/** What the context's user says of us; nothing where it names none. */
function userIn(
  config: KubeConfig,
  context: JsonRecord,
  { fs, where }: Pick<Reading, 'fs' | 'where'>,
): Pick<Cluster, 'token' | 'cert' | 'key'> {
  const name = textIn(context, 'user');
  if (name === undefined) return {};
  const user = config.users.get(name);
  if (user !== undefined) return userOf({ ...user, fs, where: [...where, `user ${name}`] });
  throw new BellhopError('BH_ERR_CREDENTIALS', { where, what: `there is no user ${name}` });
}

interface Reading extends Entry {
  readonly fs: Fs;
  readonly where: readonly string[];
}

function refuse({ where }: Reading, what: string, help?: string): never {
  const better = help === undefined ? {} : { help };
  throw new BellhopError('BH_ERR_CREDENTIALS', { where, what, ...better });
}

function serverOf(reading: Reading): Cluster {
  const { record } = reading;
  const url = plainAddress(textIn(record, 'server') ?? '');
  if (url?.startsWith('https:') !== true) {
    const what = 'its server must be https://HOST[:PORT][/PATH] and nothing else';
    return refuse(reading, `${what}: a token is sent to it`);
  }
  if (record['insecure-skip-tls-verify'] === true) {
    const help = 'give `certificate-authority-data`, and `tls-server-name` if the name differs';
    refuse(reading, 'insecure-skip-tls-verify is refused: anybody could answer', help);
  }
  if (textIn(record, 'proxy-url') !== undefined) {
    refuse(reading, 'proxy-url is not supported', 'set HTTPS_PROXY for bellhop instead');
  }
  const ca = pemIn(reading, 'certificate-authority');
  const serverName = textIn(record, 'tls-server-name');
  return {
    url,
    ...(ca === undefined ? {} : { ca }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

/** What is not supported, each with what to do instead. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  exec: 'bellhop runs no commands: set `auth: { token: … }`, or run where a service account is',
  'auth-provider': 'kubectl has removed it too: use a token, a certificate or a service account',
  username: 'the API server has removed it: use a token, a certificate or a service account',
  as: 'acting as somebody else is not supported: use credentials of that user',
  'as-groups': 'acting as somebody else is not supported: use credentials of that user',
  'as-uid': 'acting as somebody else is not supported: use credentials of that user',
};

function userOf(reading: Reading): Pick<Cluster, 'token' | 'cert' | 'key'> {
  const { record, file } = reading;
  for (const [name, help] of Object.entries(UNSUPPORTED)) {
    if (record[name] !== undefined && record[name] !== null) {
      refuse(reading, `${name} is not supported`, help);
    }
  }
  const cert = pemIn(reading, 'client-certificate');
  const key = pemIn(reading, 'client-key');
  if ((cert === undefined) !== (key === undefined)) {
    refuse(reading, 'a client certificate needs its key, and a key its certificate');
  }
  const text = textIn(record, 'token');
  const tokenFile = textIn(record, 'tokenFile');
  const token = tokenFile === undefined ? text && { text } : { file: resolved(tokenFile, file) };
  return {
    ...(token === undefined || token === '' ? {} : { token }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

/** `NAME-data` in Base64 goes before the file `NAME`. */
function pemIn(reading: Reading, name: string): string | undefined {
  const { record, file, fs, where } = reading;
  const data = textIn(record, `${name}-data`);
  if (data !== undefined) {
    const bytes = fromBase64(data.replace(/\s/g, ''));
    if (bytes === undefined) return refuse(reading, `${name}-data is no Base64`);
    return new TextDecoder().decode(bytes);
  }
  const path = textIn(record, name);
  return path === undefined ? undefined : neededCredential(fs, resolved(path, file), where);
}

/** Relative paths start from the folder of the file that they stand in. */
function resolved(path: string, file: string): string {
  if (path.startsWith('/')) return path;
  return `${file.slice(0, file.lastIndexOf('/') + 1)}${path}`;
}
