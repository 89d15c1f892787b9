/** Inside a room with a root on disk: canaries in every placement, and every place searched. */
import { spawnSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { CANARY, DATA, FAILURES, SECRET, SEES, WHOLE, pod, text } from './_canary.ts';
import type { Ended, Mode } from './_start.ts';
import { PATH, cases, feed, start, words } from './_start.ts';

const FORMS: readonly Buffer[] = [
  Buffer.from(CANARY),
  Buffer.from(Buffer.from(CANARY).toString('base64').slice(0, -4)),
  Buffer.from(Buffer.from(CANARY).toString('hex')),
  Buffer.from(JSON.stringify(CANARY).slice(1, -1)),
  Buffer.from('zQx7zQx7'),
];
const MEMORY = new Set([0x01021994, 0x858458f6]);
const BELLHOP = '/dist/bellhop';

function formsIn(bytes: Uint8Array): boolean {
  return FORMS.some((form) => Buffer.from(bytes).includes(form));
}

function leaks(name: string, ended: Ended): string[] {
  const wrong: string[] = [];
  if (formsIn(Buffer.from(ended.stdout))) wrong.push(`${name}: the canary is in stdout`);
  if (formsIn(Buffer.from(ended.stderr)))
    wrong.push(`${name}: the canary is in stderr: ${ended.stderr}`);
  return wrong;
}

const HIDDEN = new Set([
  '/proc',
  '/usr',
  '/lib',
  '/lib64',
  '/bin',
  '/room',
  '/bun',
  '/dist',
  '/dev/null',
]);

function inFile(path: string): string[] {
  if (/(^|\/)core/.test(path)) return [`a core file: ${path}`];
  const isMemory = MEMORY.has(statfsSync(path).type);
  return !isMemory && formsIn(readFileSync(path)) ? [`on disk: ${path}`] : [];
}

/** Files that hold the canary and do not lie in memory; links and names are searched too. */
function onDisk(): string[] {
  const wrong: string[] = [];
  const walk = (path: string): void => {
    if (HIDDEN.has(path)) return;
    const stats = lstatSync(path);
    if (formsIn(Buffer.from(path))) wrong.push(`the canary is in the name ${path}`);
    if (stats.isSymbolicLink() && formsIn(Buffer.from(readlinkSync(path))))
      wrong.push(`in ${path}`);
    if (stats.isFile()) wrong.push(...inFile(path));
    if (!stats.isDirectory()) return;
    for (const one of readdirSync(path)) walk(path === '/' ? `/${one}` : `${path}/${one}`);
  };
  walk('/');
  const manifests = readdirSync('/dev/shm').flatMap((folder) =>
    readdirSync(`/dev/shm/${folder}`)
      .filter((one) => one.endsWith('.json'))
      .map((one) => `/dev/shm/${folder}/${one}`),
  );
  for (const one of manifests) if (formsIn(readFileSync(one))) wrong.push(`in the manifest ${one}`);
  return wrong;
}

function clear(): void {
  const script =
    'for p in /srv/* /srv/*; do ! mountpoint -q "$p" || umount "$p"; done; ' +
    'rm -rf /srv/* /dev/shm/* /var/lib/.bellhop-0';
  spawnSync('/bin/sh', ['-c', script], { env: { PATH } });
}

function ran(
  mode: Mode,
  more: readonly string[],
  environment: Record<string, string> = {},
): string[] {
  const ended = start(words(mode, [BELLHOP, 'run', '-f', '-', ...more]), {
    input: WHOLE,
    env: environment,
  });
  const wrong = [...leaks('run', ended), ...onDisk()];
  if (ended.code !== 0) wrong.push(`ended with ${ended.code}: ${ended.stderr}`);
  clear();
  return wrong;
}

function failed(mode: Mode, name: string): string[] {
  const [code, input, more = []] = FAILURES[name] ?? [0, ''];
  const wrong: string[] = [];
  for (const log of ['text', 'json']) {
    const argv = [BELLHOP, 'run', '-f', '-', '--log', log, ...more];
    const ended = start(words(mode, argv), { input, env: { BELLHOP_DEBUG: '1' } });
    if (ended.code !== code)
      wrong.push(`ended with ${ended.code}, not ${code}: ${ended.stderr.slice(0, 300)}`);
    wrong.push(...leaks(log, ended), ...onDisk());
    clear();
  }
  return wrong;
}

interface Held {
  readonly launcher: number;
  readonly runtime: number;
  readonly child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>;
}

/** Both processes while the runtime waits for the rest of its input, the Secret in hand. */
async function hold(mode: Mode, look: (held: Held) => void): Promise<Ended> {
  rmSync('/run/pipes', { recursive: true, force: true });
  mkdirSync('/run/pipes');
  spawnSync('mkfifo', ['/run/pipes/1', '/run/pipes/2'], { env: { PATH } });
  const argv = [BELLHOP, 'run', '-f', '/run/pipes/1', '-f', '/run/pipes/2'];
  const shell = ['sh', '-c', 'ulimit -c unlimited; exec "$@"', 'sh'];
  const child = Bun.spawn(words(mode, [...shell, ...argv]), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH },
    cwd: '/srv',
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  feed('/run/pipes/1', text(SECRET));
  const more = text(pod({ command: SEES }));
  try {
    feed('/run/pipes/2', more, () => {
      const runtime = Number(
        readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim(),
      );
      look({ launcher: child.pid, runtime, child });
    });
  } catch {
    // The reader is gone: that was the look's doing.
  }
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  rmSync('/run/pipes', { recursive: true });
  return { code, signal: String(child.signalCode), stdout, stderr };
}

async function lookAtProc(mode: Mode): Promise<string[]> {
  const wrong: string[] = [];
  const ended = await hold(mode, ({ launcher, runtime }) => {
    for (const pid of [launcher, runtime]) {
      for (const file of ['cmdline', 'environ', 'comm', 'maps', 'status']) {
        if (formsIn(readFileSync(`/proc/${pid}/${file}`)))
          wrong.push(`in ${file} of ${pid === runtime ? 'runtime' : 'launcher'}`);
      }
      const maps = readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n');
      const shared = maps.filter(
        (line) => /^\S+ .w.s/.test(line) && / \/(?!memfd:|dev\/shm\/)/.test(line),
      );
      wrong.push(...shared.map((line) => `a file is mapped for writing: ${line}`));
    }
    const limit = /^Max core file size\s+(\d+|unlimited)/m.exec(
      readFileSync(`/proc/${runtime}/limits`, 'utf8'),
    );
    if (limit?.[1] !== '1') wrong.push(`the runtime may dump ${limit?.[1]} bytes of core`);
    wrong.push(...onDisk());
  });
  if (ended.code !== 0) wrong.push(`ended with ${ended.code}: ${ended.stderr}`);
  clear();
  return [...wrong, ...leaks('run', ended)];
}

async function crash(mode: Mode, signal: NodeJS.Signals): Promise<string[]> {
  const ended = await hold(mode, ({ runtime }) => void process.kill(runtime, signal));
  const wrong = [...leaks(signal, ended), ...onDisk()];
  if (ended.code !== 70) wrong.push(`ended with ${ended.code}: ${ended.stderr}`);
  clear();
  return wrong;
}

async function terminate(mode: Mode): Promise<string[]> {
  const ended = await hold(mode, ({ child }) => child.kill('SIGTERM'));
  const there = readdirSync('/srv').join();
  clear();
  return [
    ...leaks('SIGTERM', ended),
    ...(ended.code === 143 ? [] : [`ended with ${ended.code}`]),
    ...(there === '' ? [] : [`left ${there}`]),
  ];
}

/** The signal comes somewhere in the work: whenever that is, all is there or nothing. */
async function terminateAnywhere(mode: Mode): Promise<string[]> {
  const wrong: string[] = [];
  for (let turn = 0; turn < 25; turn++) {
    const child = Bun.spawn(words(mode, [BELLHOP, 'run', '-f', '-', '--', '/bin/true']), {
      stdio: [Buffer.from(WHOLE), 'pipe', 'pipe'],
      env: { PATH },
      timeout: 20_000,
      killSignal: 'SIGKILL',
    });
    // Somewhere in the life of a start; where exactly, nothing depends on.
    for (const end = performance.now() + turn * 0.4 + 3; performance.now() < end; );
    child.kill('SIGTERM');
    const code = await child.exited;
    const there = ['creds', 'projected', 'one'].filter((one) => readdirSync('/srv').includes(one));
    const isWhole = there.length === 3 && readFileSync('/srv/creds/pw', 'utf8') === CANARY;
    const isEnd = code === 143 || code === 0 || child.signalCode === 'SIGTERM';
    if (!isEnd) wrong.push(`ended with ${code}`);
    if (there.length > 0 && !isWhole) wrong.push(`half of it is there: ${there.join()}`);
    clear();
  }
  return wrong;
}

function withoutMemory(): string[] {
  spawnSync('umount', ['/dev/shm'], { env: { PATH } });
  const argv = [BELLHOP, 'run', '-f', '-'];
  const refused = start(words('links', argv), { input: WHOLE });
  const wrong = [...leaks('refused', refused), ...onDisk()];
  if (refused.code !== 73 || !refused.stderr.includes('BH_ERR_NO_MEMORY'))
    wrong.push(`${refused.code} ${refused.stderr}`);
  if (readdirSync('/srv').length > 0) wrong.push('something was delivered');
  const mounted = start(words('mounts', argv), { input: WHOLE });
  if (mounted.code !== 0) wrong.push(`mounts: ${mounted.code} ${mounted.stderr}`);
  wrong.push(...onDisk());
  clear();
  writeFileSync('/run/settings.yaml', 'apiVersion: bellhop/v1\npolicy: { disk: allow }\n');
  const allowed = start(words('links', [...argv, '--config', '/run/settings.yaml']), {
    input: WHOLE,
  });
  if (allowed.code !== 0) wrong.push(`allowed: ${allowed.code} ${allowed.stderr}`);
  clear();
  return wrong;
}

function document(command: string, more: readonly string[]): string[] {
  const ended = start([BELLHOP, command, '-f', '-', ...more], {
    input: WHOLE,
    env: { BELLHOP_DEBUG: '1' },
  });
  return [
    ...leaks(command, ended),
    ...(ended.code === 0 ? [] : [`${ended.code} ${ended.stderr}`]),
    ...onDisk(),
  ];
}

const both = (name: string, work: (mode: Mode) => string[] | Promise<string[]>) =>
  Object.fromEntries(
    (['mounts', 'links'] as const).map((mode) => [`${mode}: ${name}`, () => work(mode)]),
  );

const results = await cases({
  'the canary is found where it is': () => {
    writeFileSync('/srv/x', `a ${DATA} b`);
    const seen = onDisk();
    rmSync('/srv/x');
    return seen.length === 1 ? [] : ['it was not found'];
  },
  ...both('a start that succeeds', (mode) => ran(mode, [])),
  ...both('a start that tells everything', (mode) =>
    ran(mode, ['--verbose', '--log', 'json'], { BELLHOP_DEBUG: '1' }),
  ),
  'the plan': () => document('plan', []),
  'the explanation': () => document('explain', []),
  ...Object.assign(
    {},
    ...Object.keys(FAILURES).map((name) => both(name, (mode) => failed(mode, name))),
  ),
  ...both('what /proc shows while the runtime works', lookAtProc),
  ...both('a runtime that aborts', (mode) => crash(mode, 'SIGABRT')),
  ...both('a runtime that crashes', (mode) => crash(mode, 'SIGSEGV')),
  ...both('SIGTERM before delivery ends with 143 and changes nothing', terminate),
  ...both('SIGTERM at any time: all or nothing', terminateAnywhere),
  'without a memory file system Secrets are refused or mounted': withoutMemory,
});
console.log(JSON.stringify(results));
