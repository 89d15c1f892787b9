// Pods of Flyte's tasks as processes, with no cluster: real servers behind the managers.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { encodeFlyteBase32 } from '../../src/wire/flyte-base32.ts';
import type { FlyteSecret } from '../../src/wire/flyte-secret.ts';
import { ENV_VAR, FILE, encodeSecret } from '../../src/wire/flyte-secret.ts';
import { missingForRoom } from '../entrypoint/_enter.ts';
import { spawned } from '../support/spawned.ts';
import { built } from '../support/built.ts';
import { skipVisibly } from '../support/need.ts';
import { IN_OWN_ETC } from '../support/own-etc.ts';
import { awsCall, keyOf } from './_aws-call.ts';
import { realServer } from './_servers.ts';
import { unique, vaultAdmin } from './_vault.ts';

const bao = await realServer('openbao');
const aws = await realServer('ministack');
const lacks = [missingForRoom(), bao.missing, aws.missing].filter((one) => one !== undefined);
if (lacks.length > 0) skipVisibly('annotations without a cluster', lacks);

const { bellhop } = built();
const CANARY = `canary-${crypto.randomUUID()}`;
const ROOT = unique('Annotations');
const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-annotations-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Tells what a program sees of secrets. */
const LOOK = `
const { readdirSync, readFileSync } = require('node:fs');
const files = {};
const walk = (at) => {
  let names = [];
  try { names = readdirSync(at); } catch { files[at] = readFileSync(at, 'latin1'); }
  for (const name of names) if (!name.startsWith('..')) walk(at + '/' + name);
};
try { walk('/etc/flyte/secrets'); } catch {}
const isOurs = ([name]) => /^(FLYTE_|_UNION_|TOKEN|AT|SEEN)/.test(name);
console.log(JSON.stringify({ ...Object.fromEntries(Object.entries(process.env).filter(isOurs)), ...files }));
`;

const NONE = { group: '', groupVersion: '', key: '', mountRequirement: 0, envVar: '' };
const written = (secret: Partial<FlyteSecret>): string => encodeSecret({ ...NONE, ...secret });

/** As no SDK writes it, and Flyte reads it all the same. */
const loosely = (text: string): string => encodeFlyteBase32(Buffer.from(text));

interface Result {
  readonly code: number;
  readonly err: string;
  readonly out: string;
}

/** Runs a command on a pod with these annotations; files of secrets come to /etc. */
async function start(
  annotations: readonly string[],
  settings: object,
  { command = 'run', within = [] }: { command?: string; within?: readonly string[] } = {},
): Promise<Result> {
  const metadata = {
    name: 'task',
    labels: { 'inject-flyte-secrets': 'true' },
    annotations: Object.fromEntries(annotations.map((one, n) => [`flyte.secrets/s${n}`, one])),
  };
  const env = [{ name: 'SEEN', value: '$(TOKEN)' }];
  const main = { name: 'main', image: 'i', command: [process.execPath, '-e', LOOK], env };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [main] } };
  const data = { Password: Buffer.from(`${CANARY}-k8s`).toString('base64') };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db' }, data };
  writeFileSync(path.join(folder, 'pod.json'), JSON.stringify(pod));
  writeFileSync(path.join(folder, 'secret.json'), JSON.stringify(secret));
  writeFileSync(path.join(folder, 'b.json'), JSON.stringify(settings));
  const files = ['-f', 'pod.json', '-f', 'secret.json', '-c', 'b.json'];
  const words = [...IN_OWN_ETC, ...within, bellhop, command, ...files];
  const { PATH = '' } = process.env;
  const around = { PATH, ...bao.env, ...aws.env };
  const { code, out, err } = await spawned(words, { cwd: folder, env: around });
  expect(err).not.toContain(CANARY);
  return { code, out, err };
}

const STORES = {
  vault: { kind: 'vault' },
  sm: { kind: 'aws-secrets-manager' },
};
const settingsFor = (...secretManagerTypes: readonly string[]) => {
  return { apiVersion: 'bellhop/v1', stores: STORES, webhook: { secretManagerTypes } };
};

