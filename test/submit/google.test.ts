// Vertex AI and Cloud Run, called by the built executable: bodies as the discovery documents have
// them, at a server that judges by them and answers as Google's does.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { signedJwtParts } from './_google-key.ts';
import type { Json } from '../../src/core/canonical.ts';
import type { JsonObject } from '../../src/targets/_caps.ts';
import { built } from '../support/built.ts';
import { judgedByDiscovery, noDiscovery } from '../support/discovery.ts';
import { skipVisibly } from '../support/need.ts';
import { spawned } from '../support/spawned.ts';
import { calledUrl } from '../../src/submit/called-url.ts';
import { ALL_TARGETS } from '../../src/targets/_all.gen.ts';
import { randomRequests } from './_pods.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-google-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const missing = noDiscovery();
if (missing !== undefined) skipVisibly('discovery documents', [missing]);
const key = signedJwtParts();

const APIS = {
  customJobs: ['aiplatform.v1', 'GoogleCloudAiplatformV1CustomJob'],
  jobs: ['run.v2', 'GoogleCloudRunV2Job'],
} as const;
const made: { readonly at: string; readonly body: JsonObject }[] = [];
let polls = 0;

function refusal(status: number, code: string, message: string): Response {
  return Response.json({ error: { code: status, status: code, message } }, { status });
}

function create(kind: keyof typeof APIS, url: URL, body: JsonObject): Response {
  const [api, schema] = APIS[kind];
  const wrong = judgedByDiscovery(api, schema, body);
  if (wrong.length > 0) return refusal(400, 'INVALID_ARGUMENT', wrong.join('; '));
  const at = `${url.pathname}/${url.searchParams.get('jobId') ?? made.length + 1}`;
  if (made.some((one) => one.at === at)) return refusal(409, 'ALREADY_EXISTS', 'it is there');
  made.push({ at, body });
  const name = at.replace(/^\/v\d\//, '');
  if (kind === 'jobs') return Response.json({ name: 'operations/1', done: false });
  return Response.json({ ...body, name, state: 'JOB_STATE_QUEUED' });
}

function look(url: URL): Response {
  const filter = /^display_name="(.*)"$/.exec(url.searchParams.get('filter') ?? '')?.[1];
  if (filter !== undefined) {
    const found = made.find(({ body }) => body['displayName'] === filter);
    return Response.json(found === undefined ? {} : { customJobs: [{ name: found.at.slice(4) }] });
  }
  if (!made.some(({ at }) => at === url.pathname)) return refusal(404, 'NOT_FOUND', 'no such job');
  polls += 1;
  const isEnded = polls > 1;
  return Response.json({
    state: isEnded ? 'JOB_STATE_FAILED' : 'JOB_STATE_RUNNING',
    error: { code: 3, message: 'the replica exited with 3' },
    latestCreatedExecution: {
      name: 'execution-1',
      completionStatus: isEnded ? 'EXECUTION_SUCCEEDED' : 'EXECUTION_RUNNING',
    },
  });
}

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  async fetch(request) {
    const token = request.headers.get('authorization')?.replace('Bearer ', '') ?? '';
    if (!key.isOurs(token)) return refusal(401, 'UNAUTHENTICATED', 'who is it?');
    const url = new URL(request.url);
    if (request.method === 'GET') return look(url);
    const kind = url.pathname.endsWith('/customJobs') ? 'customJobs' : 'jobs';
    return create(kind, url, (await request.json()) as JsonObject);
  },
});
afterAll(() => void server.stop(true));

const POD = `apiVersion: batch/v1
kind: Job
metadata: { name: train }
spec:
  template:
    spec:
      containers:
      - name: main
        image: us-docker.pkg.dev/p/r/train:1
        command: [python, train.py]
        resources: { requests: { cpu: "2", memory: 4Gi } }
        env:
        - { name: PRICE, value: "5$ for $$(A)" }
        - { name: PORT, value: "8080" }
        - { name: odd.name, value: x }
        - { name: DB, valueFrom: { secretKeyRef: { name: db, key: password } } }
`;
const SETTINGS = `apiVersion: bellhop/v1
stores: { gsm: { kind: gcp-secret-manager, project: p } }
secrets: { db: { password: "gsm:db-password" } }
submit:
  targets:
    vertex-custom-job:
      CreateCustomJob:
        parent: projects/p/locations/us-central1
        jobSpec:
          workerPoolSpecs:
          - { machineSpec: { machineType: n1-standard-4 }, replicaCount: "1" }
          - {}
          - { machineSpec: { machineType: n1-standard-4 }, replicaCount: "2" }
    cloud-run-job:
      CreateJob: { parent: projects/p/locations/us-central1 }
`;
writeFileSync(path.join(folder, 'pod.yaml'), POD);
writeFileSync(path.join(folder, 'bellhop.yaml'), SETTINGS);
writeFileSync(path.join(folder, 'key.json'), JSON.stringify(key.file));

async function submit(target: string, ...flags: readonly string[]) {
  const words = ['submit', target, '-f', 'pod.yaml', '-c', 'bellhop.yaml', ...flags];
  const env = {
    PATH: process.env['PATH'] ?? '',
    GOOGLE_APPLICATION_CREDENTIALS: path.join(folder, 'key.json'),
    CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN: server.url.origin,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_AIPLATFORM: server.url.origin,
  };
  return spawned([built().bellhop, ...words], { cwd: folder, env });
}

