// What the webhook adds to the creation of a pod at a real kube-apiserver.
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { SECRETS_LABEL } from '../../src/wire/flyte-names.ts';
import type { ApiServer } from '../real/_kube-apiserver.ts';
import { startApiServer } from '../real/_kube-apiserver.ts';
import { keepResults, machine } from './measure.ts';
import type { Contender } from './webhook-tools.ts';
import { median, openTools, reviewOf, startBeside, startWebhook } from './webhook-tools.ts';

const ROUNDS = 3;
const TURNS = 400;
const WARM_UP_TURNS = 100;
const SECRETS = [1, 10] as const;
const ADDED_MS_MAX = 1.5;
const NAMESPACE = 'proj-dev';

/** Values of the label by which the API server asks nobody, the plain handler, the webhook. */
const LABELS = ['none', 'plain', 'true'] as const;
type Label = (typeof LABELS)[number];

/** Medians; what is added is the median of the differences in one turn. */
interface Row {
  readonly secrets: number;
  readonly withoutMs: number;
  readonly withMs: number;
  readonly addedMs: number;
  readonly addedByPlainMs: number;
}

/**
 * The same pod is created with `dryRun` over one connection, in turn without a webhook, with the
 * handler that does the same work and nothing else (webhook-plain.ts: what any webhook on this
 * runtime adds, most of it in the API server), and with the webhook; the order changes from turn to
 * turn. That each was asked is seen in the answers: the pod has the volumes.
 */
export async function bench(): Promise<void> {
  const server = await startApiServer();
  if ('missing' in server) {
    console.log(`the overhead at an API server is not measured: ${server.missing}`);
    return;
  }
  const tools = openTools();
  const contenders: Contender[] = [];
  try {
    contenders.push(await startBeside('plain', tools));
    contenders.push(await startWebhook(tools, { settings: 'secretManagerTypes: [K8s]' }));
    const [plain, webhook] = contenders.map(({ url }) => url);
    await prepare(server, { plain, true: webhook }, readFileSync(tools.at('ca.crt')));
    console.log(`${machine()}; ${ROUNDS} rounds of ${TURNS} turns of dry-run creations\n`);
    const rows: Row[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      for (const secrets of SECRETS) rows.push(await measured(server, secrets));
    }
    const isMet = rows.every((one) => one.addedMs <= ADDED_MS_MAX);
    console.log(`at most ${ADDED_MS_MAX} ms more: ${isMet ? 'met' : 'NOT met'}`);
    keepResults('webhook-apiserver', { turns: TURNS, bar: { addedMsMax: ADDED_MS_MAX }, rows });
  } finally {
    for (const { kill } of contenders) kill();
    tools.remove();
    await server.stop();
  }
}

async function prepare(
  { admin }: ApiServer,
  urls: Readonly<Record<string, string | undefined>>,
  ca: Buffer,
): Promise<void> {
  await admin('POST', '/api/v1/namespaces', { metadata: { name: NAMESPACE } });
  const accounts = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`;
  await admin('POST', accounts, { metadata: { name: 'default' } });
  const webhooks = Object.entries(urls).map(([label, url = '']) => ({
    name: `${label}.bellhop.example`,
    clientConfig: { url: url.replace(/\?.*/, ''), caBundle: ca.toString('base64') },
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    failurePolicy: 'Fail',
    sideEffects: 'NoneOnDryRun',
    admissionReviewVersions: ['v1'],
    reinvocationPolicy: 'IfNeeded',
    objectSelector: { matchLabels: { [SECRETS_LABEL]: label } },
  }));
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
  await admin('POST', path, { metadata: { name: 'bench' }, webhooks });
}

async function measured(server: ApiServer, secrets: number): Promise<Row> {
  const create = openClient(server);
  const bodies = {
    none: podOf(secrets, 'none'),
    plain: podOf(secrets, 'plain'),
    true: podOf(secrets, 'true'),
  };
  const turns: Readonly<Record<Label, number>>[] = [];
  await untilAsked(() => create(bodies.true), secrets);
  for (let turn = -WARM_UP_TURNS; turn < TURNS; turn++) {
    const spent = { none: 0, plain: 0, true: 0 };
    for (let n = 0; n < LABELS.length; n++) {
      const label = LABELS[Math.abs(turn + n) % LABELS.length] ?? 'none';
      const { ms, text } = await timed(() => create(bodies[label]));
      if (volumesIn(text) !== (label === 'none' ? 0 : secrets)) {
        throw new Error(`a pod has not the volumes that it should have: ${text.slice(0, 300)}`);
      }
      spent[label] = ms;
    }
    if (turn >= 0) turns.push(spent);
  }
  const added = (label: Label): number => median(turns.map((one) => one[label] - one.none));
  const row = {
    secrets,
    withoutMs: median(turns.map(({ none }) => none)),
    withMs: median(turns.map((one) => one.true)),
    addedMs: added('true'),
    addedByPlainMs: added('plain'),
  };
  const [without, asked, more, byPlain] = [
    row.withoutMs,
    row.withMs,
    row.addedMs,
    row.addedByPlainMs,
  ];
  console.log(
    `${String(secrets).padStart(2)} secrets: without ${without.toFixed(2)} ms, with ${asked.toFixed(2)} ms: ` +
      `${more.toFixed(2)} ms more; by the plain handler ${byPlain.toFixed(2)} ms more`,
  );
  return row;
}

/** The API server sees a registration a moment after it was written. */
async function untilAsked(create: () => Promise<string>, secrets: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (volumesIn(await create()) !== secrets) {
    if (performance.now() > deadline) throw new Error('the API server does not ask the webhook');
    await Bun.sleep(50);
  }
}

function volumesIn(text: string): number {
  const { spec } = JSON.parse(text) as { readonly spec?: { readonly volumes?: readonly object[] } };
  return spec?.volumes?.length ?? 0;
}

function podOf(secrets: number, label: string): string {
  const groups = Array.from({ length: secrets }, (_, index) => `bench-${index}`);
  const review = JSON.parse(reviewOf(groups)) as {
    readonly request: { readonly object: { readonly metadata: { labels: object } } };
  };
  const { object } = review.request;
  object.metadata.labels = { ...object.metadata.labels, [SECRETS_LABEL]: label };
  const spec = { automountServiceAccountToken: false };
  const pod = object as unknown as { readonly spec: object };
  return JSON.stringify({ ...pod, spec: { ...pod.spec, ...spec } });
}

/** Sends over one connection, as what creates pods does. */
function openClient({ url, files }: ApiServer): (body: string) => Promise<string> {
  const [ca, cert, key] = [files.ca, files.cert, files.key].map((file) => readFileSync(file));
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca, cert, key });
  const at = `${url}/api/v1/namespaces/${NAMESPACE}/pods?dryRun=All`;
  return async (body) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const request = https.request(at, { method: 'POST', agent, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => resolve(Buffer.concat(parts).toString()));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
    return await promise;
  };
}

async function timed(
  work: () => Promise<string>,
): Promise<{ readonly ms: number; readonly text: string }> {
  const start = performance.now();
  const text = await work();
  return { ms: performance.now() - start, text };
}
