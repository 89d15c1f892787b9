// A definition and the request that runs it, each adapted or not: what the program is given is what
// the platform would have given it, were there no caps. The platforms here only lay one request
// over the other; what they start is the built executable.
import { afterAll, describe, expect, test } from 'bun:test';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { built } from '../support/built.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-over-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const { bellhop } = built();
const SHOW = path.join(folder, 'show');
writeFileSync(SHOW, '#!/bin/sh\nprintf "%s\\0" "$@"\nprintf "==\\0"\ncat "/proc/$$/environ"\n');
chmodSync(SHOW, 0o755);

type Pair = { readonly name: string; readonly value: string };
/** The part of both requests that is laid over each other. */
interface Part {
  readonly entryPoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: readonly Pair[];
}
interface Platform {
  readonly target: string;
  readonly definition: (part: Part) => object;
  readonly run: (part: Part) => object;
  readonly ofDefinition: (request: never) => Part;
  readonly ofRun: (request: never) => Part;
}

const ECS: Platform = {
  target: 'ecs',
  definition: (part) => ({
    family: 'family',
    containerDefinitions: [{ name: 'main', image: 'image', memory: 512, ...part }],
  }),
  run: (part) => ({
    taskDefinition: 'family',
    overrides: { containerOverrides: [{ name: 'main', ...part }] },
  }),
  ofDefinition: (one: { containerDefinitions: Part[] }) => one.containerDefinitions[0] ?? {},
  ofRun: (one: { overrides: { containerOverrides: Part[] } }) => {
    return one.overrides.containerOverrides[0] ?? {};
  },
};
const BATCH: Platform = {
  target: 'aws-batch',
  definition: (part) => ({
    jobDefinitionName: 'job',
    type: 'container',
    containerProperties: { image: 'image', ...part },
  }),
  run: (part) => ({
    jobName: 'job-1',
    jobQueue: 'queue',
    jobDefinition: 'job',
    containerOverrides: part,
  }),
  ofDefinition: (one: { containerProperties: Part }) => one.containerProperties,
  ofRun: (one: { containerOverrides: Part }) => one.containerOverrides,
};

/** What the platform starts, of the request that runs a definition. */
function started(definition: Part, run: Part, image: readonly string[]) {
  const head = definition.entryPoint ?? image;
  const both = [...(definition.environment ?? []), ...(run.environment ?? [])];
  return {
    argv: [...head, ...(run.command ?? definition.command ?? [])],
    env: Object.fromEntries(both.map(({ name, value }) => [name, value])),
  };
}

const BY_BELLHOP = ['bellhop', 'run', '--'];

