// The way of a plan from the webhook to the container that fetches: it has all that fetching needs,
// also stores that no annotation names.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { printPlan, readPlan } from '../../src/plan/document.ts';
import { FILE, encodeSecret } from '../../src/wire/flyte-secret.ts';
import { CANARY, call, folder } from './_call.ts';

/** A folder in memory, as the volume that the pod's containers share. */
const volume = mkdtempSync('/dev/shm/bellhop-pull-stores-');
const copies = mkdtempSync(path.join(folder, 'copies-'));
afterAll(() => rmSync(volume, { recursive: true, force: true }));

const secret = {
  group: 'secret/db',
  groupVersion: '',
  key: 'pw',
  mountRequirement: FILE,
  envVar: '',
};
const pod = path.join(folder, 'pulled.json');
writeFileSync(
  pod,
  JSON.stringify({
    kind: 'Pod',
    metadata: { name: 'p', annotations: { 'flyte.secrets/s0': encodeSecret(secret) } },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  }),
);

const settings = path.join(folder, 'pulled.yaml');
writeFileSync(
  settings,
  `apiVersion: bellhop/v1
stores:
  bao: { kind: vault, address: http://127.0.0.1:1, auth: { method: token, token: own:TOKEN } }
  own: { kind: env }
  copies: { kind: file, folder: ${copies} }
  nobody: { kind: redis, url: redis://127.0.0.1:1 }
policy: { startMsMax: 4000, fallback: { bao: [{ store: copies, path: vault/db.json }] } }
webhook: { secretManagerTypes: [Vault], stores: { Vault: bao }, pull: { image: bellhop:1 } }
`,
);

interface Planned {
  readonly stores: Readonly<Record<string, unknown>>;
}

/** The annotation of the pod that the webhook gives. */
function planned(of = pod, by = settings): string {
  const { out, err } = call(['mutate', '-f', of, '-c', by]);
  expect(err).toBe('');
  const { metadata } = JSON.parse(out) as { metadata: { annotations: Record<string, string> } };
  return metadata.annotations['bellhop/plan'] ?? '';
}

describe('the plan of the container that fetches', () => {
  test('has the stores of policy.fallback and of credentials, and no others', () => {
    const { stores } = JSON.parse(planned()) as Planned;
    expect(Object.keys(stores).toSorted()).toEqual(['bao', 'copies', 'own']);
  });

  test('lets it take a value from the fallback where the store is down', () => {
    mkdirSync(path.join(copies, 'vault'));
    writeFileSync(path.join(copies, 'vault/db.json'), JSON.stringify({ pw: CANARY }));
    const file = path.join(folder, 'pulled-plan.json');
    const plan = readPlan(planned(), 'the annotation');
    const placements = plan.placements.map((one) => {
      return one.kind === 'file' ? { ...one, path: path.join(volume, 'pw') } : one;
    });
    writeFileSync(file, printPlan({ ...plan, placements }));
    const { code, err } = call(['pull', '--plan', file], { TOKEN: 'a-token' });
    expect([code, err.includes(CANARY)]).toEqual([0, false]);
    expect(err).toContain('copies:vault/db.json#pw was used instead');
    expect(readFileSync(path.join(volume, 'pw'), 'utf8')).toBe(CANARY);
  });

  test('has no literal credential of theirs: bellhop.yaml is refused', () => {
    const open = path.join(folder, 'open.yaml');
    const headers = JSON.stringify({ authorization: `Bearer ${CANARY}` });
    const web = `web: { kind: http, url: "https://a.test", headers: ${headers} }`;
    const asked = `asked: { kind: http, url: "https://a.test/?key=${CANARY}" }`;
    const written = readFileSync(settings, 'utf8').replace(
      'nobody:',
      `${web}\n  ${asked}\n  nobody:`,
    );
    writeFileSync(open, written.replace('[{ store: copies', '[web, asked, { store: copies'));
    const { code, out, err } = call(['mutate', '-f', pod, '-c', open]);
    expect([code, out]).toEqual([78, '']);
    expect(err).toContain('stores.web.headers.authorization: looks like a credential');
    expect(err).toContain('stores.asked.url: has more in it than an address');
    expect(err).not.toContain(CANARY);
  });

  test('keeps a store apart that has the name of a manager whose store nobody declares', () => {
    const named = path.join(folder, 'named.yaml');
    const [first = '', ...rest] = readFileSync(settings, 'utf8')
      .replace('own: { kind', 'aws: { kind')
      .replace('own:TOKEN', 'aws:TOKEN')
      .replace('[Vault], stores:', '[AWS, Vault], allow: RULES, stores:')
      .split('RULES');
    const rules = JSON.stringify([
      { name: 'a', managers: ['AWS'], groups: ['team'] },
      { name: 'v', managers: ['Vault'], groups: ['secret/*'] },
    ]);
    writeFileSync(named, [first, ...rest].join(rules));
    const both = path.join(folder, 'both.json');
    const written = JSON.parse(readFileSync(pod, 'utf8')) as {
      metadata: { annotations: Record<string, string> };
    };
    written.metadata.annotations['flyte.secrets/s1'] = encodeSecret({ ...secret, group: 'team' });
    writeFileSync(both, JSON.stringify(written));
    const { stores } = JSON.parse(planned(both, named)) as Planned;
    expect(stores).toMatchObject({
      aws: { kind: 'env' },
      'aws-default': { kind: 'aws-secrets-manager' },
    });
  });
});