const variablesOf = (node: Json | undefined): Record<string, unknown> => {
  const list = (node ?? []) as { name: string; value?: string; valueSource?: unknown }[];
  return Object.fromEntries(list.map((one) => [one.name, one.value ?? one.valueSource]));
};

describe.skipIf(missing !== undefined)('the discovery documents', () => {
  test('have nothing against any request, for 50 random pods each', async () => {
    let count = 0;
    for (const load of Object.values(ALL_TARGETS)) {
      const { default: target } = await load();
      for (const { send, input } of randomRequests(target, target.follow === undefined ? 1 : 50)) {
        if (send.by !== 'google rest') continue;
        const { names } = calledUrl(send, input);
        const members = Object.entries(input).filter(([name]) => !names.includes(name));
        const [api, schema] = APIS[send.path.includes('/customJobs') ? 'customJobs' : 'jobs'];
        expect(judgedByDiscovery(api, schema, Object.fromEntries(members))).toEqual([]);
        count += 1;
      }
    }
    expect(count).toBe(100);
  }, 60_000);
  test('complain of what is unknown, missing or of another type', () => {
    const [api, schema] = APIS.customJobs;
    expect(judgedByDiscovery(api, schema, { displayName: 5, nosuch: 1 })).toEqual([
      '.displayName: not a string',
      '.nosuch: unknown',
      '.jobSpec: required',
    ]);
  });
});

describe.skipIf(missing !== undefined)('a request of', () => {
  test('Vertex AI is as its document has it, for each replica of each pool', async () => {
    const { code, err, out } = await submit('vertex-custom-job');
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('vertex-custom-job train-');
    const jobSpec = made.at(-1)?.body['jobSpec'] as { workerPoolSpecs: JsonObject[] };
    const [first, skipped, third] = jobSpec.workerPoolSpecs;
    expect(skipped).toEqual({});
    expect(first?.['containerSpec']).toEqual(third?.['containerSpec'] as Json);
    const spec = first?.['containerSpec'] as JsonObject;
    expect([spec['command'], spec['args']]).toEqual([['bellhop'], ['run']]);
    const variables = variablesOf(spec['env']);
    expect(variables).toMatchObject({ PORT: '8080' });
    // What the platform might change, and names that it does not take, are in the plan.
    expect(Object.keys(variables)).not.toContain('PRICE');
    expect(Object.keys(variables)).not.toContain('odd.name');
  }, 60_000);

  test('Cloud Run is as its document has it, with the secret that it brings itself', async () => {
    const { code, err } = await submit('cloud-run-job');
    expect([code, err]).toEqual([0, '']);
    const { at, body } = made.at(-1) ?? { at: '', body: {} };
    expect(at).toMatch(/^\/v2\/projects\/p\/locations\/us-central1\/jobs\/train-[0-9a-f]{12}$/);
    const { template } = body as { template: { template: { containers: JsonObject[] } } };
    const [container = {}] = template.template.containers;
    expect(container['resources']).toEqual({ limits: { cpu: '2', memory: '4096Mi' } });
    const variables = variablesOf(container['env']);
    const secretKeyRef = { secret: 'db-password', version: 'latest' };
    expect(variables).toMatchObject({ 'odd.name': 'x', DB: { secretKeyRef } });
    expect(Object.keys(variables)).not.toContain('PORT');
  }, 60_000);

  test.each(['vertex-custom-job', 'cloud-run-job'])(
    '%s: is made once',
    async (target) => {
      const before = made.length;
      const { code, out } = await submit(target);
      expect([code, made.length]).toEqual([0, before]);
      expect(out).toContain('there already');
    },
    60_000,
  );

  test('a job is followed to its end, and why it failed is told', async () => {
    polls = 1;
    const failed = await submit('vertex-custom-job', '--wait');
    expect([failed.code, failed.err]).toEqual([69, expect.stringContaining('exited with 3')]);
    expect(failed.err).toContain('BH_ERR_JOB_FAILED');
    const ended = await submit('cloud-run-job', '--wait');
    expect([ended.code, ended.out]).toEqual([0, expect.stringMatching(/; succeeded\n$/)]);
  }, 60_000);

  test('what Google refuses is told in its own words', async () => {
    const bad = SETTINGS.replace('replicaCount: "1"', 'nosuch: true');
    writeFileSync(path.join(folder, 'bellhop.yaml'), bad);
    const { code, err } = await submit('vertex-custom-job');
    writeFileSync(path.join(folder, 'bellhop.yaml'), SETTINGS);
    expect([code, err]).toEqual([69, expect.stringContaining('INVALID_ARGUMENT: ')]);
    expect(err).toContain('BH_ERR_API');
  }, 60_000);

  test('--dry-run says how curl sends it', async () => {
    const { out } = await submit('cloud-run-job', '--dry-run');
    const { requests } = JSON.parse(out) as { requests: { command: string }[] };
    expect(requests.map(({ command }) => command)).toEqual([
      expect.stringMatching(
        /^jq 'del\(\.parent, \.jobId\)' CreateJob\.json \| curl .*jobs\?jobId=/,
      ),
    ]);
  }, 60_000);
});
