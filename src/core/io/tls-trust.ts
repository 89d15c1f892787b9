/**
 * Which authorities are trusted. Where a request names none: those of SSL_CERT_FILE and
 * SSL_CERT_DIR of the variables on arrival, instead of the built-in ones; else Bun's built-in ones
 * (Mozilla's), and for a server that these do not know, the machine's own bundle.
 *
 * The bundle is not read ahead: 144 roots cost the first request 2 ms more (Bun 1.4.5, measured),
 * and a public server never needs them. NODE_EXTRA_CA_CERTS is not read. The certificate of a proxy
 * that is itself reached by TLS is checked by the same authorities as the server's.
 */
import type { TlsFacts } from './net-types.ts';
import { NetError } from './net-types.ts';
import type { Fs } from './types.ts';
import { FsError } from './types.ts';

export interface Trust {
  /** What SSL_CERT_FILE and SSL_CERT_DIR hold; undefined where neither is set. */
  fromVariables(): string | undefined;
  /** The machine's bundle; undefined where there is none, or the variables replace it. */
  ofMachine(): string | undefined;
}

/** Where distributions keep their bundle, as Go 1.26 looks for it (crypto/x509/root_linux.go). */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];
const BUNDLE_BYTES_MAX = 16 * 1024 * 1024;
const CERTIFICATE = '-----BEGIN CERTIFICATE-----';

/** Nothing is read before it is asked for, and nothing twice. */
export function openTrust(fs: Fs, variable: (name: string) => string | undefined): Trust {
  let given: { readonly ca: string | undefined } | undefined;
  let machine: { readonly ca: string | undefined } | undefined;
  const fromVariables = (): string | undefined => {
    given ??= { ca: readGiven(fs, variable) };
    return given.ca;
  };
  return {
    fromVariables,
    ofMachine: () => {
      if (fromVariables() !== undefined) return undefined;
      machine ??= { ca: readMachine(fs) };
      return machine.ca;
    },
  };
}

/** Bun's options for these facts; verification is on whatever the process's environment says. */
export function tlsOptions(facts: TlsFacts | undefined, ca: string | undefined): Bun.TLSOptions {
  const trusted = facts?.ca ?? ca;
  return {
    rejectUnauthorized: true,
    ...(trusted === undefined ? {} : { ca: trusted }),
    ...(facts?.cert === undefined ? {} : { cert: facts.cert }),
    ...(facts?.key === undefined ? {} : { key: facts.key }),
    ...(facts?.serverName === undefined ? {} : { serverName: facts.serverName }),
  };
}

/**
 * Says what is wrong with the PEM texts, undefined where they are well: Bun's fetch only says that
 * it could not open a socket. Loads node:tls, so for failures only.
 */
export function pemFault(options: Bun.TLSOptions): string | undefined {
  const { ca, cert, key } = options;
  if (ca === '') return 'the trusted authorities are empty';
  const { createSecureContext } = process.getBuiltinModule('node:tls');
  const fails = (part: object): boolean => {
    try {
      createSecureContext(part);
      return false;
    } catch {
      return true;
    }
  };
  if (fails({ ca })) return 'the trusted authorities are no PEM certificates';
  if (fails({ cert })) return 'the client certificate is no PEM certificate';
  if (typeof key === 'string' && /^-----BEGIN ENCRYPTED|^Proc-Type:.*ENCRYPTED/m.test(key)) {
    return 'the client key is encrypted: give it without a passphrase';
  }
  return fails({ cert, key }) ? 'the client key is no PEM key of its certificate' : undefined;
}

function readGiven(fs: Fs, variable: (name: string) => string | undefined): string | undefined {
  const file = variable('SSL_CERT_FILE') ?? '';
  const folders = (variable('SSL_CERT_DIR') ?? '').split(':').filter((folder) => folder !== '');
  if (file === '' && folders.length === 0) return undefined;
  const texts = folders.flatMap((folder) => readFolder(fs, folder));
  if (file !== '') texts.unshift(readNamed(fs, file));
  const found = texts.filter((text) => text.includes(CERTIFICATE));
  if (found.length === 0) {
    const what = 'SSL_CERT_FILE and SSL_CERT_DIR hold no certificate';
    throw new NetError('certificate', what, 'settings');
  }
  return found.join('\n');
}

function readNamed(fs: Fs, file: string): string {
  try {
    return readText(fs, file);
  } catch (error) {
    const why = error instanceof FsError ? error.errno : 'EIO';
    throw new NetError('certificate', `SSL_CERT_FILE cannot be read: ${why}`, 'settings');
  }
}

/** Every file of the folder; of a file and the links to it beside it, the file (as Go does). */
function readFolder(fs: Fs, folder: string): string[] {
  try {
    return fs
      .list(folder)
      .map((name) => `${folder}/${name}`)
      .filter((path) => !isLinkWithin(fs, path) && fs.statThrough(path)?.kind === 'file')
      .flatMap((path) => readIfPossible(fs, path));
  } catch {
    return [];
  }
}

function isLinkWithin(fs: Fs, path: string): boolean {
  return fs.stat(path)?.kind === 'link' && !fs.readlink(path).includes('/');
}

function readMachine(fs: Fs): string | undefined {
  for (const path of BUNDLES) {
    const [text] = readIfPossible(fs, path);
    if (text?.includes(CERTIFICATE)) return text;
  }
  return undefined;
}

function readIfPossible(fs: Fs, path: string): string[] {
  try {
    return [readText(fs, path)];
  } catch {
    return [];
  }
}

function readText(fs: Fs, path: string): string {
  return Buffer.from(fs.read(path, BUNDLE_BYTES_MAX)).toString('latin1');
}
