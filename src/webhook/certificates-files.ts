// Certificates that somebody else keeps in files: cert-manager behind a Secret that is mounted, or
// an administrator. What the files hold is looked at again and again, whatever way they change.
import { BellhopError } from '../core/errors.ts';
import type { Fs } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';
import type { CertificateSource } from './certificate-source.ts';
import { openSource } from './certificates-serving.ts';
import type { Pair } from './certificates-x509.ts';
import { pairProblem, readCertificates } from './certificates-x509.ts';
import type { LoopParts } from './loop.ts';
import { openLoop } from './loop.ts';
import type { Tell } from './telling.ts';
import { openTelling } from './telling.ts';

/** What files are read, and how. */
export interface FileParts extends LoopParts {
  readonly fs: Pick<Fs, 'read'>;
  readonly tell: Tell;
  /** PEM: the leaf, then what stands between it and an authority. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Names that the leaf must have; the one that API servers ask for. */
  readonly dnsNames: readonly string[];
  /** How often they are looked at; undefined: once. */
  readonly pollMs: number | undefined;
}

export interface FileCertificates {
  readonly source: CertificateSource;
  /** All that is wrong now, as sentences. */
  readonly faults: () => readonly string[];
  stop(): Promise<void>;
}

const FILE_BYTES_MAX = 1024 * 1024;

/** Opens them. Throws a BellhopError where they cannot be used: there is nothing else to serve. */
export function openCertificateFiles(parts: FileParts): FileCertificates {
  const { certFile, clock, tell, pollMs } = parts;
  const telling = openTelling(tell, () => clock.monotonicMs());
  const own = openSource();
  const take = (pair: Pair): void => {
    const [leaf] = readCertificates(pair.certPem) ?? [];
    own.use({ ...pair, notAfterMs: leaf?.notAfterMs ?? 0 });
  };
  const first = readPair(parts);
  if (first instanceof BellhopError) throw first;
  take(first);
  const loop = openLoop(parts, async () => {
    const pair = readPair(parts);
    if (pair instanceof BellhopError) {
      telling.wrong('files', `${pair.message}: what is served stays (${pair.code})`);
    } else {
      telling.right('files');
      const { certPem, keyPem } = own.source.current();
      if (pair.certPem !== certPem || pair.keyPem !== keyPem) {
        take(pair);
        telling.happened('a new certificate is served', { file: certFile });
      }
    }
    const hasEnded = own.source.current().notAfterMs <= clock.now();
    if (hasEnded) telling.wrong('ended', `the certificate of ${certFile} has ended`);
    else telling.right('ended');
    return pollMs ?? 0;
  });
  if (pollMs !== undefined) loop.start();
  return { source: own.source, faults: telling.faults, stop: async () => loop.stop() };
}

/**
 * The pair, if it is one. Two files are not changed at once: of a pair that does not fit the next
 * look may see the other half.
 */
function readPair({ fs, certFile, keyFile, dnsNames, clock }: FileParts): Pair | BellhopError {
  try {
    const pair = { certPem: readText(fs, certFile), keyPem: readText(fs, keyFile) };
    const wish = { nowMs: clock.now(), dnsNames, authorities: undefined };
    const what = pairProblem(pair, wish);
    if (what === undefined) return pair;
    return new BellhopError('BH_ERR_SETTINGS', { where: [certFile, keyFile], what });
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    const what = `cannot be read (${error.errno})`;
    return new BellhopError('BH_ERR_INPUT_READ', { where: [error.path], what });
  }
}

function readText(fs: Pick<Fs, 'read'>, file: string): string {
  return new TextDecoder().decode(fs.read(file, FILE_BYTES_MAX));
}

/** The PEM text of authorities to trust. Throws a BellhopError where the file has none. */
export function readAuthorities(fs: Pick<Fs, 'read'>, file: string): string {
  try {
    const text = readText(fs, file);
    const all = readCertificates(text) ?? [];
    if (all.length > 0) return all.map(({ pem }) => pem).join('');
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    const what = `cannot be read (${error.errno})`;
    throw new BellhopError('BH_ERR_INPUT_READ', { where: [file], what });
  }
  const what = 'it has no PEM certificates';
  throw new BellhopError('BH_ERR_SETTINGS', { where: [file], what });
}
