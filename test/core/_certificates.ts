// Certificates made by openssl for one run: authorities, and servers with one fault each.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  readonly authority: Pair;
  readonly otherAuthority: Pair;
  /** For localhost and 127.0.0.1, by the first authority. */
  readonly good: Pair;
  readonly expired: Pair;
  readonly notYetValid: Pair;
  /** For other.example. */
  readonly otherName: Pair;
  readonly client: Pair;
}

const CONFIGURATION = `[ca]
default_ca=d
[d]
database=index
serial=serial
new_certs_dir=.
default_md=sha256
policy=p
unique_subject=no
[p]
commonName=supplied
[local]
subjectAltName=DNS:localhost,IP:127.0.0.1
[other]
subjectAltName=DNS:other.example
`;
const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
const VALID = ['20200101000000Z', '21200101000000Z'] as const;

/** Throws with openssl's own words. */
export function makeCertificates(): Certificates {
  const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-certificates-'));
  const openssl = (...args: readonly string[]): void => {
    const run = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
    if (run.status !== 0) throw new Error(`openssl ${args[0] ?? ''}: ${run.stderr}`);
  };
  const pair = (name: string): Pair => ({
    cert: readFileSync(path.join(folder, `${name}.pem`), 'utf8'),
    key: readFileSync(path.join(folder, `${name}.key`), 'utf8'),
  });
  const authority = (name: string): Pair => {
    const out = ['-keyout', `${name}.key`, '-out', `${name}.pem`];
    openssl('req', '-x509', ...CURVE, ...out, '-days', '3650', '-subj', `/CN=${name}`);
    return pair(name);
  };
  const leaf = (name: string, names: string, [from, to]: readonly [string, string]): Pair => {
    const out = ['-keyout', `${name}.key`, '-out', `${name}.csr`];
    openssl('req', ...CURVE, ...out, '-subj', `/CN=${name}`);
    const by = ['-config', 'ca.cnf', '-cert', 'one.pem', '-keyfile', 'one.key', '-notext'];
    const what = ['-in', `${name}.csr`, '-out', `${name}.pem`, '-extensions', names];
    openssl('ca', '-batch', ...by, ...what, '-startdate', from, '-enddate', to);
    return pair(name);
  };
  try {
    writeFileSync(path.join(folder, 'ca.cnf'), CONFIGURATION);
    writeFileSync(path.join(folder, 'index'), '');
    writeFileSync(path.join(folder, 'serial'), '1000');
    return {
      authority: authority('one'),
      otherAuthority: authority('two'),
      good: leaf('good', 'local', VALID),
      expired: leaf('expired', 'local', ['20200101000000Z', '20210101000000Z']),
      notYetValid: leaf('early', 'local', ['21000101000000Z', '21200101000000Z']),
      otherName: leaf('other', 'other', VALID),
      client: leaf('client', 'local', VALID),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
