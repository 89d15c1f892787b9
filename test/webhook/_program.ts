// A server of the webhook as a process of its own, which ends by signals. Prints its ports.
import { onEndSignal } from '../../src/core/io/signals.ts';
import { openLog } from '../../src/webhook/log.ts';
import { openMetrics } from '../../src/webhook/metrics.ts';
import { SERVER_DEFAULTS, startServer } from '../../src/webhook/server.ts';
import { mutateByK8s } from './_mutate.ts';
import { CLOCK, swappable } from './_server.ts';

const [cert = '', key = '', drainMs = '5000'] = process.argv.slice(2);
const free = { host: '127.0.0.1', port: 0 };
const server = await startServer({
  settings: { ...SERVER_DEFAULTS, reviews: free, status: free, drainMs: Number(drainMs) },
  mutate: mutateByK8s(),
  certificates: swappable({ cert: await Bun.file(cert).text(), key: await Bun.file(key).text() }),
  clock: CLOCK,
  log: openLog({ level: 'info', clock: CLOCK, write: (text) => void process.stderr.write(text) }),
  metrics: openMetrics(),
});
onEndSignal(() => server.end());
process.stdout.write(`${server.reviewsPort} ${server.statusPort}\n`);
await server.ended;
process.exit(0);
