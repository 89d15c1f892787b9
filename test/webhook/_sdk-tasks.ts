// Tasks of the rows: their values in the stores, their pods through the webhook's own handler, and
// what their programs read.
import { expect } from 'bun:test';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { webhookParts } from '../../src/cli/webhook-parts.ts';
import { deadlineBy } from '../../src/webhook/deadline.ts';
import { secretPlace } from '../../src/webhook/kubernetes-objects.ts';
import { review } from '../../src/webhook/review.ts';
import type { PatchOperation } from '../../src/wire/json-patch.ts';
import { applyPatch } from '../../src/wire/json-patch.ts';
import { built } from '../support/built.ts';
import { skipVisibly } from '../support/need.ts';
import { realIo } from '../support/real-store.ts';
import { memoryCluster } from './_memory-api.ts';
import type { AnswerJson } from './_reviews.ts';
import type { Declaration, Declared, Got, Python } from './_sdk.ts';
import { flyteSdks } from './_sdk.ts';
import { BELLHOP_AT, noNode, runPod } from './_sdk-node.ts';
import type { ProfileName, Row } from './_sdk-row.ts';
import { ROWS } from './_sdk-rows.ts';
import type { ClusterSecrets, Keeper, ManagerName, Place } from './_sdk-stores.ts';
import { LABELS, openKeeper, standIns } from './_sdk-stores.ts';
import type { Json } from './_vectors.ts';

const found = flyteSdks();
const unable = noNode();
if (unable !== undefined) skipVisibly("Flyte's SDKs as clients", [unable]);
export const python = 'missing' in found || unable !== undefined ? undefined : found;
export const CANARY = `canary-${crypto.randomUUID().slice(0, 8)}`;
// Not below /tmp, where the vendor's container for AWS has its volume.
const folder = mkdtempSync('/dev/shm/bellhop-sdk-');
chmodSync(folder, 0o755);
/** To be called at the end. */
export const removeFiles = (): void => rmSync(folder, { recursive: true, force: true });
export const PROFILES: readonly ProfileName[] = ['flyte', 'native', 'v1'];
export const MANAGERS = [...new Set(ROWS.map(({ manager }) => manager))];

/** A row whose value is in its store. */
export interface Kept extends Row {
  readonly place: Place;
  readonly value: Buffer;
  readonly made: Declared;
}

const EVERYTHING = [{ name: 'everybody everything' }];
const NAMESPACE = 'flytesnacks-development';
const secrets: ClusterSecrets = new Map();
/** What the webhook writes itself. */
const cluster = memoryCluster();
export const keepers = new Map<ManagerName, Keeper | string>();
export const kept = new Map<Row, Kept>();
if (python !== undefined) await prepare(python);

async function prepare(sdks: Python): Promise<void> {
  mkdirSync(path.join(folder, 'bin'));
  standIns(sdks, path.join(folder, 'bin'));
  for (const manager of MANAGERS) keepers.set(manager, await openKeeper(manager, secrets));
  for (const sdk of ['flytekit', 'flyte'] as const) {
    const rows = ROWS.filter(
      (row) => row.sdk === sdk && typeof keepers.get(row.manager) !== 'string',
    );
    const placed = await Promise.all(rows.map(keep));
    const made = sdks.declare(sdk, placed.map(declarationOf));
    for (const [n, row] of rows.entries()) {
      const [one, declared] = [placed[n], made[n]];
      if (one !== undefined && declared !== undefined) kept.set(row, { ...one, made: declared });
    }
  }
}

async function keep(row: Row): Promise<Omit<Kept, 'made'>> {
  const value = valueOf(row);
  if (!row.isKept) return { ...row, value, place: { declared: {}, get: {} } };
  const keeper = keepers.get(row.manager);
  if (keeper === undefined || typeof keeper === 'string') throw new Error(keeper);
  return { ...row, value, place: await keeper.keep(row.name, value) };
}

function valueOf({ manager, name, shape }: Row): Buffer {
  const own = `${CANARY}-${manager}-${name}`;
  switch (shape) {
    case 'plain':
      return Buffer.from(own);
    case 'blanks':
      return Buffer.from(` \t${own} é\n\n`);
    case 'dollars':
      return Buffer.from(`$(HOME)$$${own}$$(HOME)$`);
    case 'binary':
      return Buffer.concat([
        Buffer.from([0xff, 0x00, 0xfe]),
        Buffer.from(own),
        Buffer.from([0x80]),
      ]);
  }
}

function declarationOf({ place, named, asks }: Omit<Kept, 'made'>): Declaration {
  const all = Object.entries({ ...place.declared, ...named, ...asks });
  return Object.fromEntries(all.filter(([, one]) => one !== undefined));
}

