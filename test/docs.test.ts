// What the docs say, held against the code: generated pages, codes, schemas, links, transcripts.
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { staleFiles } from '../scripts/gen.ts';
import type { Command } from '../src/cli/command.ts';
import { COMMANDS } from '../src/cli/main.ts';
import { COMMON_FLAGS } from '../src/cli/parse.ts';
import { CODES } from '../src/core/errors.ts';
import { planDigest, printPlan, readPlan } from '../src/plan/document.ts';
import { readSettings } from '../src/plan/settings.ts';
import { readDocuments } from '../src/wire/yaml.ts';
import { PAGES, anchorsOf, blocks, namedFiles, relativeLinks } from './support/pages.ts';
import { ROOT, filesBelow } from './support/source.ts';

/** Whether every code must stand in some test; the others are printed until then. */
const REQUIRE_ALL_CODES_TESTED = true;

const inRoot = (file: string): string => path.join(ROOT, file);
const schemaIn = (file: string): object => JSON.parse(readFileSync(inRoot(file), 'utf8')) as object;
const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
const isPlan = ajv.compile(schemaIn('docs/schema/plan-v1.schema.json'));
const isSettings = ajv.compile(schemaIn('docs/schema/bellhop-yaml.schema.json'));

test('generated files are current', async () => {
  expect(await staleFiles()).toEqual([]);
});

describe('codes', () => {
  const notHere = new Set(['src/core/errors.ts', 'test/docs.test.ts']);
  const textBelow = (folder: string): string => {
    const files = filesBelow(folder).filter(({ path: file }) => !notHere.has(file));
    return files.map(({ text }) => text).join('\n');
  };
  const saidBy = (text: string): Set<string> => new Set(text.match(/\bBH_ERR_[A-Z_]+/g));
  const codes = Object.keys(CODES);

  test('each is given somewhere in src/', () => {
    const given = saidBy(textBelow('src'));
    expect(codes.filter((code) => !given.has(code))).toEqual([]);
  });

  test('the pages name none that is not in the table', () => {
    const written = saidBy(PAGES.map(({ text }) => text).join('\n'));
    expect([...written].filter((code) => !Object.hasOwn(CODES, code))).toEqual([]);
  });

  test('each is in some test', () => {
    const tested = saidBy(textBelow('test'));
    const untested = codes.filter((code) => !tested.has(code));
    if (REQUIRE_ALL_CODES_TESTED) expect(untested).toEqual([]);
    else if (untested.length > 0) console.warn(`codes in no test: ${untested.join(', ')}`);
  });
});

describe('plans', () => {
  /** Pods of the recorded vectors, one of each kind of thing that a plan may hold. */
  const VECTORS = [
    'argv-both',
    'configmap-all-keys',
    'downward-annotations',
    'emptydir-memory-limit',
    'env-optional-missing',
    'envfrom-prefix-collision',
    'example-ml-training-job',
    'example-spark-driver',
    'expand-order',
    'projected-mixed',
    'resource-odd-quantities',
    'secret-item-modes',
    'service-links',
    'subpath-expr-envfrom',
    'termination-path',
    'user-fsgroup',
    'user-no-new-privs',
  ];

  test.each(VECTORS)('the plan of %s is as the schema says', (id) => {
    const plan = JSON.parse(planOf(id)) as unknown;
    expect([isPlan(plan), isPlan.errors]).toEqual([true, null]);
  });

  test('the schema refuses what is no plan', () => {
    const plan = JSON.parse(planOf('argv-both')) as Record<string, unknown>;
    const others = [
      { ...plan, more: 1 },
      { ...plan, digest: 'x' },
      { ...plan, placements: [{}] },
    ];
    expect(others.map((one) => isPlan(one))).toEqual([false, false, false]);
  });

  const kept = 'test/golden/plans/v1';
  describe.each(readdirSync(inRoot(kept)).filter((name) => name.endsWith('.json')))(
    `${kept}/%s`,
    (name) => {
      const text = readFileSync(inRoot(`${kept}/${name}`), 'utf8');

      test('is read, and printed byte for byte with the same digest', () => {
        const plan = readPlan(text, name);
        const { digest } = JSON.parse(text) as { digest: string };
        expect(planDigest(plan)).toBe(digest);
        expect(printPlan(plan)).toBe(text);
      });

      test('is as the schema says', () => {
        expect([isPlan(JSON.parse(text)), isPlan.errors]).toEqual([true, null]);
      });
    },
  );
});

