import { afterEach, describe, expect, test } from 'bun:test';
import { METRICS_PREFIX, openMetrics } from '../../src/webhook/metrics.ts';
import { makeCertificates } from '../core/_certificates.ts';
import { openClient, posted } from './_client.ts';
import { PATCHED, bodyWith, deciding } from './_reviews.ts';
import { CLOCK, endAll, serve, swappable } from './_server.ts';

const made = makeCertificates();
const mutate = deciding(PATCHED);
const CANARY = 'canary-51c0de';

afterEach(endAll);

async function get(port: number, path: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  return `${answer.status} ${answer.headers.get('content-type')} ${await answer.text()}`;
}
const TEXT = 'text/plain; charset=utf-8';

describe('the second port', () => {
  test('is alive, and ready', async () => {
    const { statusPort } = await serve({ certificates: swappable(made.good), mutate });
    expect(await get(statusPort, '/healthz')).toBe(`200 ${TEXT} ok\n`);
    expect(await get(statusPort, '/readyz?verbose')).toBe(`200 ${TEXT} ok\n`);
    expect(await get(statusPort, '/x')).toBe(`404 ${TEXT} 404 page not found\n`);
  });
  test('is not ready with a certificate that has ended, nor where others say so', async () => {
    const certificates = swappable(made.good, CLOCK.now() - 1);
    let why: string | undefined = 'the cache is cold';
    const more = { notReady: () => why };
    const { statusPort } = await serve({ certificates, mutate, more });
    expect(await get(statusPort, '/readyz')).toBe(`503 ${TEXT} the certificate has ended\n`);
    certificates.swap(made.good);
    expect(await get(statusPort, '/readyz')).toBe(`503 ${TEXT} the cache is cold\n`);
    why = undefined;
    expect(await get(statusPort, '/readyz')).toBe(`200 ${TEXT} ok\n`);
    expect(await get(statusPort, '/healthz')).toBe(`200 ${TEXT} ok\n`);
  });
  test('has the figures of the reviews so far', async () => {
    const server = await serve({ certificates: swappable(made.good), mutate });
    const client = openClient({ port: server.reviewsPort, ca: made.authority.cert });
    await client.send(posted(bodyWith(() => undefined)));
    await client.send(posted('xx'));
    server.figures.cacheRead(['embedded', 'hit'], 3);
    const text = await get(server.statusPort, '/metrics');
    client.close();
    expect(text.split('\n')[0]).toMatch(/^200 text\/plain; version=0\.0\.4; charset=utf-8 # HELP /);
    const has = (line: string): void => expect(text).toContain(`\n${METRICS_PREFIX}${line}\n`);
    has('reviews_total{outcome="patched",dry_run="false"} 1');
    has('reviews_total{outcome="refused",dry_run="false"} 1');
    has('reviews_total{outcome="denied",dry_run="false"} 0');
    has('secrets_total{manager="K8s"} 1');
    has('review_duration_seconds_count 2');
    has('review_duration_seconds_bucket{le="+Inf"} 2');
    has('reviews_in_flight 0');
    has('connections 1');
    has('certificate_not_after_seconds 4102444800');
    has('cache_reads_total{cache="embedded",result="hit"} 3');
  });
});

describe('figures as text', () => {
  test('buckets count what is below them too', () => {
    const metrics = openMetrics();
    const observe = metrics.histogram({ name: 'x', help: 'X.' }, [0.1, 1]);
    for (const value of [0.1, 0.5, 5]) observe(value);
    expect(metrics.render()).toBe(
      '# HELP bellhop_webhook_x X.\n# TYPE bellhop_webhook_x histogram\n' +
        'bellhop_webhook_x_bucket{le="0.1"} 1\nbellhop_webhook_x_bucket{le="1"} 2\n' +
        'bellhop_webhook_x_bucket{le="+Inf"} 3\nbellhop_webhook_x_sum 5.6\n' +
        'bellhop_webhook_x_count 3\n',
    );
  });
  test('labels are escaped, and their values have a limit', () => {
    const metrics = openMetrics();
    const count = metrics.counter({ name: 'x', help: 'a\nb', labels: ['l'] });
    count(['a"\\\n']);
    for (let index = 0; index < 1000; index++) count([`v${index}`]);
    const lines = metrics.render().trim().split('\n');
    expect(lines[0]).toBe('# HELP bellhop_webhook_x a\\nb');
    expect(lines[2]).toBe('bellhop_webhook_x{l="a\\"\\\\\\n"} 1');
    expect(lines).toHaveLength(2 + 501);
    expect(lines.at(-1)).toBe('bellhop_webhook_x{l="other"} 501');
  });
});

describe('the log', () => {
  const lineOf = async (change: (pod: Record<string, unknown>) => void): Promise<string> => {
    const server = await serve({ certificates: swappable(made.good), mutate });
    const client = openClient({ port: server.reviewsPort, ca: made.authority.cert });
    const body = bodyWith((review) => change((review['request'] as { object: never }).object));
    await client.send(posted(body));
    client.close();
    return server.said();
  };
  test('has one line a review: who, what, by whom, how long', async () => {
    const line = await lineOf(() => undefined);
    expect(JSON.parse(line)).toEqual({
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      level: 'info',
      what: 'review',
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      namespace: 'proj-dev',
      pod: 'bench',
      decision: 'patched',
      secrets: ['group:"bench" key:"k"'],
      by: ['K8s'],
      dryRun: false,
      durationMs: expect.any(Number),
    });
  });
  test('has one line whatever the pod is called, and nothing that terminals obey', async () => {
    const name = 'a\nb\r\u0000\u001b[31m\u0085\u2028\u2029\u202e"';
    const line = await lineOf((pod) => (pod['metadata'] = { name, namespace: 'n' }));
    // oxlint-disable-next-line no-control-regex -- that is what is looked for
    expect(line).toMatch(/^[\x20-\x7e]+\n$/);
    expect(JSON.parse(line)).toMatchObject({ pod: name, decision: 'unchanged' });
  });
  test('says the beginning of a name where there is no name', async () => {
    const line = await lineOf((pod) => (pod['metadata'] = { generateName: 'job-' }));
    expect(JSON.parse(line)).toMatchObject({ pod: 'job-' });
  });
  test('never has a value of the pod, nor what an error quotes', async () => {
    const canaries = bodyWith((review) => {
      const { object } = review['request'] as { object: Record<string, unknown> };
      Object.assign(object, { extra: CANARY });
      object['spec'] = { containers: [{ name: 'c', env: [{ name: 'E', value: CANARY }] }] };
    });
    const server = await serve({
      certificates: swappable(made.good),
      mutate: () => Promise.reject(new Error(CANARY)),
    });
    const client = openClient({ port: server.reviewsPort, ca: made.authority.cert });
    const wrong = bodyWith((review) => (review['request'] = { uid: 'u', object: CANARY }));
    const answers: string[] = [];
    for (const body of [canaries, wrong, `{"a": ${CANARY}}`, `${canaries}x`]) {
      answers.push((await client.send(posted(body))).body);
    }
    client.close();
    expect(server.said().trim().split('\n')).toHaveLength(4);
    expect(server.said() + answers.join('')).not.toContain(CANARY);
    expect(await get(server.statusPort, '/metrics')).not.toContain(CANARY);
  });
});
