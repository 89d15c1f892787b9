/**
 * A stand-in for bellhop's runtime: `run [OPTION…] -- CMD…`. It does nothing but hand over, by the
 * launcher where there is one. Options: what to answer, how to fail, what to ask for before.
 */
import { mkdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { aloneHost } from '../../src/core/io/alone.ts';
import type { Host } from '../../src/core/io/host.ts';
import { launcherHost } from '../../src/core/io/launcher.ts';
import type { ExecDocument, Kernel } from '../../src/core/io/types.ts';
import { MS } from '../../src/core/io/types.ts';
import type { RelayFacts } from '../../src/relay/document.ts';
import { relayDocument } from '../../src/relay/document.ts';
import type { Metrics } from '../../src/wire/metrics.ts';

const variable = process.env['BELLHOP_LAUNCHER'];
const host = variable === undefined ? aloneHost() : launcherHost(variable);
const words = host.arrival.argv.map((word) => Buffer.from(word).toString('utf8'));
const dashes = words.indexOf('--');
const options = new Map(
  words.slice(1, dashes < 0 ? undefined : dashes).map((word): [string, string] => {
    const at = word.indexOf('=');
    return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
  }),
);

function numbers(name: string): number[] | undefined {
  const text = options.get(name);
  return text === undefined ? undefined : text.split(',').filter(Boolean).map(Number);
}

function pathOf({ arrival }: Host): Uint8Array {
  const entry = arrival.env.find((one) => Buffer.from(one).toString('latin1').startsWith('PATH='));
  return entry?.subarray(5) ?? Buffer.from('/usr/bin:/bin');
}

function text<Name extends string>(option: string, name: Name): { [key in Name]?: string } {
  const value = options.get(option);
  return (value === undefined ? {} : { [name]: value }) as { [key in Name]?: string };
}

function number<Name extends string>(option: string, name: Name): { [key in Name]?: number } {
  const [value] = numbers(option) ?? [];
  return (value === undefined ? {} : { [name]: value }) as { [key in Name]?: number };
}

function documentOf(): ExecDocument {
  const { argv, env } = host.arrival;
  const groups = numbers('--groups');
  const dropCapabilities = numbers('--drop');
  const path = options.get('--path');
  return {
    program: argv[dashes + 1] ?? new Uint8Array(),
    path: path === undefined ? pathOf(host) : Buffer.from(path),
    argv: argv.slice(dashes + 1).map((_, i) => ({ raw: dashes + 1 + i })),
    env: env.map((_, i) => ({ raw: i })),
    ...text('--cwd', 'cwd'),
    ...text('--root', 'root'),
    ...number('--uid', 'uid'),
    ...number('--gid', 'gid'),
    ...number('--umask', 'umask'),
    ...(groups === undefined ? {} : { groups }),
    ...(dropCapabilities === undefined ? {} : { dropCapabilities }),
    ...limits(),
    ...relay(),
    noNewPrivileges: options.has('--no-new-privs'),
    failure: {
      notFound: 'report: not found, {{why}}\n',
      notAllowed: 'report: not allowed, {{why}}\n',
      other: 'report: other, {{why}}\n',
    },
  };
}

/** `--relay={"statsd": …, "relay": …}`, as a plan has it. */
function relay(): Pick<ExecDocument, 'relay'> {
  const text = options.get('--relay');
  if (text === undefined) return {};
  const relay = relayDocument(JSON.parse(text) as Required<Metrics>, {
    templates: { job: 'a-job' },
    addresses: new Map(),
    ...looking(),
    report: (endpoint) => `report: ${endpoint}, {{why}}\n`,
    notStarted: 'report: no relay, {{why}}\n',
    failExit: 73,
  });
  return { relay };
}

/** `--look={"servers": [base64], "questions": [base64], "addresses": {name: address}}`. */
function looking(): Partial<RelayFacts> {
  const text = options.get('--look');
  if (text === undefined) return {};
  const { servers, questions, addresses, lookMs } = JSON.parse(text) as {
    servers: string[];
    questions: string[];
    addresses: Record<string, string>;
    lookMs: number;
  };
  const bytes = (all: string[]): Uint8Array[] => all.map((one) => Buffer.from(one, 'base64'));
  const look = { servers: bytes(servers), questions: bytes(questions) };
  return { look, addresses: new Map(Object.entries(addresses)), lookMs };
}

function limits(): Pick<ExecDocument, 'limits'> {
  const [resource, soft = 0, hard = 0] = numbers('--limit') ?? [];
  if (resource === undefined) return {};
  return { limits: [{ resource, soft: BigInt(soft), hard: BigInt(hard) }] };
}

function say(fields: Record<string, unknown>): void {
  writeSync(1, `${JSON.stringify(fields)}\n`);
}

/** Mounts a tmpfs for the program only, writes into it from here, tells what each step answered. */
function deliver(kernel: Kernel, target: string): void {
  const ids = { uid: numbers('--as')?.[0] ?? kernel.uid, gid: numbers('--as')?.[0] ?? kernel.gid };
  const entered = kernel.enterNamespaces(ids);
  const mounted = kernel.mount({
    source: 'tmpfs',
    target,
    type: 'tmpfs',
    flags: MS.noSuid | MS.noDev,
    data: 'mode=0755,size=65536',
  });
  let wrote = 'yes';
  try {
    mkdirSync(`${kernel.rootPrefix}${target}/folder`);
    writeFileSync(`${kernel.rootPrefix}${target}/folder/file`, 'delivered\n', { mode: 0o400 });
  } catch (error) {
    wrote = String(error);
  }
  const readOnly = kernel.mount({
    source: 'none',
    target,
    type: '',
    flags: MS.remount | MS.bind | MS.readOnly | MS.noSuid | MS.noDev,
    data: '',
  });
  const missing = kernel.unmount('/nowhere at all');
  say({ entered, mounted, wrote, readOnly, missing, seenByUs: readable(`${target}/folder/file`) });
}

function readable(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Requests no honest child sends; the launcher must refuse each and go on. */
function askNonsense(socket: number): void {
  const requests = [[], [0], [1, 0, 0, 0], [9, 0, 0, 0], [3, 0, 0, 0, 1], [2, 0, 0, 0, 0, 0, 0, 0]];
  const long = new Uint8Array(20_000).fill(1);
  const open = Uint8Array.from([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 65, 66]);
  const extra = Uint8Array.from([2, 0, 0, 0, 0, 0, 0, 0, 47, 0, 0]);
  const fs = process.getBuiltinModule('node:fs');
  const answers = [...requests.slice(1).map((one) => Uint8Array.from(one)), long, open, extra].map(
    (bytes) => {
      const answer = new Uint8Array(8);
      fs.writeSync(socket, bytes);
      return [...answer.subarray(0, fs.readSync(socket, answer))].slice(0, 4).join();
    },
  );
  say({ answers });
}

/** Opening the fifo for writing tells the test that we are at work; then we never end. */
function workForEver(fifo: string): never {
  writeFileSync(fifo, `${process.pid}\n`);
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
}

function sayFacts(): void {
  const { kind, uid, gid, execBytesMax, capabilities } = host.kernel;
  const facts = { kind, uid, gid, execBytesMax, capabilities: capabilities.toString(16) };
  const commandLine = readFileSync('/proc/self/cmdline', 'utf8').split('\0').slice(0, -1);
  const env = Object.keys(process.env).sort();
  say({ ...facts, cwdGone: host.cwdGone, words, env, commandLine });
}

function mountOnly(target: string): void {
  const request = { source: 'none', target, type: 'tmpfs', flags: 0, data: '' };
  say({ mounted: host.kernel.mount(request) });
}

function answerWithFile(file: string): never {
  writeSync(descriptors[2] ?? -1, readFileSync(file), 0, undefined, 0);
  return process.reallyExit(0);
}

const descriptors = (variable ?? '').split(':').map(Number);

/** In this order, each where its option is given. */
const ACTIONS: Record<string, (value: string) => unknown> = {
  '--facts': sayFacts,
  '--exit': (code) => host.quit(Number(code)),
  '--crash': (signal) => process.kill(process.pid, Number(signal)),
  '--silent': () => process.reallyExit(0),
  '--document': answerWithFile,
  '--deaf': () => process.on('SIGTERM', () => {}),
  '--ready': workForEver,
  '--nonsense': () => askNonsense(descriptors[3] ?? -1),
  '--tmpfs': (target) => deliver(host.kernel, target),
  '--mount-only': mountOnly,
};

for (const [name, action] of Object.entries(ACTIONS)) {
  const value = options.get(name);
  if (value !== undefined) action(value);
}
host.kernel.exec(documentOf());