/** What `bellhop plan` prints for a recorded pod and the objects beside it. */
function planOf(id: string): string {
  const vector = JSON.parse(readFileSync(inRoot(`test/golden/kubelet/${id}.json`), 'utf8')) as {
    readonly objects: readonly unknown[];
    readonly pod: unknown;
  };
  const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-docs-'));
  try {
    const file = path.join(folder, 'pod.json');
    const items = [...vector.objects, vector.pod];
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    const fields = ['metadata.uid=u-1', 'status.podIP=10.0.0.7', 'status.hostIP=10.0.0.1'];
    const outside = [
      ...fields.map((one) => `--field=${one}`),
      '--node=cpu=4,memory=8Gi,ephemeral-storage=10Gi',
    ];
    const done = Bun.spawnSync(
      [process.execPath, inRoot('src/main.ts'), 'plan', '-f', file, ...outside],
      { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
    );
    if (done.exitCode !== 0) throw new Error(done.stderr.toString());
    return done.stdout.toString();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('bellhop.yaml in the docs', () => {
  const written = [
    ...blocks().filter(({ language }) => language === 'yaml'),
    ...filesBelow('examples')
      .filter((one) => /\.ya?ml$/.test(one.path))
      .map(({ path: page, text }) => ({ page, text })),
  ].filter(({ text }) => /^apiVersion: bellhop\/v1$/m.test(text));

  test('there are examples', () => expect(written.length).toBeGreaterThan(0));

  for (const { page, text } of written) {
    test(`${page}: ${text.split('\n')[1] ?? ''}`, () => {
      const [document, second] = readDocuments(new TextEncoder().encode(text));
      if (document === undefined || second !== undefined) throw new Error('one document, please');
      const source = { name: page, locate: () => ({ line: 1, column: 1 }) };
      expect(readSettings(document.value, source).problems).toEqual([]);
      expect([isSettings(document.value), isSettings.errors]).toEqual([true, null]);
    });
  }

  test('the page lists the members of what is one of several objects', () => {
    const page = readFileSync(inRoot('docs/reference/bellhop-yaml.md'), 'utf8');
    const names = ['lastGood.to', 'lastGood.key.age', 'lastGood.key.kms', 'lastGood.key.store'];
    expect(names.filter((name) => !page.includes(`| \`policy.${name}\` |`))).toEqual([]);
  });

  test('the schema refuses an unknown setting', () => {
    expect(isSettings({ apiVersion: 'bellhop/v1', secret: {} })).toBe(false);
  });
});

describe.each(PAGES.map((page) => [page.path, page] as const))('%s', (file, page) => {
  test('every relative link points to something', () => {
    const broken = relativeLinks(page).filter((written) => {
      const [target = '', anchor] = written.split('#');
      const there = target === '' ? file : path.join(path.dirname(file), target);
      if (!existsSync(inRoot(there))) return true;
      if (anchor === undefined || !there.endsWith('.md')) return false;
      return !anchorsOf(readFileSync(inRoot(there), 'utf8')).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  test('every file that it names is there', () => {
    expect(namedFiles(page).filter((named) => !existsSync(inRoot(named)))).toEqual([]);
  });
});

describe('transcripts', () => {
  const typed = blocks()
    .filter(
      ({ language, page }) => /^(console|sh|text|)$/.test(language) && page !== 'CHANGELOG.md',
    )
    .flatMap(({ page, text }) => text.split('\n').map((line) => [page, line.trim()] as const));

  const calls = typed.filter(([, line]) => /^\$ (\S*\/)?bellhop /.test(line));
  test.each(calls)('%s: %s', async (_, line) => {
    const own = line.replace(/ -- .*/, '').replace(/ [>|].*/, '');
    const [, , name = '', ...rest] = own.split(/\s+/);
    expect([...Object.keys(COMMANDS), 'help', 'version']).toContain(name);
    const load = COMMANDS[name];
    if (load === undefined) return;
    const known = flagsOf((await load()).default);
    expect(
      rest.filter((word) => word.startsWith('-') && !known.has(word.split('=')[0] ?? '')),
    ).toEqual([]);
  });

  const scripts = Object.keys(
    (schemaIn('package.json') as { readonly scripts: Readonly<Record<string, string>> }).scripts,
  );
  const npm = typed.flatMap(([page, line]) => {
    return [...line.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test))\b/g)].map((match) => {
      return [page, match[1] ?? match[2] ?? ''] as const;
    });
  });
  test.each([...new Map(npm.map((one) => [one.join(' '), one])).values()])(
    '%s: npm run %s is a script',
    (_, name) => expect(scripts).toContain(name),
  );
});

function flagsOf(command: Command): Set<string> {
  const flags = Object.entries({ ...command.flags, ...COMMON_FLAGS });
  return new Set(
    flags.flatMap(([name, { short }]) => [
      `--${name}`,
      ...(short === undefined ? [] : [`-${short}`]),
    ]),
  );
}
