import { once } from 'node:events';
import { existsSync } from 'node:fs';
import net from 'node:net';
import { afterAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import path from 'node:path';
import { closedPort } from '../support/ports.ts';
import { folder, missing, removeTools, TIMEOUT_MS, tools } from './_bench.ts';
import { beside, udpGateway } from './_relay.ts';

/** What the relay makes of a line, said once more: where tags stand in it. */
function tagged(line: string, tags: string): string {
  const event = /^_e\{(\d+),(\d+)\}/.exec(line);
  const text = event === null ? 0 : event[0].length + 2 + Number(event[1]) + Number(event[2]);
  const [head, fields] = [line.slice(0, text), line.slice(text)];
  const message = line.startsWith('_sc') ? fields.indexOf('|m') : -1;
  const end = message < 0 ? fields.length : message;
  const found = /\|#[^|]*/.exec(fields.slice(0, end));
  if (found === null) return `${head}${fields.slice(0, end)}|#${tags}${fields.slice(end)}`;
  const at = found.index + found[0].length;
  return `${head}${fields.slice(0, at)},${tags}${fields.slice(at)}`;
}

describe.skipIf(missing !== undefined)('tags', () => {
  const lines = fc.oneof(
    fc.stringMatching(/^[a-z]{1,9}:[0-9]{1,4}\|(c|ms|g|d)(\|@0\.5)?(\|#[a-z:,]{0,12})?(\|c:id)?$/),
    fc.stringMatching(/^_sc\|[a-z]{1,5}\|[0-3](\|#[a-z:]{0,9})?(\|m:[a-z|#]{0,9})?$/),
    fc
      .tuple(fc.stringMatching(/^[a-z|#]{0,9}$/), fc.stringMatching(/^[a-z|#]{0,9}$/))
      .map(([title, text]) => `_e{${title.length},${text.length}}:${title}|${text}|#x:y|t:info`),
    fc.stringMatching(/^[!-~]{1,40}$/).filter((one) => !one.startsWith('_')),
  );
  test(
    'stand in each line where its format has them, whatever the line',
    async () => {
      const gateway = await udpGateway();
      const port = await closedPort();
      const relay = { listen: [`tcp://127.0.0.1:${port}`], tags: { job: '{job}' } };
      const options = { gateway: gateway.address, relay, tags: 'dogstatsd' } as const;
      const { child, pid } = beside(options, ['hold']);
      await pid();
      const sent = fc.sample(lines, { numRuns: 2000, seed: 20_261_122 });
      const sender = net.connect(port, '127.0.0.1');
      sender.end(sent.map((line) => `${line}\n`).join(''));
      const isOwn = (line: string): boolean => line.startsWith('bellhop.relay.');
      const seen = await gateway.until((all) => all.filter((one) => !isOwn(one)).length >= 2000);
      expect(seen.filter((one) => !isOwn(one))).toEqual(
        sent.map((line) => tagged(line, 'job:a-job')),
      );
      void child.stdin.end();
      await child.exited;
      gateway.close();
    },
    TIMEOUT_MS,
  );
});

test.skipIf(missing !== undefined)(
  'connections for which there is no room are closed, counted, and told',
  async () => {
    const gateway = await udpGateway();
    const port = await closedPort();
    const relay = { listen: [`tcp://127.0.0.1:${port}`] };
    const { child, pid } = beside({ gateway: gateway.address, relay }, ['hold']);
    await pid();
    const senders: net.Socket[] = [];
    const connect = async (): Promise<net.Socket> => {
      const sender = net.connect(port, '127.0.0.1');
      senders.push(sender);
      sender.on('error', () => undefined);
      await once(sender, 'connect');
      return sender;
    };
    for (let n = 0; n < 64; n++) (await connect()).write(`kept:${n}|c\n`);
    await gateway.until((all) => all.filter((one) => one.startsWith('kept:')).length >= 64);
    for (let n = 0; n < 3; n++) await once((await connect()).resume(), 'close');
    for (const sender of senders) sender.destroy();
    void child.stdin.end();
    await child.exited;
    const seen = await gateway.until((all) => all.some((one) => one.includes('dropped_packets')));
    expect(seen).toContain('bellhop.relay.dropped_packets:3|c');
    expect(seen.some((one) => one.includes('dropped_metrics'))).toBe(false);
    gateway.close();
  },
  TIMEOUT_MS,
);

describe.skipIf(missing !== undefined)('other ports', () => {
  test(
    'a TCP port is passed on in both directions, and half of it may be closed',
    async () => {
      const server = net.createServer({ allowHalfOpen: true }, (socket) => {
        let whole = '';
        socket.on('data', (bytes) => (whole += bytes.toString()));
        socket.on('end', () => socket.end(`heard ${whole.length}`));
      });
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      const to = `tcp://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
      const port = await closedPort();
      const forward = [{ listen: `tcp://127.0.0.1:${port}`, to }];
      const gateway = await udpGateway();
      const { child, pid } = beside({ gateway: gateway.address, relay: { forward } }, ['hold']);
      await pid();
      const client = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      client.end('x'.repeat(300_000));
      const answer = await new Response(client as never).text();
      expect(answer).toBe('heard 300000');
      void child.stdin.end();
      await child.exited;
      server.close();
      gateway.close();
    },
    TIMEOUT_MS,
  );

  test(
    'datagrams to a socket file, as syslog is written, go on over UDP',
    async () => {
      const syslog = await udpGateway();
      const datagrams = path.join(folder('syslog'), 'log');
      const forward = [{ listen: `unixgram://${datagrams}`, to: syslog.address }];
      const gateway = await udpGateway();
      const words = ['send', datagrams, '3'];
      const { child } = beside({ gateway: gateway.address, relay: { forward } }, words);
      await child.exited;
      await syslog.until(() => syslog.packets.length === 3);
      expect(syslog.packets).toEqual(['metric.0:1|c', 'metric.1:1|c', 'metric.2:1|c']);
      gateway.close();
      syslog.close();
    },
    TIMEOUT_MS,
  );
});

test.skipIf(missing !== undefined)(
  'where nothing but a port is passed on, nothing of the relay itself goes there',
  async () => {
    const syslog = await udpGateway();
    const datagrams = path.join(folder('syslog'), 'log');
    const metrics = {
      tags: 'none',
      relay: {
        listen: [],
        taken: 'fail',
        tags: {},
        forward: [{ listen: `unixgram://${datagrams}`, to: syslog.address }],
      },
    };
    const { dir, launcher } = tools();
    const flags = ['run', `--relay=${JSON.stringify(metrics)}`, '--'];
    const words = [path.join(dir, 'companion'), 'send', datagrams, '9'];
    const child = Bun.spawn([launcher, ...flags, ...words], { stderr: 'inherit' });
    expect(await child.exited).toBe(0);
    await syslog.until(() => syslog.packets.length === 9);
    // Had it told its counts, they would have come before the socket file is gone.
    while (existsSync(datagrams)) await new Promise((done) => void setImmediate(done));
    expect(syslog.packets.every((one) => one.startsWith('metric.'))).toBe(true);
    syslog.close();
  },
  TIMEOUT_MS,
);

afterAll(removeTools);
