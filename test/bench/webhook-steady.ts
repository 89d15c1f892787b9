// Pods at a steady pace whose secrets nobody has read before, from a store that takes its time.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { keepResults, machine } from './measure.ts';
import type { Load, Tools } from './webhook-tools.ts';
import { load, openTools, reviewOf, startWebhook } from './webhook-tools.ts';

const ROUNDS = 3;
const ARRIVALS_A_SECOND = 100;
const SECONDS = 10;
/** So many pods after one another want the same secret: 200 secrets in all. */
const SAME = 5;
const P99_MS_MAX = 60;

interface Round extends Load {
  readonly storeRequests: number;
}

/**
 * 100 pods a second arrive for 10 seconds, whether those before are answered or not. Each wants a
 * secret of the manager Embedded as a file, 5 pods after one another the same: every 50 ms one that
 * is new, out of AWS Secrets Manager's API with 20 ms added to each answer. The webhook starts anew
 * for each round. Latency counts from when a pod was to arrive.
 */
export async function bench(): Promise<void> {
  const tools = openTools();
  try {
    const body = reviewOf(['any']).replace('"project":"proj"', '"project":"p@@@@@@"');
    writeFileSync(tools.at('body-steady'), body);
    console.log(
      `\n${machine()}; ${ARRIVALS_A_SECOND} pods a second for ${SECONDS} s, a store that takes 20 ms`,
    );
    const rounds: Round[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const seen = await oneRound(tools);
      rounds.push(seen);
      const times = [seen.p50Ms, seen.p99Ms, seen.maxMs].map((ms) => ms.toFixed(1));
      console.log(
        `${seen.requests} answered, ${seen.failed} failed, p50 / p99 / most: ${times.join(' / ')} ms, ` +
          `the store was asked ${seen.storeRequests} times`,
      );
    }
    const isMet = rounds.every((one) => one.failed === 0 && one.p99Ms <= P99_MS_MAX);
    console.log(`p99 of at most ${P99_MS_MAX} ms: ${isMet ? 'met' : 'NOT met'}`);
    keepResults('webhook-steady', {
      arrivalsASecond: ARRIVALS_A_SECOND,
      seconds: SECONDS,
      secrets: (ARRIVALS_A_SECOND * SECONDS) / SAME,
      bar: { p99MsMax: P99_MS_MAX },
      rounds,
    });
  } finally {
    tools.remove();
  }
}

async function oneRound(tools: Tools): Promise<Round> {
  const { at } = tools;
  const script = path.join(import.meta.dir, 'store-server.mjs');
  const store = Bun.spawn(['node', script, at('tls.key'), at('tls.crt')], { stdout: 'pipe' });
  const { value } = await store.stdout.getReader().read();
  const url = `https://localhost:${Number(Buffer.from(value ?? []).toString())}`;
  try {
    const webhook = await startWebhook(tools, {
      settings:
        'profile: flyte, secretManagerTypes: [Embedded], ' +
        'embeddedSecretManagerConfig: { type: AWS, awsConfig: { region: us-east-1 } }',
      variables: {
        AWS_ENDPOINT_URL: url,
        AWS_ACCESS_KEY_ID: 'AKIABENCH',
        AWS_SECRET_ACCESS_KEY: 'bench',
        AWS_CA_BUNDLE: at('ca.crt'),
      },
    });
    try {
      const how = ['open', 'body-steady', ARRIVALS_A_SECOND, SECONDS, SAME] as const;
      const seen = load(tools, webhook, how);
      const tls = { ca: await Bun.file(at('ca.crt')).text() };
      const asked = await fetch(`${url}/requests`, { tls });
      return { ...seen, storeRequests: Number(await asked.text()) };
    } finally {
      webhook.kill();
    }
  } finally {
    store.kill('SIGKILL');
  }
}
