/** The fault and kill loops, inside a room: `faults STRATEGY ERRNO`, `double …`, `kills …`. */
import { POD, WORKING_DIR } from './_pod.ts';
import type { Plan, Strategy } from './_room.ts';
import { GHOST, again, cleanUp, snapshot, tryDelivery, unlike } from './_room.ts';

const [mode = '', word = 'links', ...rest] = process.argv.slice(2);
const strategy = word as Strategy;

/** What opens files or folders is what runs out of descriptors. */
const OPENS = new Set(['read', 'write', 'list']);
/** Alone, where nothing is to be undone. */
const ALL = 10_000;

export interface LoopResult {
  readonly operations: number;
  readonly wrong: readonly string[];
}

function whole(by: Strategy, options: { plan?: Plan } = {}) {
  return tryDelivery(by, POD, { ...options, pid: GHOST, workingDir: WORKING_DIR });
}

if (mode === 'kill') killSelf(Number(rest[0]));
const before = snapshot();

function complete(by: Strategy): Map<string, string> {
  const done = whole(by);
  if (done.how !== by) throw new Error(`not delivered: ${done.error ?? done.how}`);
  const seen = snapshot();
  cleanUp();
  const left = unlike(before, snapshot());
  if (left.length > 0) throw new Error(`not clean: ${left.join('\n')}`);
  return seen;
}

const expected = { mounts: complete('mounts'), links: complete('links') };

/** What is there after a failure must be all or nothing. */
function judge(name: string, done: ReturnType<typeof whole>, wrong: string[]): void {
  const how = done.how === 'mounts' || done.how === 'links' ? done.how : undefined;
  const differs = unlike(how === undefined ? before : expected[how], snapshot());
  if (differs.length > 0)
    wrong.push(`${name} (${done.error ?? done.how}):\n  ${differs.join('\n  ')}`);
}

function reset(name: string, wrong: string[]): void {
  cleanUp();
  const left = unlike(before, snapshot());
  if (left.length > 0) wrong.push(`${name}, cleaned:\n  ${left.join('\n  ')}`);
}

function faults(errno: string): LoopResult {
  const wrong: string[] = [];
  let n = 1;
  for (; n < ALL && wrong.length < 5; n++) {
    let hit = false;
    let seen = '';
    const plan: Plan = (count, operation) => {
      if (count !== n) return undefined;
      seen = operation;
      hit = errno !== 'EMFILE' || OPENS.has(operation);
      return hit ? errno : undefined;
    };
    const done = whole(strategy, { plan });
    if (hit || done.how === undefined) judge(`operation ${n} (${seen}) with ${errno}`, done, wrong);
    if (done.how !== undefined) reset(`operation ${n}`, wrong);
    if (seen === '') break;
  }
  return { operations: n - 1, wrong };
}

/** The undo fails too: at its `second`th operation, or from there on for good. */
function doubleFaults(kind: string): LoopResult {
  const wrong: string[] = [];
  let n = 1;
  for (; n < ALL && wrong.length < 5; n++) {
    let reached = false;
    const plan: Plan = (count) => {
      if (count === n) reached = true;
      const fails = kind === 'all' ? count >= n : count === n || count === n + Number(kind);
      return fails ? 'EIO' : undefined;
    };
    whole(strategy, { plan });
    const name = `operation ${n}, then ${kind}`;
    const done = whole(strategy);
    if (done.how !== strategy) wrong.push(`${name}: ${done.error ?? done.how}`);
    judge(name, done, wrong);
    reset(name, wrong);
    if (!reached) break;
  }
  return { operations: n - 1, wrong };
}

/** Every `step`th operation is a process's last; the next start finds what it left. */
function kills(first: number, step: number): LoopResult {
  const wrong: string[] = [];
  let n = first;
  for (; n < ALL && wrong.length < 5; n += step) {
    const child = again('kill', strategy, String(n));
    const name = `killed at operation ${n}`;
    const done = whole(strategy);
    judge(name, done, wrong);
    reset(name, wrong);
    if (child.signal !== 'SIGKILL') {
      if (child.code !== 0) wrong.push(`${name}: ended with ${child.code}`);
      break;
    }
  }
  return { operations: n, wrong };
}

function killSelf(n: number): never {
  tryDelivery(strategy, POD, {
    pid: process.pid,
    workingDir: WORKING_DIR,
    plan: (count) => {
      if (count === n) process.kill(process.pid, 'SIGKILL');
      return undefined;
    },
  });
  process.exit(0);
}

const [one = '', two = '1'] = rest;
const result =
  mode === 'faults'
    ? faults(one)
    : mode === 'double'
      ? doubleFaults(one)
      : kills(Number(one), Number(two));
console.log(JSON.stringify(result));