/** The program that bellhop is asked to start, and what it sees. */
function seen({ argv, env }: ReturnType<typeof started>) {
  const [program = '', ...words] = argv;
  const done = Bun.spawnSync([program === 'bellhop' ? bellhop : program, ...words], {
    cwd: folder,
    env,
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const err = done.stderr.toString();
  if (done.exitCode !== 0) return { err };
  const texts = done.stdout.toString().split('\0');
  const middle = texts.indexOf('==');
  const pairs = texts.slice(middle + 1, -1).map((one) => {
    return [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)];
  });
  const saw = Object.fromEntries(pairs) as Record<string, string>;
  return { argv: texts.slice(0, middle), env: digests(saw), err };
}

/** The request as it is sent; a legal one is the same bytes. */
function adapted(target: string, request: object, submit: object): object {
  const settings = {
    apiVersion: 'bellhop/v1',
    stores: { here: { kind: 'file', folder } },
    submit: { spill: 'here:spill', ...submit },
  };
  const file = path.join(folder, 'bellhop.yaml');
  writeFileSync(file, JSON.stringify(settings));
  const text = JSON.stringify(request);
  const words = ['adapt', target, '-c', file, '--image-entrypoint', '[]'];
  const done = Bun.spawnSync([bellhop, ...words], {
    cwd: folder,
    stdin: Buffer.from(text),
    env: { PATH: '/usr/bin:/bin' },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  expect([done.exitCode, done.stderr.toString()]).toEqual([0, '']);
  const out = done.stdout.toString();
  if (out !== text) expect(out).toContain('BELLHOP_');
  return JSON.parse(out) as object;
}

/** Names and the digests of values: a difference is to be readable. */
const digests = (env: Readonly<Record<string, string>>) =>
  Object.entries(env)
    .map(([name, value]) => `${name}=${Bun.hash(value)}`)
    .toSorted();

const CANARY = 'canary-9c41';

/** Variables that fit, that are over every cap, and that no plan in a request holds. */
function variables(prefix: string, size: 'few' | 'many' | 'random'): Pair[] {
  const odd = {
    'my.key': '$(A) ${A} $$',
    EMPTY: '',
    LINES: 'a\né "b"\\',
    A: `${CANARY} ${prefix}`,
  };
  const value = (n: number): string => {
    if (size === 'many') return `${n} `.repeat(400);
    return Buffer.from(crypto.getRandomValues(new Uint8Array(600))).toString('base64');
  };
  const count = size === 'few' ? 0 : 100;
  const many = Array.from({ length: count }, (_, n): [string, string] => {
    return [`${prefix}_${n}`, value(n)];
  });
  const all = [...Object.entries(odd), [prefix, prefix] as const, ...many];
  return all.map(([name, text]) => ({ name, value: text }));
}

const SIZES = ['few', 'many', 'random'] as const;
const WORDS: Readonly<Record<string, readonly string[] | undefined>> = {
  none: undefined,
  some: [SHOW, 'of the run', '$(A)', '--', '--help'],
  large: [SHOW, 'of the run', 'w'.repeat(9000)],
};
/** Behind a definition's entrypoint the program is there already. */
const behind = (words: readonly string[] | undefined) => words?.slice(1);

type Way = { readonly name: string; readonly of: Platform; readonly startedBy: string };
const WAYS: readonly Way[] = [
  { name: 'ECS, an image of bellhop', of: ECS, startedBy: 'image' },
  { name: 'ECS, definitions that start it', of: ECS, startedBy: 'request' },
  { name: 'Batch, an image of bellhop', of: BATCH, startedBy: 'image' },
  { name: 'Batch, definitions that start it', of: BATCH, startedBy: 'request' },
];

/** A definition whose author has bellhop start it where bellhop itself would not see to it. */
function definitionFor({ of, startedBy }: Way, own: Part, isLegal: boolean): Part {
  if (startedBy === 'image' || !isLegal) return own;
  if (of === ECS) return { ...own, entryPoint: [...BY_BELLHOP, ...(own.entryPoint ?? [])] };
  return { ...own, command: [...BY_BELLHOP, ...(own.command ?? [])] };
}

describe.each([...WAYS])('$name', (way) => {
  const { of, startedBy } = way;
  const isBehind = of === ECS && startedBy === 'request';
  const image = startedBy === 'image' ? BY_BELLHOP : [];
  const submit = { startedBy };

  function outcome(own: Part, run: Part) {
    const isLegal = (own.environment ?? []).length < 20;
    const wanted = started(own, run, []);
    const definition = of.definition(definitionFor(way, own, isLegal));
    const made = of.ofDefinition(adapted(of.target, definition, submit) as never);
    const asked = of.ofRun(adapted(of.target, of.run(run), submit) as never);
    const { err, ...saw } = seen(started(made, asked, image));
    expect(err).not.toContain(CANARY);
    return {
      saw: { ...saw, err },
      wanted: { argv: wanted.argv.slice(1), env: digests(wanted.env), err: '' },
    };
  }

  const rows = SIZES.flatMap((own) => {
    return SIZES.flatMap((run) => Object.keys(WORDS).map((words) => [own, run, words] as const));
  });
  // Words of a legal run are all that Batch starts: bellhop is not among them.
  const isPassedBy = of === BATCH && startedBy === 'request';
  const judged = rows.filter(([, run, words]) => {
    return !isPassedBy || run !== 'few' || words !== 'some';
  });
  test.each(judged)('%s variables of the definition, %s of the run, %s words', (...row) => {
    const [ownSize, runSize, which] = row;
    const own: Part = isBehind
      ? { entryPoint: [SHOW], command: ['own', '$(A)', ''] }
      : { command: [SHOW, 'own', '$(A)'] };
    const command = isBehind ? behind(WORDS[which]) : WORDS[which];
    const environment = variables('RUN', runSize);
    const { saw, wanted } = outcome(
      { ...own, environment: variables('OWN', ownSize) },
      { environment, ...(command === undefined ? {} : { command }) },
    );
    expect(saw).toEqual(wanted);
  });
});

describe('what stays different', () => {
  const submit = { startedBy: 'request' };
  const environment = variables('OWN', 'random');
  const last = environment.at(-1)?.name ?? '';
  const over: Part = { environment: ['A', last].map((name) => ({ name, value: 'of the run' })) };
  test('a variable that has no room in a definition counts over a legal run, others do not', () => {
    const own: Part = { entryPoint: [SHOW], command: ['own'], environment };
    const made = ECS.ofDefinition(adapted('ecs', ECS.definition(own), submit) as never);
    const { env = [] } = seen(started(made, over, []));
    const of = new Map(env.map((one) => one.split('=') as [string, string]));
    expect(of.get('A')).toBe(String(Bun.hash('of the run')));
    expect(of.get(last)).toBe(String(Bun.hash(environment.at(-1)?.value ?? '')));
  });
  test('nor does one of a run that is adapted count less', () => {
    const own: Part = { entryPoint: [SHOW], command: ['own'], environment };
    const made = ECS.ofDefinition(adapted('ecs', ECS.definition(own), submit) as never);
    const run = {
      environment: [...(over.environment ?? []), ...variables('RUN', 'random').slice(4)],
    };
    const asked = ECS.ofRun(adapted('ecs', ECS.run(run), submit) as never);
    const { env = [] } = seen(started(made, asked, []));
    expect(env).toContain(`${last}=${Bun.hash('of the run')}`);
  });
});

describe('a start with overrides that cannot be carried out', () => {
  const made = adapted('ecs', ECS.run({ environment: variables('RUN', 'many') }), {
    startedBy: 'image',
  });
  const { env } = started({}, ECS.ofRun(made as never), []);
  const run = (more: Readonly<Record<string, string>>, words: readonly string[] = [SHOW]) => {
    return Bun.spawnSync([bellhop, 'run', '--', ...words], {
      env: { ...env, ...more },
      stdout: 'pipe',
      stderr: 'pipe',
    });
  };
  const BAD = 'sha256:00';
  const HERE = JSON.stringify({ here: { kind: 'file', folder } });
  const ROWS: readonly (readonly [string, Readonly<Record<string, string>>, readonly string[]])[] =
    [
      ['another digest', { BELLHOP_OVERRIDES_DIGEST: BAD }, ['BELLHOP_OVERRIDES_DIGEST says']],
      [
        'a part that is not there',
        { BELLHOP_OVERRIDES: 'inline:9' },
        ['there is no BELLHOP_OVERRIDES_'],
      ],
      ['parts and no pointer', { BELLHOP_OVERRIDES: '' }, ['BELLHOP_OVERRIDES: is not set']],
      ['no digest', { BELLHOP_OVERRIDES_DIGEST: '' }, ['BELLHOP_OVERRIDES_DIGEST: is not set']],
      ['parts of a plan and no pointer', { BELLHOP_PLAN_1: 'AAAA' }, ['BELLHOP_PLAN: is not set']],
      ['a path', { BELLHOP_OVERRIDES: '/etc/x' }, ['must be inline:COUNT or store:path']],
      [
        'an object that is gone',
        { BELLHOP_OVERRIDES: 'here:no/bundle', BELLHOP_OVERRIDES_STORES: HERE },
        ['BELLHOP_OVERRIDES, here:no/bundle: there is no'],
      ],
      [
        'and a plan that is none: both are told',
        { BELLHOP_OVERRIDES_DIGEST: BAD, BELLHOP_PLAN: 'inline:1', BELLHOP_PLAN_1: 'AAAA' },
        ['BELLHOP_OVERRIDES_DIGEST says', 'what BELLHOP_PLAN_1 and following hold'],
      ],
    ];
  test.each([...ROWS])('%s: nothing starts', (_, more, said) => {
    const { exitCode, stdout, stderr } = run(more);
    expect([exitCode > 0, stdout.toString()]).toEqual([true, '']);
    for (const one of said) expect(stderr.toString()).toContain(one);
    expect(stderr.toString()).not.toContain(CANARY);
  });
  test('BELLHOP_REQUIRE is content with them', () => {
    const { exitCode, stderr } = run({ BELLHOP_REQUIRE: '1' });
    expect([exitCode, stderr.toString()]).toEqual([0, '']);
  });
});
