// Servers that repeat what was sent to them (debug pages, firewalls, gateways), through each store.
import { afterAll, describe, expect, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { BellhopError } from '../../src/core/errors.ts';
import { openReal } from '../support/real-store.ts';
import type { HttpRequest } from './_faults.ts';
import { answerOf, certificates, faultServer } from './_faults.ts';

const CANARY = 'C4NARY-pass w0rd+"é';
const TOKEN = 'C4NARY-token-0123456789';
const JWT = 'C4NARYhead.C4NARYbody.C4NARYsign';
const folder = mkdtempSync(`${tmpdir()}/echoed-`);
afterAll(() => rmSync(folder, { recursive: true }));

const key = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
}).privateKey;
const googleFile = `${folder}/google.json`;
writeFileSync(
  googleFile,
  JSON.stringify({ type: 'service_account', client_email: 'a@b', private_key: key }),
);
const jwtFile = `${folder}/jwt`;
writeFileSync(jwtFile, JWT);

type Wrap = (words: string) => unknown;

/** Bodies in the shapes that the stores read words from. */
const SHAPES: Readonly<Record<string, Wrap>> = {
  'in JSON': (words) => ({
    errors: [words],
    error: { code: 7, message: words, status: 'X' },
    message: words,
    Message: words,
    kind: 'Status',
    reason: 'Forbidden',
    __type: 'AccessDeniedException',
  }),
  'as a token endpoint': (words) => ({ error: 'invalid_client', error_description: words }),
  'as text': (words) => words,
  'as a page': (words) => `<html><body>${words}</body></html>`,
};

function echo(request: HttpRequest): string {
  const body = Buffer.from(request.body).toString();
  return `denied for ${Object.values(request.headers).join(' ')} ${request.path} ${body}`;
}

interface Row {
  readonly kind: string;
  readonly [option: string]: unknown;
}

const rows = (url: string): Readonly<Record<string, readonly [Row, string]>> => {
  const azure = { kind: 'azure-key-vault', url, resource: 'https://vault.azure.net' };
  const entra = { tenant: 't', clientId: 'c', authority: url };
  const google = { kind: 'gcp-secret-manager', project: 'p', endpoint: url };
  const vault = { kind: 'vault', address: url };
  return {
    consul: [{ kind: 'consul', address: url, token: 'e:TOKEN' }, 'x'],
    'azure client secret': [
      { ...azure, auth: { ...entra, method: 'client-secret', clientSecret: 'e:PW' } },
      'x',
    ],
    'azure workload identity': [
      { ...azure, auth: { ...entra, method: 'workload-identity', federatedTokenFile: jwtFile } },
      'x',
    ],
    'azure managed identity': [{ ...azure, auth: { method: 'managed-identity' } }, 'x'],
    kubernetes: [
      { kind: 'kubernetes', url, ca: certificates().caFile, auth: { token: 'e:TOKEN' } },
      'secret/n/x',
    ],
    google: [{ ...google, auth: { credentialsFile: googleFile } }, 'x'],
    vault: [{ ...vault, auth: { token: 'e:TOKEN' } }, 'secret/x'],
    'vault approle': [
      { ...vault, auth: { method: 'approle', roleId: 'e:TOKEN', secretId: 'e:PW' } },
      'secret/x',
    ],
    'vault jwt': [{ ...vault, auth: { method: 'jwt', role: 'r', jwtFile } }, 'secret/x'],
    'vault aws': [
      { ...vault, auth: { method: 'aws', role: 'r', region: 'us-east-1' } },
      'secret/x',
    ],
    etcd: [{ kind: 'etcd', endpoints: [url], user: 'u', password: 'e:PW' }, 'x'],
    'http bearer': [{ kind: 'http', url, bearer: 'e:TOKEN' }, 'x'],
    'http basic': [{ kind: 'http', url, basic: { user: 'u', password: 'e:PW' } }, 'x'],
    'aws secrets': [{ kind: 'aws-secrets-manager', region: 'us-east-1', endpoint: url }, 'x'],
    s3: [{ kind: 's3', region: 'us-east-1', endpoint: url }, 'b/x'],
  };
};

const NAMES = Object.keys(rows(''));
const CANARIES = /C4NARY|QzROQ|M0NE|eyJhb/;

describe.each(Object.entries(SHAPES))('what the server repeats %s is not told', (_, wrap) => {
  test.each(NAMES)('%s', async (name) => {
    const given: { status: number } = { status: 0 };
    await using server = await faultServer({
      tls: certificates().good,
      answer: (request) => answerOf(given.status, wrap(echo(request))),
    });
    const [options, path] = rows(server.url)[name] ?? [{ kind: '' }, ''];
    const env = {
      SSL_CERT_FILE: certificates().caFile,
      AWS_CA_BUNDLE: certificates().caFile,
      TOKEN,
      PW: CANARY,
      AWS_ACCESS_KEY_ID: 'AKIAC4NARY',
      AWS_SECRET_ACCESS_KEY: TOKEN,
      AWS_SESSION_TOKEN: TOKEN,
      IDENTITY_ENDPOINT: `${server.url}/mi`,
      IDENTITY_HEADER: TOKEN,
    };
    for (const status of [400, 401, 403, 404, 500]) {
      given.status = status;
      const opened = await openReal(options, {
        env,
        stores: { e: { kind: 'env' } },
        startMsMax: 600,
        attemptsMax: 1,
      });
      const [answer] = await opened.fetch(path).catch((error: unknown) => [error]);
      const who = await opened.store.identity?.().catch((error: unknown) => error);
      const words = [answer, who].map((one) => wordsIn(one)).join('\n');
      expect(`${words}\n${JSON.stringify(opened.trace.spans())}`).not.toMatch(CANARIES);
      expect(words).not.toContain('<html');
      expect(server.requests.length).toBeGreaterThan(0);
    }
  });
});

function wordsIn(told: unknown): string {
  if (told instanceof BellhopError) return `${told.message} ${told.help}`;
  if (typeof told !== 'object' || told === null) return String(told);
  return 'problem' in told ? wordsIn(told.problem) : JSON.stringify(told);
}