function settingsOf(profile: ProfileName, manager: ManagerName, keeper: Keeper): string {
  const file = path.join(folder, `${profile}-${manager}.yaml`);
  const own = profile === 'native' ? { profile } : { profile: 'flyte' };
  const webhook = {
    ...own,
    ...(profile === 'v1' ? { compat: 'v1' } : {}),
    secretManagerTypes: [manager],
    awsSecretManager: { sidecarImage: 'aws-sidecar' },
    pull: {
      image: 'bellhop',
      command: [path.join(BELLHOP_AT, path.basename(built().bellhop)), 'pull'],
    },
    // Values of the webhook's own become Secrets only where a rule and the setting say so.
    ...(profile === 'native'
      ? { valueSecrets: { namespaces: [NAMESPACE] }, allow: EVERYTHING }
      : {}),
    ...keeper.settings,
  };
  const all = { apiVersion: 'bellhop/v1', stores: keeper.stores, webhook };
  writeFileSync(file, JSON.stringify(all));
  return file;
}

export interface Answered {
  readonly pod: Json;
  readonly allowed: boolean;
  readonly message: string;
  /** All that was said beside the patch. */
  readonly said: string;
}

/** The pod of a task that asks for these, and the webhook's answer to it. */
export async function answered(
  profile: ProfileName,
  rows: readonly Kept[],
  sdks: Python,
): Promise<Answered> {
  const [{ manager, sdk }] = rows as readonly [Kept];
  const keeper = keepers.get(manager) as Keeper;
  const env = keeper.env();
  const io = realIo(env);
  const { mutate } = await webhookParts(
    io,
    settingsOf(profile, manager, keeper),
    cluster.client(() => Date.now()),
  );
  // What a pod's identity gives its containers.
  const identity = Object.entries(env).filter(([name]) =>
    /^(?:AWS|AZURE|GOOGLE|VAULT)_/.test(name),
  );
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'task',
      namespace: NAMESPACE,
      labels: { 'inject-flyte-secrets': 'true', ...LABELS },
      annotations: Object.fromEntries(
        rows.map(({ made }, n) => [`flyte.secrets/s${n}`, made.annotation]),
      ),
    },
    spec: {
      containers: [
        {
          name: 'task',
          image: 'user',
          command: sdks.reader(sdk),
          env: identity.map(([name, value]) => ({ name, value })),
        },
      ],
    },
  };
  const asked = {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: { uid: 'u', namespace: pod.metadata.namespace, operation: 'CREATE', object: pod },
  };
  const { text, ...told } = await review(
    {
      body: Buffer.from(JSON.stringify(asked)),
      contentType: 'application/json',
      deadline: deadlineBy(new AbortController().signal),
    },
    mutate,
  );
  const { response } = JSON.parse(text) as AnswerJson;
  const { patch, ...rest } = response;
  const operations = JSON.parse(
    Buffer.from(patch ?? 'W10=', 'base64').toString(),
  ) as PatchOperation[];
  return {
    pod: applyPatch(pod, operations) as Json,
    allowed: response.allowed,
    message: response.status.message ?? '',
    said: JSON.stringify({ ...told, ...rest }),
  };
}

/** What the task read, a list for each row. */
export async function readBy(
  profile: ProfileName,
  rows: readonly Kept[],
  { pod, sdks }: { readonly pod: Json; readonly sdks: Python },
): Promise<readonly (readonly Got[])[]> {
  const [{ manager, sdk }] = rows as readonly [Kept];
  const keeper = keepers.get(manager) as Keeper;
  const reads = rows.map((row) => row.reads(row.place, profile).map(([read]) => read));
  const common = { PATH: `${folder}/bin:${process.env['PATH'] ?? ''}`, HOME: '/root' };
  const ended = await runPod(pod, {
    python: sdks.executable,
    secret: (name) => secrets.get(name) ?? written(name),
    image: (image) =>
      image === 'user'
        ? { command: [], env: { ...common, PYTHONPATH: sdks.packages(sdk) } }
        : {
            command: image === 'aws-sidecar' ? ['aws'] : [],
            env: { ...common, ...readable(keeper.env()), PYTHONPATH: sdks.packages('flytekit') },
          },
    stdin: JSON.stringify(reads.flat()),
    ...(profile === 'native' || keeper.agent === undefined ? {} : { agent: keeper.agent }),
  });
  expect(ended.err).not.toContain(CANARY);
  expect({ ...ended, out: '' }).toMatchObject({ container: 'task', code: 0 });
  const got = JSON.parse(ended.out) as Got[];
  return reads.map(({ length }) => got.splice(0, length));
}

/** Authorities where everybody may read them: not all containers are root. */
function readable(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { SSL_CERT_FILE: from } = env;
  if (from === undefined) return env;
  const copy = path.join(folder, 'ca.pem');
  copyFileSync(from, copy);
  chmodSync(copy, 0o644);
  return { ...env, SSL_CERT_FILE: copy };
}

function written(name: string): Record<string, Buffer> | undefined {
  const object = cluster.objects.get(secretPlace(NAMESPACE, name).path);
  if (object === undefined) return undefined;
  const data = Object.entries(object['data'] as Readonly<Record<string, string>>);
  return Object.fromEntries(data.map(([key, value]) => [key, Buffer.from(value, 'base64')]));
}
