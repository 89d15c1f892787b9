// Variables from a Vault on a real node: a pod that the webhook has handled beside the same pod
// whose values are a Secret of the cluster. The program must not see which one it is.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { encodeSecret } from '../../src/wire/flyte-secret.ts';
import type { Ran } from './_pods.ts';
import { POD_MS_MAX, runPod } from './_pods.ts';
import type { How, VaultWorld } from './_vault-world.ts';
import { IMAGE, openVaultWorld } from './_vault-world.ts';

const START_MS_MAX = 2_400_000;
const CANARY = `canary-77be10 $(A) $$ ' "\n`;
const VALUES = { pw: CANARY, other: 'second' };
/** What the format of such files can carry: no single quote, which ends a value. */
const FILE_KEY_MINOR_MIN = 35;
const FILE_KEY_VALUE = 'canary-77be10 $(A) $$ " # \\ é\n ';

setDefaultTimeout(2 * POD_MS_MAX);
const found = await openVaultWorld();
const isMissing = found === undefined;
const world = found as VaultWorld;

/** What is asked for, with the type of the manager that delivers it. */
function podOf(name: string, type: 'K8s' | 'Vault', spec: object) {
  const secrets = [
    { group: 'secret/app', key: 'pw', envVar: 'TOKEN' },
    { group: 'secret/app', key: 'other', envVar: '' },
  ].map((one) => {
    const group = type === 'K8s' ? 'app' : one.group;
    return encodeSecret({ ...one, group, groupVersion: '', mountRequirement: 1 });
  });
  const annotations = Object.fromEntries(secrets.map((text, n) => [`flyte.secrets/s${n}`, text]));
  const { namespace, cluster } = world;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, annotations, labels: { 'inject-flyte-secrets': 'true' } },
    spec: {
      nodeName: cluster.env['NODE_NAME'],
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      ...spec,
    },
  };
}

/** Handled by the webhook's own decision, then run by the kubelet. */
async function ranBy(
  type: 'K8s' | 'Vault',
  name: string,
  { how = 'launcher', ...spec }: { readonly how?: How; readonly containers: readonly object[] },
): Promise<Ran> {
  const { text, pod } = world.handled(type, podOf(name, type, spec), how);
  expect(text).not.toContain('canary');
  return runPod(world.cluster, pod);
}

interface Seen {
  readonly argv: readonly string[];
  readonly pid: number;
  readonly env: readonly { readonly name: string; readonly value: string }[];
}

/** What the probe has seen; the names of Vault's group stand in the standard variable. */
function seen({ log, exit }: Ran): object {
  if (exit !== 0) throw new Error(`the pod has ended with ${exit}: ${log}`);
  const { env, ...rest } = JSON.parse(log) as Seen & Record<string, unknown>;
  const entries = env.map(({ name, value }) => `${name.replace('SECRET/APP', 'APP')}=${value}`);
  const { argv, pid, uid, gid, groups, cwd, umask } = rest;
  const hostless = entries.filter((one) => !one.startsWith('HOSTNAME=')).toSorted();
  return { argv, pid, uid, gid, groups, cwd, umask, env: hostless };
}

beforeAll(async () => {
  if (isMissing) return;
  await replaceSecret(VALUES);
  await world.put('app', VALUES);
}, START_MS_MAX);

const toBase64 = (text: string): string => Buffer.from(text).toString('base64');

async function replaceSecret(values: Readonly<Record<string, string>>): Promise<void> {
  const data = Object.fromEntries(
    Object.entries(values).map(([key, text]) => [key, toBase64(text)]),
  );
  const metadata = { name: 'app', namespace: world.namespace };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata, data };
  const said = await world.cluster.kubectl(['apply', '-f', '-'], secret);
  if (!said.ok) throw new Error(said.err);
}

afterAll(async () => found?.close());

describe.skipIf(isMissing)('variables of a Vault, on a node', () => {
  const token = found?.token ?? { name: '', value: '' };
  const env = [
    token,
    { name: 'A', value: 'a' },
    { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
    { name: 'URL', value: 'x://$(TOKEN)@$(NODE)/$$(TOKEN)/$(LATER)' },
    { name: 'LATER', value: '$(URL)$(A)' },
  ];
  const args = ['--url=$(LATER)', '$$(TOKEN)', '$(NODE)', '$(NONE)', ''];
  const main = { name: 'main', image: IMAGE, imagePullPolicy: 'Never', env, args };

  test('the program sees what it sees where the values are a Secret of the cluster', async () => {
    const spec = { containers: [{ ...main, command: ['/probe', '$(A)', '$(TOKEN)'] }] };
    const wanted = seen(await ranBy('K8s', 'by-reference', spec));
    const ran = seen(await ranBy('Vault', 'by-launcher', spec));
    expect(ran).toEqual(wanted);
    const { argv } = ran as Seen;
    expect(argv).toContain(CANARY);
  });

  test('as another user, without a file system to write to', async () => {
    const securityContext = {
      runAsUser: 4711,
      runAsGroup: 4712,
      runAsNonRoot: true,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    };
    const spec = { containers: [{ ...main, command: ['/probe'], securityContext }] };
    const wanted = seen(await ranBy('K8s', 'user-reference', spec));
    expect(seen(await ranBy('Vault', 'user-launcher', spec))).toEqual(wanted);
  });

  // An older kubelet does not know it, and is told by `bellhop webhook` at its start.
  if (found !== undefined && found.minor >= FILE_KEY_MINOR_MIN) {
    test('by fileKeyRef, where the node has it, the same, without a command that is known', async () => {
      await world.put('app', { pw: FILE_KEY_VALUE, other: 'second' });
      await replaceSecret({ pw: FILE_KEY_VALUE, other: 'second' });
      const spec = { containers: [{ ...main, image: 'bellhop.test/probe:1' }] };
      const wanted = seen(await ranBy('K8s', 'image-reference', spec));
      const ran = seen(await ranBy('Vault', 'by-file-key', { ...spec, how: 'fileKeyRef' }));
      expect(ran).toEqual(wanted);
      const { env: all } = ran as { env: readonly string[] };
      expect(all).toContain(`TOKEN=${FILE_KEY_VALUE}`);
    });
  }

  test('a secret that is not there starts nothing, and its name is in the log', async () => {
    const gone = { ...main, command: ['/probe'], env: [{ ...token, value: 'wrong' }] };
    const { exit, log } = await ranBy('Vault', 'denied', { containers: [gone] });
    expect(exit).toBe(1);
    expect(log).toContain('secret/app');
    expect(log).not.toContain('canary');
  });
});
