/** Inside a room: everything by which a container could steer bellhop's runtime, tried on it. */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { PROTOCOL_VERSION } from '../../src/core/io/launcher-wire.ts';
import type { CaseResult } from './_case-kit.ts';
import type { Ended } from './_start.ts';
import { PATH, start } from './_start.ts';

const WORK = '/srv/work';
const TRACE = '/srv/trace';
/** Runs wherever a hook lets it. */
const EVIL = `require('node:fs').appendFileSync('${TRACE}', 'script\\n');`;

interface Hook {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
}

const script = { 'evil.js': EVIL, 'evil.cjs': EVIL };
const certificate = { 'ca.pem': 'no certificate' };

const HOOKS: Readonly<Record<string, Hook>> = {
  nothing: {},
  '.env': {
    files: { '.env': 'PATH=/evil\nEVIL=1\nBUN_OPTIONS=--preload=/srv/work/evil.js\n', ...script },
  },
  '.env.local and .env.production': {
    files: { '.env.local': 'EVIL=1\n', '.env.production': 'EVIL=1\n' },
  },
  'bunfig.toml': { files: { 'bunfig.toml': 'preload = ["./evil.js"]\n', ...script } },
  'tsconfig.json': {
    files: { 'tsconfig.json': '{"compilerOptions":{"paths":{"*":["./evil.js"]}}', ...script },
  },
  'package.json': {
    files: { 'package.json': '{"type":"commonjs","imports":{"#x":"./evil.js"}', ...script },
  },
  node_modules: {
    files: { 'node_modules/yaml/index.js': EVIL, 'node_modules/valibot/index.js': EVIL },
  },
  HOME: {
    env: { HOME: WORK, XDG_CONFIG_HOME: WORK },
    files: { '.bunfig.toml': 'preload = ["/srv/work/evil.js"]\n', '.npmrc': 'x', ...script },
  },
  TMPDIR: { env: { TMPDIR: `${WORK}/nowhere`, TEMP: WORK, BUN_TMPDIR: WORK } },
  BUN_OPTIONS: { env: { BUN_OPTIONS: `--preload=${WORK}/evil.js` }, files: script },
  BUN_BE_BUN: { env: { BUN_BE_BUN: '1' } },
  BUN_INSPECT: { env: { BUN_INSPECT: 'ws://127.0.0.1:1/x', BUN_INSPECT_NOTIFY: 'unix:///srv/x' } },
  'BUN_INSPECT that waits': { env: { BUN_INSPECT: 'ws://127.0.0.1:1/x?wait=1' } },
  BUN_INSPECT_PRELOAD: { env: { BUN_INSPECT_PRELOAD: `${WORK}/evil.js` }, files: script },
  BUN_CONFIG: {
    env: { BUN_CONFIG_VERBOSE_FETCH: 'curl', BUN_CONFIG_REGISTRY: 'http://127.0.0.1:1' },
  },
  BUN_RUNTIME_TRANSPILER_CACHE_PATH: {
    env: { BUN_RUNTIME_TRANSPILER_CACHE_PATH: `${WORK}/cache` },
  },
  BUN_DEBUG: { env: { BUN_DEBUG: `${WORK}/debug`, BUN_DEBUG_ALL: '1', BUN_DEBUG_QUIET_LOGS: '0' } },
  BUN_JSC: { env: { BUN_JSC_dumpOptions: '2', BUN_JSC_logGC: '2' } },
  BUN_JSC_noSuchOption: { env: { BUN_JSC_noSuchOption: '1' } },
  JSC: { env: { JSC_dumpOptions: '2' } },
  NODE_OPTIONS: {
    env: { NODE_OPTIONS: `--require=${WORK}/evil.cjs --inspect-brk` },
    files: script,
  },
  NODE_PATH: {
    env: { NODE_PATH: `${WORK}/lib`, NODE_DEBUG: 'fs', NODE_ENV: 'development' },
    files: { 'lib/fs.js': EVIL },
  },
  NODE_EXTRA_CA_CERTS: { env: { NODE_EXTRA_CA_CERTS: `${WORK}/ca.pem` }, files: certificate },
  'NODE_EXTRA_CA_CERTS of nowhere': { env: { NODE_EXTRA_CA_CERTS: '/nowhere.pem' } },
  NODE_TLS_REJECT_UNAUTHORIZED: { env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } },
  LD_PRELOAD: { env: { LD_PRELOAD: '/room/evil.so' } },
  LD_AUDIT: { env: { LD_AUDIT: '/room/evil.so' } },
  LD_LIBRARY_PATH: { env: { LD_LIBRARY_PATH: '/room/libraries' } },
  LD_DEBUG: { env: { LD_DEBUG: 'files', LD_DEBUG_OUTPUT: `${WORK}/ld` } },
  GLIBC_TUNABLES: { env: { GLIBC_TUNABLES: 'glibc.malloc.check=3:glibc.rtld.nns=1' } },
  MALLOC: { env: { MALLOC_CHECK_: '3', MALLOC_PERTURB_: '165', MALLOC_TRACE: `${WORK}/trace` } },
  BELLHOP_LAUNCHER: { env: { BELLHOP_LAUNCHER: `${PROTOCOL_VERSION}:0:1:2` } },
};

