// Certificates for tests, made with openssl at the first use and kept in .cache: none is committed.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

const CACHE = path.join(import.meta.dir, '../../.cache');
/** A change of what is made here needs another name. */
const KEPT = path.join(CACHE, 'test-certificates-1');

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
const OPENSSL_MS_MAX = 20_000;

/** What a server shows, as PEM. */
export interface Certificate {
  readonly key: string;
  readonly certificate: string;
}

/** An own authority, and what it signed; a client trusts `caFile` and nothing else. */
export interface Certificates {
  /** Path of the authority's certificate. */
  readonly caFile: string;
  readonly ca: string;
  /** For localhost, 127.0.0.1 and ::1. */
  readonly good: Certificate;
  /** Right, but signed by an authority that nobody trusts. */
  readonly otherAuthority: Certificate;
  /** Right, but it ended in 2021. */
  readonly expired: Certificate;
  /** Valid, but for elsewhere.example. */
  readonly otherName: Certificate;
}

/** `ca` is what openssl calls the tool that can date a certificate back. */
const SETTINGS = `
[ca]
default_ca = own
[own]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[here]
subjectAltName = DNS:localhost,IP:127.0.0.1,IP:::1
extendedKeyUsage = serverAuth
[elsewhere]
subjectAltName = DNS:elsewhere.example
extendedKeyUsage = serverAuth
`;

interface Wanted {
  readonly authority: string;
  readonly names: 'here' | 'elsewhere';
  /** As openssl writes times: YYYYMMDDHHMMSSZ. */
  readonly from: string;
  readonly to: string;
}

const VALID = { from: '20210101000000Z', to: '20491231235959Z' };

function openssl(folder: string, words: readonly string[]): void {
  const done = Bun.spawnSync(['openssl', ...words], {
    cwd: folder,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
    timeout: OPENSSL_MS_MAX,
  });
  if (done.exitCode !== 0) throw new Error(`openssl ${words[0]}: ${done.stderr.toString()}`);
}

function makeAuthority(folder: string, name: string): void {
  const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`];
  const about = ['-days', '10000', '-subj', `/CN=bellhop test ${name}`];
  openssl(folder, ['req', '-x509', ...CURVE, ...files, ...about]);
}

function sign(folder: string, name: string, wanted: Wanted): void {
  const files = ['-keyout', `${name}.key`, '-out', `${name}.csr`];
  openssl(folder, ['req', ...CURVE, ...files, '-subj', '/CN=bellhop test server']);
  const { authority, names, from, to } = wanted;
  const signer = ['-cert', `${authority}.pem`, '-keyfile', `${authority}.key`];
  const dates = ['-startdate', from, '-enddate', to, '-notext'];
  const asked = ['-in', `${name}.csr`, '-out', `${name}.pem`];
  const how = ['ca', '-batch', '-config', 'settings', '-extensions', names];
  openssl(folder, [...how, ...signer, ...dates, ...asked]);
}

function makeAll(folder: string): void {
  writeFileSync(path.join(folder, 'settings'), SETTINGS);
  writeFileSync(path.join(folder, 'index'), '');
  writeFileSync(path.join(folder, 'serial'), '01\n');
  makeAuthority(folder, 'authority');
  makeAuthority(folder, 'stranger');
  const here = { authority: 'authority', names: 'here', ...VALID } as const;
  sign(folder, 'good', here);
  sign(folder, 'other-authority', { ...here, authority: 'stranger' });
  sign(folder, 'expired', { ...here, to: '20211231235959Z' });
  sign(folder, 'other-name', { ...here, names: 'elsewhere' });
}

/** Makes the folder beside its place, so that two processes may do it at the same time. */
function makeKept(): void {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(path.join(CACHE, 'test-certificates-'));
  try {
    makeAll(folder);
    if (!existsSync(KEPT)) renameSync(folder, KEPT);
  } catch (error) {
    if (!existsSync(KEPT)) throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The certificates; made by the first test that ever asks. */
export function certificates(): Certificates {
  if (!existsSync(KEPT)) makeKept();
  const read = (file: string): string => readFileSync(path.join(KEPT, file), 'utf8');
  const pair = (name: string): Certificate => {
    return { key: read(`${name}.key`), certificate: read(`${name}.pem`) };
  };
  return {
    caFile: path.join(KEPT, 'authority.pem'),
    ca: read('authority.pem'),
    good: pair('good'),
    otherAuthority: pair('other-authority'),
    expired: pair('expired'),
    otherName: pair('other-name'),
  };
}
