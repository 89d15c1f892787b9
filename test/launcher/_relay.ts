/** Gateways that hear, and relays beside a program of these tests. */
import { createSocket } from 'node:dgram';
import { readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import type { Relay } from '../../src/wire/metrics.ts';
import { folder, recipeText, tools } from './_bench.ts';

/** What arrived, and a promise of when enough has. */
export interface Gateway {
  readonly address: string;
  readonly packets: string[];
  /** Resolves once `is` holds for the lines so far. */
  readonly until: (is: (lines: readonly string[]) => boolean) => Promise<readonly string[]>;
  readonly close: () => void;
}

interface Hearing extends Pick<Gateway, 'packets' | 'until'> {
  readonly take: (text: string) => void;
}

function listening(): Hearing {
  const packets: string[] = [];
  const waiting: (() => void)[] = [];
  const lines = (): string[] => packets.flatMap((one) => one.split('\n')).filter(Boolean);
  return {
    packets,
    take: (text) => {
      packets.push(text);
      for (const look of waiting) look();
    },
    until: async (is) => {
      const { promise, resolve } = Promise.withResolvers<readonly string[]>();
      const look = (): void => {
        const now = lines();
        if (is(now)) resolve(now);
      };
      waiting.push(look);
      look();
      return promise;
    },
  };
}

export async function udpGateway(port = 0): Promise<Gateway> {
  const { take, ...rest } = listening();
  const socket = createSocket('udp4');
  socket.on('message', (bytes) => take(bytes.toString('latin1')));
  await new Promise<void>((done) => socket.bind(port, '127.0.0.1', done));
  const address = `udp://127.0.0.1:${socket.address().port}`;
  return { ...rest, address, close: () => void socket.close() };
}

export async function tcpGateway(port = 0): Promise<Gateway> {
  const { packets, take, until } = listening();
  const server = net.createServer((socket) => {
    let kept = '';
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.on('data', (text: string) => {
      const whole = kept + text;
      const end = whole.lastIndexOf('\n') + 1;
      kept = whole.slice(end);
      if (end > 0) take(whole.slice(0, end));
    });
  });
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  const { port: bound } = server.address() as net.AddressInfo;
  const address = `tcp://127.0.0.1:${bound}`;
  return { packets, until, address, close: () => void server.close() };
}

/** The relay's own count of this name, over all that it has told. */
export function counted(lines: readonly string[], name: string): number {
  const found = lines.flatMap((one) => {
    return new RegExp(`^bellhop\\.relay\\.${name}:(\\d+)\\|c`).exec(one)?.slice(1) ?? [];
  });
  return found.reduce((sum, one) => sum + Number(one), 0);
}

/** A program that runs beside a relay. */
export interface Beside {
  readonly child: Bun.PipedSubprocess;
  /** What it prints, one chunk at a time. */
  readonly said: () => Promise<string>;
  /** The process that the program is. */
  readonly pid: () => Promise<number>;
}

export interface BesideOptions {
  readonly gateway: string;
  readonly relay: Partial<Relay>;
  readonly tags?: 'dogstatsd' | 'none';
  readonly flags?: readonly string[];
  readonly conditions?: readonly string[];
}

/** Starts the companion, with these words, beside a relay. */
export function beside(options: BesideOptions, words: readonly string[]): Beside {
  const { dir, launcher, starter } = tools();
  const relay: Relay = { listen: [], taken: 'fail', tags: {}, forward: [], ...options.relay };
  const metrics = { statsd: options.gateway, tags: options.tags ?? 'none', relay };
  const flags = [`--relay=${JSON.stringify(metrics)}`, ...(options.flags ?? [])];
  const argv = ['bellhop', 'run', ...flags, '--', path.join(dir, 'companion'), ...words];
  const recipe = path.join(folder('recipe'), 'recipe');
  const { conditions = [] } = options;
  writeFileSync(recipe, recipeText({ program: launcher, argv, conditions }));
  const child = Bun.spawn([starter, recipe], { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' });
  const reader = child.stdout.getReader();
  const said = async (): Promise<string> => {
    const { value } = await reader.read();
    return new TextDecoder().decode(value);
  };
  const pid = async (): Promise<number> => Number(/ready (\d+)/.exec(await said())?.[1]);
  return { child, said, pid };
}

/** The relay of a program: its only child that is called so. */
export function relayOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  const found = children.find(
    (one) => readFileSync(`/proc/${one}/comm`, 'utf8') === 'bellhop-relay\n',
  );
  if (found === undefined) throw new Error(`no relay among ${children.join(' ')}`);
  return Number(found);
}

/** What a process looks like from outside. */
export function aboutProcess(pid: number): Record<string, unknown> {
  const text = (name: string): string => readFileSync(`/proc/${pid}/${name}`, 'latin1');
  const fields = text('stat')
    .replace(/^.*\) /, '')
    .split(' ');
  const descriptors = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    return readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/\[\d+\]/, '');
  });
  return {
    'leads its group': Number(fields[2]) === pid,
    'leads its session': Number(fields[3]) === pid,
    cwd: readlinkSync(`/proc/${pid}/cwd`),
    words: text('cmdline').replaceAll('\0', ' ').trim(),
    environment: text('environ').replaceAll('\0', ''),
    holds: [...new Set(descriptors)].sort(),
    user: /^Uid:\s+(.*)$/m.exec(text('status'))?.[1],
  };
}

/** Connects to a stream of the relay; the promise is kept when the relay has ended. */
export async function endOf(socket: string): Promise<{ readonly ended: Promise<void> }> {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const connection = net.connect(socket);
  connection.on('error', () => undefined);
  connection.on('close', () => resolve());
  await new Promise<void>((done) => void connection.once('connect', done));
  return { ended };
}
