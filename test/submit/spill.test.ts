// What has no room in a request goes to each place that can hold it, and `run` has it from there.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { realServer } from '../real/_servers.ts';
import { sdkSteps } from '../real/_sdk-steps.ts';
import { built } from '../support/built.ts';
import { spawned } from '../support/spawned.ts';

const CANARY = 'canary-77d0e1';
const folder = mkdtempSync(path.join(os.tmpdir(), 'bellhop-spill-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BIG = Array.from({ length: 10_000 }, (_, n) => `P${n}-${(n * 7919) % 10_007}`).join(' ');
const POD = `apiVersion: v1
kind: Pod
metadata: { name: train, namespace: ml }
spec:
  containers:
  - name: main
    image: registry.test/train:1
    command: [sh, -c, 'env; echo "arg=$0"', "$(GREETING)"]
    envFrom: [{ configMapRef: { name: params } }]
    env:
    - { name: GREETING, value: hello }
    - { name: TOKEN, valueFrom: { secretKeyRef: { name: db, key: token } } }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: params, namespace: ml }
data: { BIG: "${BIG}" }
`;

const gcs = await realServer('gcs');
const gsm = await realServer('gsm');
const azurite = await realServer('azurite');
const akv = await realServer('akv');
const place = `spill-${crypto.randomUUID()}`;

const PLACES = {
  gcs: {
    server: gcs,
    store: { endpoint: gcs.env['GCS_ENDPOINT'] },
    env: { GCE_METADATA_HOST: gsm.env['GCE_METADATA_HOST'] },
    make: async () => {
      const given = { endpoint: gcs.get('GCS_ENDPOINT'), steps: [{ do: 'make', bucket: place }] };
      await sdkSteps('gcs_sdk.py', gcs.get('GCS_SDK'), given);
    },
  },
  'azure-blob': {
    server: azurite,
    store: { url: azurite.env['AZURITE_URL'] },
    env: {
      SSL_CERT_FILE: azurite.env['SSL_CERT_FILE'],
      AZURE_POD_IDENTITY_AUTHORITY_HOST: akv.env['AZURE_POD_IDENTITY_AUTHORITY_HOST'],
    },
    make: async () => {
      await sdkSteps('azure_blob_sdk.py', azurite.get('AZURITE_SDK'), {
        url: azurite.get('AZURITE_URL'),
        account: azurite.get('AZURITE_ACCOUNT'),
        key: azurite.get('AZURITE_KEY'),
        ca: azurite.get('SSL_CERT_FILE'),
        steps: [{ do: 'make', container: place }],
      });
    },
  },
} as const;

interface Container {
  readonly env: readonly { readonly name: string; readonly value: string }[];
}

describe.each(['gcs', 'azure-blob'] as const)('spilled to %s', (kind) => {
  const { server, store, env, make } = PLACES[kind];
  test.skipIf(server.missing !== undefined)(
    'submitting twice is no error, and started from the request it is all there',
    async () => {
      await make();
      const settings = {
        apiVersion: 'bellhop/v1',
        stores: { place: { kind, ...store }, e: { kind: 'env' } },
        secrets: { db: { token: 'e:THE_TOKEN' } },
        submit: {
          spill: `place:${place}/jobs/{job}`,
          targets: {
            'azure-container-apps-job': {
              CreateOrUpdateJob: {
                resource: '/subscriptions/s/resourceGroups/g',
                location: 'westeurope',
                properties: { environmentId: '/subscriptions/s/environments/e' },
              },
            },
          },
        },
      };
      writeFileSync(path.join(folder, 'pod.yaml'), POD);
      writeFileSync(path.join(folder, `${kind}.yaml`), JSON.stringify(settings));
      const variables = { PATH: process.env['PATH'] ?? '', ...env, THE_TOKEN: CANARY };
      const bellhop = async (words: readonly string[], more: object = {}) => {
        const around = { cwd: folder, env: { ...variables, ...more } as Record<string, string> };
        return spawned([built().bellhop, ...words], around);
      };
      const words = ['submit', 'azure-container-apps-job', '-f', 'pod.yaml', '-c', `${kind}.yaml`];
      const dry = await bellhop([...words, '--dry-run']);
      expect([dry.code, dry.err]).toEqual([0, '']);
      const planned = JSON.parse(dry.out) as {
        spilled: { path: string; bytes: number };
        requests: [{ input: { properties: { template: { containers: [Container] } } } }];
      };
      expect(planned.spilled.bytes).toBeGreaterThan(100_000);
      expect(planned.spilled.path).toStartWith(`${place}/jobs/train/`);
      const [{ input }] = planned.requests;
      const list = input.properties.template.containers[0].env;
      const given = Object.fromEntries(list.map((one) => [one.name, one.value]));
      // Where the submission has not been made, the object is missing: nothing starts.
      const early = await bellhop(['run'], given);
      expect([early.code, early.out]).toEqual([69, '']);
      for (const time of ['first', 'second']) {
        const sent = await bellhop(words);
        expect([time, sent.code]).toEqual([time, 0]);
        expect(sent.err).toMatch(/^bellhop: .* bytes spilled; hand this script to a shell\n$/);
        expect(sent.out + sent.err).not.toContain(CANARY);
      }
      const started = await bellhop(['run'], given);
      expect([started.code, started.err]).toEqual([0, '']);
      const lines = started.out.split('\n');
      expect(lines).toContain(`TOKEN=${CANARY}`);
      expect(lines).toContain(`BIG=${BIG}`);
      expect(lines).toContain('arg=hello');
      expect(started.out).not.toContain('BELLHOP_');
    },
    60_000,
  );
});
