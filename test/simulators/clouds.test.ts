// The simulators of Google and Azure against what their documents say.
import { afterAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { azureMlCommand } from './azure-ml-command.ts';
import { containerAppsJob } from './azure-container-apps-job.ts';
import { cloudRunJob } from './cloud-run-job.ts';
import * as legal from './_legal.ts';
import { COMMON, httpGet, look, shellImage } from './_probe.ts';
import { sawOf, WISH } from './_saw.ts';
import { expanded, vertexCustomJob } from './vertex-custom-job.ts';
import { azureStage, googleStage } from './_worlds.ts';

const RUN = Math.random().toString(36).slice(2, 8);
const onGoogle = await googleStage('Vertex AI and Cloud Run');
const onAzure = await azureStage('Azure');
afterAll(onGoogle.close);
afterAll(onAzure.close);

const METADATA = httpGet(
  'metadata.google.internal',
  '/computeMetadata/v1/instance/service-accounts/default/token',
  'Metadata-Flavor: Google',
);
const WITHOUT_FLAVOR = httpGet('169.254.169.254', '/computeMetadata/v1/project/project-id');

function google(sections: Readonly<Record<string, string>>) {
  const image = shellImage(onGoogle.yard, { entrypoint: ['sh', '/probe.sh'] }, look(sections));
  return { ...onGoogle, images: { [legal.IMAGE]: image } };
}

async function googleSecret(name: string, ...values: string[]): Promise<string> {
  const { endpoint, token, project } = onGoogle.google;
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const id = `${name}-${RUN}`;
  const at = `${endpoint}/v1/projects/${project}/secrets`;
  await fetch(`${at}?secretId=${id}`, { method: 'POST', headers, body: '{}' });
  for (const value of values) {
    const data = Buffer.from(value).toString('base64');
    const body = JSON.stringify({ payload: { data } });
    await fetch(`${at}/${id}:addVersion`, { method: 'POST', headers, body });
  }
  return id;
}

describe('$(VAR) as Vertex AI expands it, A being 1', () => {
  const known = new Map([['A', '1']]);
  const ROWS: readonly (readonly [string, string])[] = [
    ['$(A)', '1'],
    ['x$(A)y$(A)', 'x1y1'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$1'],
    ['$(B)', '$(B)'],
    ['$A ${A} $', '$A ${A} $'],
    ['$(A', '$(A'],
    ['$()', '$()'],
  ];
  test.each([...ROWS])('%s is %s', (written, becomes) => {
    expect(expanded(written, known)).toBe(becomes);
  });
});

describe.skipIf(!onGoogle.isHere)('Google', () => {
  test('a custom job has expanded values, its own variables and the metadata server', async () => {
    const env = [
      { name: 'A', value: 'a' },
      { name: 'B', value: '$(A) $$(A) $(LATER) $(CLOUD_ML_REGION)' },
      { name: 'LATER', value: 'l' },
    ];
    const job = legal.vertex({ env, args: ['x', '$(A)'] });
    const output = { baseOutputDirectory: { outputUriPrefix: 'gs://b/o' } };
    const request = { ...job, jobSpec: { ...job.jobSpec, ...output } };
    const sections = { ...COMMON, token: METADATA, without: WITHOUT_FLAVOR };
    const saw = sawOf(await vertexCustomJob.run(request, google(sections), WISH));
    expect(saw.env).toMatchObject({
      B: 'a $(A) $(LATER) us-central1',
      AIP_MODEL_DIR: 'gs://b/o/model/',
    });
    expect(saw.env['CLOUD_ML_JOB_ID']).toBeString();
    expect(saw.args).toEqual(['x', '$(A)']);
    expect(saw.text('token')).toContain('access_token');
    expect(saw.text('without')).toContain('403');
  });

  test('a Cloud Run job has secrets as variables and files, which nobody may write', async () => {
    const id = await googleSecret('db', 'first\n', 'second');
    const container = {
      env: [
        { name: 'A', value: '$(B) ${C}' },
        { name: 'A', value: 'last $(B)' },
        { name: 'OLD', valueSource: { secretKeyRef: { secret: id, version: '1' } } },
        { name: 'NEW', valueSource: { secretKeyRef: { secret: id, version: 'latest' } } },
      ],
      volumeMounts: [
        { name: 's', mountPath: '/secrets' },
        { name: 't', mountPath: '/scratch' },
      ],
    };
    const items = [
      { path: 'a/one', version: '1' },
      { path: 'two', version: '2', mode: 0o700 },
    ];
    const base = legal.cloudRun(container);
    const volumes = [
      { name: 's', secret: { secret: id, items } },
      { name: 't', emptyDir: { medium: 'MEMORY', sizeLimit: '2Mi' } },
    ];
    const template = { template: { ...base.job.template.template, volumes } };
    const overrides = {
      containerOverrides: [{ args: ['over'], env: [{ name: 'D', value: 'run' }] }],
    };
    const sections = {
      ...COMMON,
      modes: 'cd /secrets && stat -c "%a %n" a/one two',
      one: 'cat /secrets/a/one',
      write: 'touch /secrets/x',
      scratch: 'df -B1 --output=size /scratch | tail -n 1',
      token: METADATA,
    };
    const request = { ...base, job: { template }, run: { overrides } };
    const saw = sawOf(await cloudRunJob.run(request, google(sections), { ...WISH, attempt: 2 }));
    expect(saw.env).toMatchObject({
      A: 'last $(B)',
      OLD: 'first\n',
      NEW: 'second',
      D: 'run',
      CLOUD_RUN_JOB: 'job',
      CLOUD_RUN_TASK_ATTEMPT: '1',
    });
    expect(saw.args).toEqual(['over']);
    expect(saw.text('modes')).toBe('444 a/one\n500 two\n');
    expect(saw.text('one')).toBe('first\n');
    expect(saw.text('write')).toContain('exit 1');
    expect(saw.text('scratch').trim()).toBe('2097152');
    expect(saw.text('token')).toContain('access_token');
  });

  test('a Cloud Run job does not start without its secret', async () => {
    const valueSource = { secretKeyRef: { secret: 'no-such-secret', version: 'latest' } };
    const request = legal.cloudRun({ env: [{ name: 'A', valueSource }] });
    const ran = await cloudRunJob.run(request, google(COMMON), WISH);
    expect(ran).toMatchObject({
      kind: 'not started',
      reason: expect.stringContaining('not readable'),
    });
  });
});

function azure(sections: Readonly<Record<string, string>>) {
  const image = shellImage(onAzure.yard, { entrypoint: ['sh', '/probe.sh'] }, look(sections));
  return { ...onAzure, images: { [legal.IMAGE]: image } };
}

describe.skipIf(!onAzure.isHere)('Azure', () => {
  test('a Container Apps job has secrets as variables and files, from Key Vault too', async () => {
    const { azure: world } = onAzure;
    const query = 'api-version=2019-08-01&resource=https://vault.azure.net';
    const given = await fetch(`${world.identity}?${query}`, {
      headers: { 'x-identity-header': world.identityHeader },
    });
    const { access_token: token } = (await given.json()) as { access_token: string };
    await fetch(`${world.vault}/secrets/db-${RUN}?api-version=7.4`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ value: 'from the vault' }),
      tls: { ca: readFileSync(world.caFile, 'utf8') },
    });
    const secrets = [
      { name: 'plain', value: 'literal' },
      { name: 'kv', keyVaultUrl: `${world.vault}/secrets/db-${RUN}`, identity: 'system' },
    ];
    const container = {
      name: 'main',
      image: legal.IMAGE,
      env: [
        { name: 'A', value: 'first' },
        { name: 'A', value: 'last ${B} $(C)' },
        { name: 'KV', secretRef: 'kv' },
      ],
      volumeMounts: [{ volumeName: 'v', mountPath: '/mnt/secrets' }],
    };
    const template = { containers: [container], volumes: [{ name: 'v', storageType: 'Secret' }] };
    const job = { properties: { configuration: { secrets }, template } };
    const sections = {
      ...COMMON,
      files: 'cd /mnt/secrets && for f in *; do echo "$f=$(cat "$f")"; done',
      token: `bash -c 'exec 3<>/dev/tcp/127.0.0.1/42356; printf "GET /msi/token?${query} HTTP/1.1\\r\\nHost: x\\r\\nX-IDENTITY-HEADER: $IDENTITY_HEADER\\r\\nConnection: close\\r\\n\\r\\n" >&3; cat <&3'`,
    };
    const saw = sawOf(await containerAppsJob.run({ name: 'job', job }, azure(sections), WISH));
    expect(saw.env).toMatchObject({
      A: 'last ${B} $(C)',
      KV: 'from the vault',
      CONTAINER_APP_JOB_NAME: 'job',
    });
    expect(saw.text('files')).toBe('kv=from the vault\nplain=literal\n');
    expect(saw.text('token')).toContain('access_token');
    const [first] = containerAppsJob.refusals({
      name: 'job',
      job: { properties: { configuration: {}, template } },
    });
    expect(first?.message).toContain("SecretRef 'kv' defined for container app not found");
  });

  test('an Azure ML command is a line of shell, and no ENTRYPOINT runs', async () => {
    const environmentVariables = { A: '$HOME `x`' };
    const command = 'echo "$A" ${{inputs.rate}} "$0" && sh /probe.sh && exit 3';
    const inputs = { rate: { jobInputType: 'literal', value: '0.1' } };
    const properties = {
      jobType: 'Command',
      command,
      environmentId: legal.IMAGE,
      environmentVariables,
      inputs,
    };
    const ran = await azureMlCommand.run({ properties }, azure(COMMON), WISH);
    const saw = sawOf(ran);
    expect(ran).toMatchObject({ status: 'Failed', outcome: { exit: 3 } });
    if (ran.kind === 'ended') expect(ran.outcome.stdout).toStartWith('$HOME `x` 0.1 bash\n');
    expect(saw.text('pid')).not.toBe('1\n');
  });
});