function lay(hook: Hook): void {
  rmSync(WORK, { recursive: true, force: true });
  rmSync(TRACE, { force: true });
  mkdirSync(WORK, { recursive: true });
  for (const [name, text] of Object.entries(hook.files ?? {})) {
    const path = `${WORK}/${name}`;
    mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
    writeFileSync(path, text);
  }
}

const tree = () => readdirSync(WORK, { recursive: true }).map(String).sort().join();

/** What the hook did to bellhop, one word each. */
function effects(argv: readonly string[], hook: Hook, clean: Ended): string[] {
  lay(hook);
  const before = tree();
  const env = { ...hook.env };
  const ended = start(argv, { env, cwd: WORK });
  const seen: string[] = [];
  const trace = existsSync(TRACE) ? readFileSync(TRACE, 'utf8').split('\n') : [];
  if (trace.some((line) => line !== '' && line !== 'probe')) seen.push('ran code');
  if (ended.code !== clean.code) seen.push(`ended with ${ended.code ?? ended.signal}`);
  if (ended.stderr !== clean.stderr) seen.push('spoke');
  // LD_DEBUG_OUTPUT is the program's too; its own files are those of its process.
  if (tree() !== before) seen.push('wrote files');
  const expected = argv.at(-1) === '/room/probe' ? given(env) : clean.stdout;
  if (arranged(ended.stdout) !== arranged(expected)) seen.push('changed what comes out');
  return seen;
}

/** The environment that the program must find, as the probe prints it. */
function given(env: Readonly<Record<string, string>>): string {
  const all = Object.entries({ PATH, ...env }).filter(([name]) => !name.startsWith('BELLHOP_'));
  return all.map(([name, value]) => `${name}=${value}\n`).join('');
}

const arranged = (lines: string) => lines.split('\n').sort().join('\n');

const [way = 'bellhop'] = process.argv.slice(2);
const program = `/dist/${way}`;
const commands: Readonly<Record<string, readonly string[]>> = {
  run: [program, 'run', '--', '/room/probe'],
  version: [program, 'version'],
};
const results: CaseResult[] = [];
for (const [command, argv] of Object.entries(commands)) {
  lay({});
  const clean = start(argv, { cwd: WORK });
  if (clean.code !== 0) throw new Error(`${command}: ${clean.code} ${clean.stderr}`);
  for (const [name, hook] of Object.entries(HOOKS)) {
    // The runtime alone waits for ever: it is on the list as BUN_*.
    if (name.endsWith('that waits') && way !== 'bellhop') continue;
    results.push({ name: `${command}: ${name}`, wrong: effects(argv, hook, clean) });
  }
}
console.log(JSON.stringify(results));
