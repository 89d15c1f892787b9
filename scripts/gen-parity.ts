// docs/parity.md: what was compared with a real kubelet, and every difference that is left with its
// reason. Not a part of `npm run gen`: it reads what tests leave in .cache/parity (offline.json of
// test/kubelet, live.json and routes.json of test/cluster). A part whose test did not run stays as
// the page has it. `--check` compares the page with what the tests have just shown.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { DifferenceRule } from '../src/parity/rules.ts';
import { DIFFERENCE_RULES } from '../src/parity/rules.ts';
import type { LiveResult, RoutesResult } from '../test/cluster/_live-record.ts';
import type { OfflineMode, OfflineResult } from '../test/kubelet/record.ts';
import { RESULTS } from '../test/kubelet/record.ts';
import { code, table } from './markdown.ts';

const ROOT = path.join(import.meta.dir, '..');
const PAGE = path.join(ROOT, 'docs/parity.md');

/** Everything that the page is made of; undefined is not measured here. */
export interface Results {
  readonly offline: OfflineResult | undefined;
  readonly live: LiveResult | undefined;
  readonly routes: RoutesResult | undefined;
}

const WAYS: Readonly<Record<string, string>> = {
  mount: 'in the container, with the right to mount',
  'no-mount': 'in the container, without it',
  'root-mount': '`--root` from outside, with the right to mount',
  'root-no-mount': '`--root` from outside, without it and without namespaces: chroot',
};
const HEADS_SHORT: Readonly<Record<string, string>> = {
  mount: 'mounts',
  'no-mount': 'links',
  'root-mount': '`--root`, mounts',
  'root-no-mount': '`--root`, links',
};

/** How many of the differences one way of delivery still shows. */
function leftBy({ mode, explained }: OfflineMode): string {
  const seen = DIFFERENCE_RULES.filter((one) => one.group === 'policy' && one.name in explained);
  return `${seen.length} ${WAYS[mode] ?? mode}`;
}

function figurePart({ modes }: OfflineResult): string[] {
  return [`Of these the recorded pods show: ${modes.map(leftBy).join('; ')}.`];
}

/** What no snapshot shows, as nobody would compare it. */
const OWN_ROOT = [
  '## `--root` without the rights of root',
  'An ordinary user’s `--root` works in a user namespace with one user and one group, those that the pod asks for. Named there: files that Kubernetes gives to somebody else belong to that user (`owner`), and further groups cannot be had. Where namespaces are denied and chroot is too, there is no other root at all: files are written below DIR, the program keeps the root of the machine, and `run` says so each time.',
];

function intro(): string[] {
  const policy = DIFFERENCE_RULES.filter(({ group }) => group === 'policy');
  const platform = DIFFERENCE_RULES.filter(({ group }) => group === 'platform');
  return [
    '# Parity: what was compared, and what differs',
    '<!-- Made by scripts/gen-parity.ts of the tests’ results: do not edit. -->',
    '',
    'What a container sees by `bellhop run` is compared with what a real kubelet gave the same pod: argv, environment, directory, user, groups, umask, signals, descriptors, and every file below every mount with type, mode, owner, link target and bytes. The tests write this page:',
    '',
    '```sh',
    'node scripts/bun.mjs test ./test/kubelet/kubelet.test.ts    # recorded pods; needs root',
    'node scripts/bun.mjs scripts/gen-parity.ts',
    '```',
    '',
    `**The figure to bring down: ${policy.length}** differences that policy allows, [listed below](#allowed-by-policy) with their reasons. ${platform.length} more are [the platform’s own](#the-platforms-own): not bellhop’s to give. Everything else must be equal. \`bellhop diff\` groups what it finds by the same list.`,
  ];
}

function offlinePart({ kubelet, modes }: OfflineResult): string[] {
  const rows = modes.map(({ mode, pods, started, refused, failed }) => {
    return [WAYS[mode] ?? mode, pods, started, refused, failed.length].map(String);
  });
  const heads = ['way', 'pods', 'started', 'refused', 'with a difference that nothing explains'];
  return [
    `Pods that kubelet ${kubelet} has run, recorded with what their containers saw ([what they are](../test/golden/kubelet/README.md)). Pods that Kubernetes refuses are among them: \`run\` refuses each of them with a code of its own.`,
    '',
    ...table(heads, rows),
    '',
    ...refusedPart(modes),
  ];
}

/** What Kubernetes starts and `run` does not. */
function refusedPart(modes: readonly OfflineMode[]): string[] {
  const reasons = [...new Set(modes.flatMap((one) => Object.keys(one.refusedHere)))];
  const rows = reasons.map((reason) => {
    return [reason, ...modes.map((one) => String(one.refusedHere[reason] ?? 0))];
  });
  const heads = ['pods refused that Kubernetes starts', ...modes.map(shortOf)];
  return rows.length === 0 ? [] : table(heads, rows);
}

function shortOf({ mode }: OfflineMode): string {
  return HEADS_SHORT[mode] ?? mode;
}

