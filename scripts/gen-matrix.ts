// docs/stores.md: what a complete run of the tests has shown of each kind of store. Not a part of
// `npm run gen`: it reads the report that `npm test` leaves in .cache/tests.xml. `--check` compares
// what does not change with every new test.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ALL_STORES } from '../src/stores/_all.gen.ts';
import type { StoreKind } from '../src/stores/_store.ts';
import { code, table } from './markdown.ts';

const ROOT = path.join(import.meta.dir, '..');
const REPORT = path.join(ROOT, '.cache/tests.xml');
const PAGE = path.join(ROOT, 'docs/stores.md');
const REAL = path.join(ROOT, 'test/real');

/** One test of a JUnit report by bun. */
export interface Tested {
  readonly file: string;
  /** Names of what it stands in, the outermost first. */
  readonly within: readonly string[];
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};

function attribute(tag: string, name: string): string {
  const written = new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? '';
  return written.replaceAll(/&(\w+);/g, (whole, entity: string) => ENTITIES[entity] ?? whole);
}

/** Every test of a report, in its order. */
export function testsIn(report: string): readonly Tested[] {
  const within: string[] = [];
  const tests: Tested[] = [];
  const pattern = /<testsuite (?:[^"<>]|"[^"]*")*>|<\/testsuite>|<testcase (?:[^"<>]|"[^"]*")*>/g;
  for (const { 0: tag, index } of report.matchAll(pattern)) {
    if (tag === '</testsuite>') within.pop();
    else if (tag.startsWith('<testsuite ')) within.push(attribute(tag, 'name'));
    else {
      const file = attribute(tag, 'file');
      const inside = report.slice(index + tag.length, report.indexOf('</testcase>', index));
      const outcome = tag.endsWith('/>') ? 'passed' : outcomeIn(inside);
      // The outermost suite is the file.
      tests.push({ file, within: within.slice(1), name: attribute(tag, 'name'), outcome });
    }
  }
  return tests;
}

function outcomeIn(inside: string): Tested['outcome'] {
  if (/<(failure|error)\b/.test(inside)) return 'failed';
  return inside.includes('<skipped') ? 'skipped' : 'passed';
}

/** Files of test/real that are called otherwise than the kind that they test. */
const CALLED: Readonly<Record<string, string>> = { 'gcp-': 'gcp-secret-manager' };
/** Kinds whose ways of proving who we are others have too, and the tests of that one code. */
const SHARED_WAYS: Readonly<Record<string, string>> = {
  'aws-secrets-manager': 'aws-credentials.',
  'azure-key-vault': 'azure-key-vault.',
  'gcp-secret-manager': 'gcp-',
};
/** Kinds whose servers a machine need not have, and why: `--check` says nothing of them. */
const OPTIONAL: Readonly<Record<string, string>> = {
  consul: 'Consul takes minutes to build: `BELLHOP_SLOW_SERVERS=1`',
  kubernetes: 'no package has kube-apiserver: `KUBE_APISERVER` names the binary',
};
/** What stands behind kinds that no server of test/real/servers is for. */
const BEHIND: Readonly<Record<string, string>> = {
  embedded: 'nothing: it asks nobody',
  env: 'nothing: it asks nobody',
  file: 'files; documents that sops has sealed',
  http: 'servers of the tests themselves; in outages OpenBao',
  kubernetes: 'kube-apiserver with etcd 3.4.23',
};

function kindOfFile(file: string, kinds: readonly string[]): string | undefined {
  const name = path.basename(file, '.test.ts');
  const [, called] = Object.entries(CALLED).find(([start]) => name.startsWith(start)) ?? [];
  return called ?? kinds.find((kind) => name === kind || name.startsWith(`${kind}-`));
}

/** What the tests of one kind have shown. */
interface Evidence {
  readonly kind: StoreKind;
  readonly contract: readonly Tested[];
  readonly real: readonly Tested[];
  readonly outages: readonly Tested[];
  /** Where ways of proving who we are may be proved. */
  readonly ways: readonly Tested[];
}

function evidenceOf(
  kind: StoreKind,
  kinds: readonly StoreKind[],
  tests: readonly Tested[],
): Evidence {
  const names = kinds.map((one) => one.kind);
  const below = (folder: string): Tested[] => tests.filter(({ file }) => file.startsWith(folder));
  const isMine = ({ file }: Tested): boolean => kindOfFile(file, names) === kind.kind;
  const own = below('test/contracts/').filter(({ within }) => within[0] === `store ${kind.kind}`);
  const isOutage = ({ within }: Tested): boolean => within.includes('outages');
  const firstWord = ({ within }: Tested): string => /^[-\w]*/.exec(within[0] ?? '')?.[0] ?? '';
  const outages = below('test/real/outages').filter(
    (one) => firstWord(one).toLowerCase() === kind.kind,
  );
  const real = below('test/real/').filter(isMine);
  const shared = sharedWays(kind, kinds).flatMap((start) => below(`test/real/${start}`));
  return {
    kind,
    contract: own.filter((one) => !isOutage(one)),
    real,
    outages: [...own.filter(isOutage), ...outages],
    ways: [...new Set([...own, ...real, ...below('test/stores/').filter(isMine), ...shared])],
  };
}

/** How the files of test/real begin that test ways that this kind has from another. */
function sharedWays({ auth }: StoreKind, kinds: readonly StoreKind[]): readonly string[] {
  return Object.entries(SHARED_WAYS).flatMap(([from, start]) => {
    const ways = kinds.find(({ kind }) => kind === from)?.auth ?? {};
    return Object.keys(ways).every((way) => auth[way] === ways[way]) ? [start] : [];
  });
}

const count = (tests: readonly Tested[], outcome: Tested['outcome']): number =>
  tests.filter((one) => one.outcome === outcome).length;

/** `31`, `31, 2 skipped`, `0, 31 skipped`. */
function counted(tests: readonly Tested[]): string {
  const [failed, skipped] = [count(tests, 'failed'), count(tests, 'skipped')];
  return [
    String(count(tests, 'passed')),
    ...(failed === 0 ? [] : [`**${failed} failed**`]),
    ...(skipped === 0 ? [] : [`${skipped} skipped`]),
  ].join(', ');
}

const NOT_TESTED = 'not tested';

/** Each way with the tests whose names have `auth: WAY`; only those that passed prove it. */
function waysCell({ kind, ways }: Evidence): string {
  const cells = Object.keys(kind.auth).map((way) => {
    const named = new RegExp(`\\bauth: ${way}(?![-\\w])`);
    const proofs = ways.filter(({ within, name }) => named.test([...within, name].join(' > ')));
    const passed = count(proofs, 'passed');
    return `${way}: ${passed === 0 ? NOT_TESTED : passed}`;
  });
  return cells.join('; ');
}

/** What runs, by the name of the server: the table of test/real/servers/README.md. */
function serverNames(): ReadonlyMap<string, string> {
  const readme = readFileSync(path.join(REAL, 'servers/README.md'), 'utf8');
  const rows = [...readme.matchAll(/^\| ([^|]+\(\d+\)[^|]*) \| ([^|]+) \|/gm)];
  return new Map(
    rows.flatMap(([, names = '', what = '']) => {
      const each = [...names.matchAll(/([-\w]+) \(\d+\)/g)].map(([, name = '']) => name);
      return each.map((name): [string, string] => [name, what]);
    }),
  );
}

/** The servers that the tests of a kind name. */
function serversOf(kind: string, kinds: readonly string[]): string {
  const known = BEHIND[kind];
  if (known !== undefined) return known;
  const files = readdirSync(REAL).filter((one) => one.endsWith('.test.ts'));
  const texts = files
    .filter((one) => kindOfFile(one, kinds) === kind)
    .map((one) => readFileSync(path.join(REAL, one), 'utf8'));
  const named = [...serverNames()].filter(([name]) =>
    texts.some((one) => one.includes(`'${name}'`)),
  );
  return [...new Set(named.map(([, what]) => what))].join('; ');
}

const HEADS = ['store', 'behind it', 'contract', 'with the server', 'outages', 'who we are'];

function rowOf(evidence: Evidence, kinds: readonly string[]): readonly string[] {
  const { kind, contract, real, outages } = evidence;
  const isLocal = outages.length === 0 && real.length === 0;
  return [
    `[${code(kind.kind)}](reference/stores.md#${kind.kind})`,
    serversOf(kind.kind, kinds),
    counted(contract),
    isLocal ? '–' : counted(real),
    isLocal ? '–' : counted(outages),
    waysCell(evidence) || '–',
  ];
}

/** What was not run or failed, by kind: the reason, or the tests. */
function openLines({ kind, contract, real, outages }: Evidence): readonly string[] {
  const all = [...contract, ...real, ...outages];
  const full = ({ within, name }: Tested): string => [...within, name].join(' > ');
  const skipped = all.filter(({ outcome }) => outcome === 'skipped');
  const why = OPTIONAL[kind.kind];
  const failed = all.filter(({ outcome }) => outcome === 'failed');
  const lines = failed.map((one) => `- ${code(kind.kind)}: **failed**: ${full(one)}`);
  if (skipped.length > 0 && why !== undefined) {
    return [...lines, `- ${code(kind.kind)}: ${skipped.length} tests: ${why}`];
  }
  return [...lines, ...skipped.map((one) => `- ${code(kind.kind)}: ${full(one)}`)];
}

/** The page. */
export function matrixPage(kinds: readonly StoreKind[], tests: readonly Tested[]): string {
  const names = kinds.map(({ kind }) => kind);
  const all = kinds.map((kind) => evidenceOf(kind, kinds, tests));
  const open = all.flatMap(openLines);
  return [
    '# What is tested of each store',
    '<!-- Made by scripts/gen-matrix.ts of a complete run of the tests: do not edit. -->',
    '',
    'Numbers are tests that passed. After a complete `npm test`:',
    '',
    '```sh',
    'node scripts/bun.mjs scripts/gen-matrix.ts',
    '```',
    '',
    '- **behind it**: what the tests run against. A *stub* is an imitation of ours, so it proves only that bellhop speaks as the vendor’s own libraries do, which read the same stub; [test/real/servers](../test/real/servers/README.md) says what each server enforces.',
    '- **contract**: the same cases for every kind ([test/contracts](../test/contracts/stores-real.test.ts)): order, absence, batches, exact bytes, versions, wrong credentials, options, rights, and that nothing shows a value.',
    '- **with the server**: tests of this kind alone (`test/real/KIND*.test.ts`).',
    '- **outages**: the store is down or broken in a known way; [what becomes of a start then](outages.md).',
    '- **who we are**: the ways of proving it, each with the tests whose names say `auth: WAY`. Those of a vendor are one code for all of its kinds: its tests count for each of them.',
    '',
    ...table(
      HEADS,
      all.map((one) => rowOf(one, names)),
    ),
    '',
    '## Not run, or failed',
    '',
    ...(open.length === 0 ? ['Nothing.'] : open),
    '',
  ].join('\n');
}

/** What a page claims of each kind, without its numbers and without what may be missing here. */
export function claimsOf(page: string): ReadonlyMap<string, string> {
  const rows = page.split('\n').filter((line) => line.startsWith('| [`'));
  const claims = rows.map((row): [string, string] => {
    const [name = '', behind = '', ...cells] = row.slice(2, -2).split(' | ');
    const kind = /`(.+)`/.exec(name)?.[1] ?? '';
    const coarse = cells.map((cell) => cell.replaceAll(/, \d+ skipped/g, ''));
    return [
      kind,
      [behind, ...coarse.map((cell) => cell.replaceAll(/\b[1-9]\d*\b/g, '>0'))].join(' | '),
    ];
  });
  return new Map(claims.filter(([kind]) => OPTIONAL[kind] === undefined));
}

/** What two pages claim differently; empty where they agree. */
export function differences(written: string, measured: string): readonly string[] {
  const [before, now] = [claimsOf(written), claimsOf(measured)];
  const kinds = [...new Set([...before.keys(), ...now.keys()])];
  return kinds
    .filter((kind) => before.get(kind) !== now.get(kind))
    .map(
      (kind) =>
        `${kind}:\n  page:  ${before.get(kind) ?? 'nothing'}\n  tests: ${now.get(kind) ?? 'nothing'}`,
    );
}

function check(measured: string): number {
  const written = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '';
  const wrong = differences(written, measured);
  if (wrong.length === 0) return 0;
  for (const one of wrong) console.error(one);
  console.error('docs/stores.md says something else than the tests. After a complete `npm test`:');
  console.error('node scripts/bun.mjs scripts/gen-matrix.ts');
  return 1;
}

async function main(given: readonly string[]): Promise<number> {
  if (!existsSync(REPORT)) {
    console.error('there is no .cache/tests.xml: `npm test` without arguments writes it');
    return 1;
  }
  const modules = await Promise.all(Object.values(ALL_STORES).map(async (load) => load()));
  const page = matrixPage(
    modules.map((one) => one.default),
    testsIn(readFileSync(REPORT, 'utf8')),
  );
  if (given.includes('--check')) return check(page);
  writeFileSync(PAGE, page);
  console.log('wrote docs/stores.md');
  return 0;
}

if (import.meta.main) process.exit(await main(process.argv.slice(2)));