describe.skipIf(lacks.length > 0)('run gives a task its secrets, from real servers', () => {
  beforeAll(async () => {
    const data = { Password: `${CANARY}-vault`, odd: 'a\0b\r\n' };
    await vaultAdmin(bao).write(`secret/data/${ROOT}/db`, { data });
    const create = (name: string, value: string): Promise<Response> => {
      const body = { Name: name, SecretString: value };
      const url = `${aws.get('AWS_ENDPOINT_URL')}/`;
      const target = 'secretsmanager.CreateSecret';
      return awsCall({ service: 'secretsmanager', url, target, body, key: keyOf(aws) });
    };
    await create(`${ROOT}:api`, `${CANARY}-aws`);
  });

  const ofVault = { group: `secret/${ROOT}/db`, key: 'Password' };
  const ofAws = { group: ROOT, key: 'api' };
  const FOLDER = {
    FLYTE_SECRETS_DEFAULT_DIR: '/etc/flyte/secrets',
    FLYTE_SECRETS_FILE_PREFIX: '',
  };
  const PREFIX = { FLYTE_SECRETS_ENV_PREFIX: '_UNION_' };

  test('of Vault: a variable under both names, and files with their bytes', async () => {
    const asked = [
      written({ ...ofVault, mountRequirement: ENV_VAR, envVar: 'TOKEN' }),
      written({ ...ofVault, mountRequirement: FILE }),
      loosely(`key: 'odd' # as text\n group: "secret/" "${ROOT}/db"; mount_requirement: 0x2`),
    ];
    const { code, out, err } = await start(asked, settingsFor('Vault'));
    expect([code, err]).toEqual([0, '']);
    expect(JSON.parse(out)).toEqual({
      ...FOLDER,
      ...PREFIX,
      TOKEN: `${CANARY}-vault`,
      SEEN: `${CANARY}-vault`,
      [`_UNION_SECRET/${ROOT.toUpperCase()}/DB_PASSWORD`]: `${CANARY}-vault`,
      [`/etc/flyte/secrets/secret/${ROOT}/db/Password`]: `${CANARY}-vault`,
      [`/etc/flyte/secrets/secret/${ROOT}/db/odd`]: 'a\0b\r\n',
    });
  });

  test('of AWS, and what is not there from where bellhop.yaml says', async () => {
    const asked = [
      written({ ...ofAws, mountRequirement: FILE }),
      written({ ...ofAws, mountRequirement: ENV_VAR }),
      written({ group: 'db', key: 'Password', mountRequirement: FILE }),
    ];
    const settings = settingsFor('AWS');
    const { code, err, out } = await start(asked, settings);
    expect([code, out]).toEqual([69, '']);
    expect(err).toContain('flyte.secrets/s2 [group:"db" key:"Password"');
    const flyte = { 'db/Password': `vault:secret/${ROOT}/db#Password` };
    const again = await start(asked, { ...settings, flyte });
    expect([again.code, again.err]).toEqual([0, '']);
    const lower = ROOT.toLowerCase();
    expect(JSON.parse(again.out)).toEqual({
      ...FOLDER,
      ...PREFIX,
      SEEN: '$(TOKEN)',
      [`_UNION_${ROOT.toUpperCase()}_API`]: `${CANARY}-aws`,
      [`/etc/flyte/secrets/${lower}/api`]: `${CANARY}-aws`,
      '/etc/flyte/secrets/db/password': `${CANARY}-vault`,
    });
  });

  test('of the input, where bellhop.yaml has no webhook', async () => {
    const asked = [
      written({ group: 'db', key: 'Password', mountRequirement: ENV_VAR, envVar: 'TOKEN' }),
      written({ group: 'db', key: 'Password', mountRequirement: FILE, envVar: 'AT' }),
    ];
    const { code, out, err } = await start(asked, { apiVersion: 'bellhop/v1' });
    expect([code, err]).toEqual([0, '']);
    expect(JSON.parse(out)).toEqual({
      ...FOLDER,
      ...PREFIX,
      TOKEN: `${CANARY}-k8s`,
      SEEN: `${CANARY}-k8s`,
      _UNION_DB_PASSWORD: `${CANARY}-k8s`,
      AT: '/etc/flyte/secrets/db/password',
      '/etc/flyte/secrets/db/password': `${CANARY}-k8s`,
    });
  });

  test('where nothing may be mounted: beside the keys of a Secret, too', async () => {
    const asked = [
      written({ group: 'db', key: 'Password', mountRequirement: FILE }),
      written({ group: 'db', key: 'other', mountRequirement: FILE }),
    ];
    const flyte = { 'db/other': `vault:secret/${ROOT}/db#Password` };
    const settings = { apiVersion: 'bellhop/v1', stores: STORES, flyte };
    const within = ['setpriv', '--bounding-set=-sys_admin'];
    const { code, out, err } = await start(asked, settings, { within });
    expect([code, err]).toEqual([0, '']);
    expect(JSON.parse(out)).toMatchObject({
      '/etc/flyte/secrets/db/password': `${CANARY}-k8s`,
      '/etc/flyte/secrets/db/other': `${CANARY}-vault`,
    });
    expect(JSON.parse(out)).toEqual(JSON.parse((await start(asked, settings)).out));
  });

  test('check asks the stores for them, and explain says which; neither shows a value', async () => {
    const asked = [written({ ...ofAws, mountRequirement: ENV_VAR })];
    const check = await start(asked, settingsFor('AWS'), { command: 'check' });
    expect(check.code).toBe(0);
    expect(check.out).toMatch(new RegExp(`sm:${ROOT}:api +flyte.secrets/s0 .* present`));
    const explain = await start(asked, settingsFor('AWS'), { command: 'explain' });
    expect(explain.out).toContain(`sm:${ROOT}:api`);
    expect(check.out + explain.out).not.toContain(CANARY);
  });
});