function livePart({ kubelet, seed, pods, containers, by, failed }: LiveResult): string[] {
  const outcomes = Object.entries(by).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const others = outcomes.filter(([who]) => who !== 'ran');
  return [
    `Random pods (seed ${seed}), each run afresh by kubelet ${kubelet} and by \`bellhop run\`, with mounts and with links.`,
    '',
    ...table(
      ['pods', 'ran', 'containers compared', 'refused by both', 'with a difference'],
      [
        [
          String(pods),
          String(by['ran'] ?? 0),
          String(containers),
          others.map(([who, count]) => `${who} ${count}`).join(', ') || '0',
          String(failed.length),
        ],
      ],
    ),
    ...failed.flatMap(({ id, mode, differences }) => [
      '',
      `- ${code(id)}, ${mode}: ${differences.map(code).join(', ')}`,
    ]),
  ];
}

function routesPart({ kubelet, stores, pods, shapes }: RoutesResult): string[] {
  const names = [...new Set(shapes.map((one) => one.store))].toSorted();
  const rows = names.map((store) => {
    const own = shapes.filter((one) => one.store === store);
    const differing = own.filter((one) => one.differences.length > 0);
    const refused = own.filter((one) => one.by !== 'ran');
    return [store, own.length, refused.length, differing.length].map(String);
  });
  return [
    `${pods} pods admitted by bellhop’s webhook and run by kubelet ${kubelet}, their init container pulling from real stores (${stores.join(', ')}), beside the same pods by \`bellhop run\` with the same bindings.`,
    '',
    ...table(['store', 'pods', 'refused by both', 'with a difference'], rows),
  ];
}

function listPart(group: DifferenceRule['group'], offline: OfflineResult | undefined): string[] {
  const modes = offline?.modes ?? [];
  const rows = DIFFERENCE_RULES.filter((rule) => rule.group === group).map((rule) => [
    code(rule.name),
    rule.what,
    rule.why,
    ...modes.map((one) => String(one.explained[rule.name] ?? '–')),
  ]);
  return table(['name', 'what differs', 'why', ...modes.map(shortOf)], rows);
}

/** A part of the page between its marks, as the page has it; empty where it has none. */
function keptPart(page: string, name: string): string[] {
  const [, kept] = page.split(`<!-- part ${name} -->\n`);
  return kept === undefined ? [] : kept.trimEnd().split('\n');
}

function part(name: string, lines: readonly string[]): string[] {
  const mark = `<!-- part ${name} -->`;
  return [mark, ...(lines.length === 0 ? ['Not measured yet.'] : lines), mark];
}

/** The page; what was not measured is taken over from the one that is there. */
export function parityPage({ offline, live, routes }: Results, before: string): string {
  const of = <T>(name: string, result: T | undefined, lines: (result: T) => string[]): string[] =>
    part(name, result === undefined ? keptPart(before, name) : lines(result));
  const numbers =
    'The last columns count the recorded pods that show it, by way of delivery; – is none.';
  return [
    ...intro(),
    '',
    ...of('figure', offline, figurePart),
    '',
    '## Recorded pods',
    ...of('offline', offline, offlinePart),
    '',
    '## Random pods on a live node',
    ...of('live', live, livePart),
    '',
    '## By webhook and by entrypoint',
    ...of('routes', routes, routesPart),
    '',
    '## Allowed by policy',
    numbers,
    '',
    ...of('policy', offline, (result) => listPart('policy', result)),
    '',
    '## The platform’s own',
    'Each platform gives these its own way. Where bellhop gives one of them, it must be equal.',
    '',
    ...of('platform', offline, (result) => listPart('platform', result)),
    '',
    ...OWN_ROOT,
    '',
    'What the runtime alone cannot give back, where only one file can be copied, is [a list of its own](../ARCHITECTURE.md#without-the-launcher).',
    '',
  ].join('\n');
}

/** The parts of a live cluster differ in their numbers from run to run. */
function coarse(page: string): string {
  const live = /<!-- part (?:live|routes) -->\n[^]*?\n<!-- part/g;
  return page.replaceAll(live, (text) => text.replaceAll(/\b[1-9]\d*\b/g, '>0'));
}

/** Lines of the page that say something else than the tests; empty where they agree. */
export function staleLines(written: string, measured: string): readonly string[] {
  const before = new Set(coarse(written).split('\n'));
  return coarse(measured)
    .split('\n')
    .filter((line) => !before.has(line));
}

function readResult<T>(name: string): T | undefined {
  const file = path.join(RESULTS, `${name}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : undefined;
}

function main(given: readonly string[]): number {
  const before = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '';
  const results: Results = {
    offline: readResult('offline'),
    live: readResult('live'),
    routes: readResult('routes'),
  };
  const page = parityPage(results, before);
  if (!given.includes('--check')) {
    writeFileSync(PAGE, page);
    console.log('wrote docs/parity.md');
    return 0;
  }
  const stale = staleLines(before, page);
  if (stale.length === 0) return 0;
  for (const line of stale) console.error(`not on the page: ${line}`);
  console.error('docs/parity.md says something else than the tests:');
  console.error('node scripts/bun.mjs scripts/gen-parity.ts');
  return 1;
}

if (import.meta.main) process.exit(main(process.argv.slice(2)));
