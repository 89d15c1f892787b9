// `bellhop relay`: the launcher's own process is the relay, in the foreground.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'bun:test';
import { built } from '../support/built.ts';
import { closedPort } from '../support/ports.ts';
import { folder, missing, removeTools, TIMEOUT_MS } from './_bench.ts';
import { tcpGateway, udpGateway } from './_relay.ts';

afterAll(removeTools);

/** Starts it with this section `metrics`; it listens once it is called so. */
function started(metrics: object, more: readonly string[] = []) {
  const settings = path.join(folder('relay-alone'), 'bellhop.yaml');
  writeFileSync(settings, JSON.stringify({ apiVersion: 'bellhop/v1', metrics }));
  const words = [built().bellhop, 'relay', '-c', settings, ...more];
  const child = Bun.spawn(words, { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
  const listens = async (): Promise<void> => {
    while (readFileSync(`/proc/${child.pid}/comm`, 'utf8') !== 'bellhop-relay\n') {
      if (child.exitCode !== null) throw new Error(await new Response(child.stderr).text());
      await new Promise((done) => void setImmediate(done));
    }
  };
  return { child, listens };
}

async function send(port: number, lines: readonly string[]): Promise<void> {
  const socket = createSocket('udp4');
  for (const line of lines) {
    await new Promise<void>((done) => socket.send(line, port, '127.0.0.1', () => done()));
  }
  socket.close();
}

/** As many as a socket holds whose reader gets no processor. */
const LINES = Array.from({ length: 100 }, (_, index) => `metric.${index}:1|c`);

describe.skipIf(missing !== undefined)('bellhop relay', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const)(
    '%s: what it has is sent, its counts are told, and it ends with 0',
    async (signal) => {
      const gateway = await tcpGateway();
      const port = await closedPort();
      const relay = { listen: [`udp://127.0.0.1:${port}`], tags: {} };
      const { child, listens } = started({ statsd: gateway.address, relay });
      await listens();
      await send(port, LINES);
      child.kill(signal);
      expect(await child.exited).toBe(0);
      const lines = await gateway.until((all) => all.some((one) => one.startsWith('bellhop.')));
      expect([...lines]).toEqual([...LINES, `bellhop.relay.metrics:${LINES.length}|c`]);
      expect(await new Response(child.stderr).text()).toBe('');
      gateway.close();
    },
    TIMEOUT_MS,
  );

  test(
    'the runtime is gone once it listens: one process of less than 256 KiB, without its words',
    async () => {
      const gateway = await udpGateway();
      const relay = { listen: [`udp://127.0.0.1:${await closedPort()}`] };
      const { child, listens } = started({ statsd: gateway.address, relay });
      await listens();
      const of = (name: string): string => readFileSync(`/proc/${child.pid}/${name}`, 'utf8');
      expect(of(`task/${child.pid}/children`).trim()).toBe('');
      expect(Number(/VmRSS:\s+(\d+) kB/.exec(of('status'))?.[1])).toBeLessThan(256);
      expect(of('cmdline').replaceAll('\0', '')).toBe('bellhop relay');
      expect(of('environ').replaceAll('\0', '')).toBe('');
      child.kill();
      expect(await child.exited).toBe(0);
      gateway.close();
    },
    TIMEOUT_MS,
  );

  test(
    'tags are those of the pod, and its socket file goes with it',
    async () => {
      const gateway = await udpGateway();
      const dir = folder('relay-pod');
      const pod = path.join(dir, 'pod.yaml');
      const spec = { containers: [{ name: 'main', image: 'i', command: ['true'] }] };
      const metadata = { name: 'train', namespace: 'ml' };
      writeFileSync(pod, JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec }));
      const socket = path.join(dir, 'deep', 'dsd.socket');
      const port = await closedPort();
      const listen = [`unixgram://${socket}`, `udp://127.0.0.1:${port}`];
      const tags = { job: '{job}', ns: '{namespace}', container: '{container}' };
      const metrics = { statsd: gateway.address, relay: { listen, tags } };
      const { child, listens } = started(metrics, ['-f', pod]);
      await listens();
      expect(existsSync(socket)).toBe(true);
      await send(port, ['one:1|c']);
      const lines = await gateway.until((all) => all.length > 0);
      expect(lines[0]).toBe('one:1|c|#job:train,ns:ml,container:main');
      child.kill();
      expect(await child.exited).toBe(0);
      expect(existsSync(socket)).toBe(false);
      gateway.close();
    },
    TIMEOUT_MS,
  );

  test(
    'without a pod what only a pod says is in no tag',
    async () => {
      const gateway = await udpGateway();
      const port = await closedPort();
      const tags = { job: '{job}', ns: '{namespace}', team: 'vision' };
      const relay = { listen: [`udp://127.0.0.1:${port}`], tags };
      const { child, listens } = started({ statsd: gateway.address, relay });
      await listens();
      await send(port, ['one:1|c']);
      expect(await gateway.until((all) => all.length > 0)).toEqual(['one:1|c|#team:vision']);
      child.kill();
      expect(await child.exited).toBe(0);
      gateway.close();
    },
    TIMEOUT_MS,
  );

  test(
    'a gateway that takes nothing does not keep it from ending',
    async () => {
      const port = await closedPort();
      const relay = { listen: [`udp://127.0.0.1:${port}`] };
      const { child, listens } = started({
        statsd: `tcp://127.0.0.1:${await closedPort()}`,
        relay,
      });
      await listens();
      await send(port, LINES);
      child.kill();
      expect(await child.exited).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    'a port that is taken ends it, whatever `taken` says',
    async () => {
      const gateway = await udpGateway();
      const relay = { listen: [gateway.address], taken: 'warn' };
      const { child } = started({ statsd: 'udp://127.0.0.1:9', relay });
      expect(await child.exited).toBe(73);
      const said = await new Response(child.stderr).text();
      expect(said).toContain(
        `metrics.relay: cannot listen at ${gateway.address} (bind: EADDRINUSE`,
      );
      expect(said).toContain('code: BH_ERR_RELAY (exit 73)');
      gateway.close();
    },
    TIMEOUT_MS,
  );

  test('without metrics.relay there is nothing to relay', async () => {
    const { child } = started({ statsd: 'udp://127.0.0.1:9' });
    expect(await child.exited).toBe(78);
    expect(await new Response(child.stderr).text()).toContain('metrics.relay: is not set');
  });

  test('without the launcher there is none', async () => {
    const settings = path.join(folder('relay-none'), 'bellhop.yaml');
    const metrics = { statsd: 'udp://127.0.0.1:9', relay: {} };
    writeFileSync(settings, JSON.stringify({ apiVersion: 'bellhop/v1', metrics }));
    const words = [`${built().bellhop}-runtime`, 'relay', '-c', settings];
    const child = Bun.spawn(words, { stderr: 'pipe' });
    expect(await child.exited).toBe(73);
    const said = await new Response(child.stderr).text();
    expect(said).toContain('metrics.relay: there is no relay without the launcher');
  });
});
