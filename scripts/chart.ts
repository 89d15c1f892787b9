// Writes what is printed from the chart: the table of values in its README.md, and deploy/manifests
// for people without Helm. `npm run chart`; with --check nothing is written, and what is old fails.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { load } from 'js-yaml';
import { realHelm } from '../test/cluster/kit/cluster.ts';
import { table, withPart } from './markdown.ts';

const root = path.join(import.meta.dir, '..');

/** The chart's folder. */
export const CHART = path.join(root, 'deploy/chart/bellhop');
const README = path.join(CHART, 'README.md');
const MANIFESTS = path.join(root, 'deploy/manifests');

/** Helm that was built from source takes itself for an old Kubernetes. */
export const KUBE_VERSION = '--kube-version=1.33.0';

const NAMESPACE = `apiVersion: v1
kind: Namespace
metadata:
  name: bellhop
  labels:
    pod-security.kubernetes.io/enforce: restricted
`;

interface Rendered {
  readonly file: string;
  readonly about: string;
  readonly set: readonly string[];
  readonly only?: string;
}

const RENDERED: readonly Rendered[] = [
  {
    file: 'bellhop.yaml',
    about: 'everything, with certificates of its own; put your bellhop.yaml into the ConfigMap',
    set: [],
  },
  {
    file: 'bellhop-cert-manager.yaml',
    about: 'the same, with certificates by cert-manager',
    set: ['certificates.mode=certManager'],
  },
  {
    file: 'safety-net.yaml',
    about: 'refuses pods that were not handled; needs `webhook.statusAnnotation: true`',
    set: ['policy.enabled=true'],
    only: 'templates/policy.yaml',
  },
];

/** One row for each key of values.yaml that has a comment above it. */
export function valueRows(text: string): readonly (readonly string[])[] {
  const values = load(text);
  const rows: string[][] = [];
  const open: { readonly indent: number; readonly key: string }[] = [];
  let comment: string[] = [];
  for (const line of text.split('\n')) {
    const said = /^ *# (.*)$/.exec(line)?.[1];
    if (said !== undefined) {
      comment.push(said);
      continue;
    }
    const names = namesAt(line, open);
    if (names !== undefined && comment.length > 0) {
      rows.push([names.join('.'), shown(at(values, names)), comment.join(' ')]);
    }
    comment = [];
  }
  return rows;
}

/** The keys that lead to the one of this line, which is added to those that are open. */
function namesAt(
  line: string,
  open: { readonly indent: number; readonly key: string }[],
): readonly string[] | undefined {
  const [, space = '', key] = /^( *)([A-Za-z]\w*):/.exec(line) ?? [];
  if (key === undefined) return undefined;
  while ((open.at(-1)?.indent ?? -1) >= space.length) open.pop();
  open.push({ indent: space.length, key });
  return open.map((one) => one.key);
}

function at(values: unknown, names: readonly string[]): unknown {
  return names.reduce<unknown>((found, name) => {
    return typeof found === 'object' && found !== null ? Reflect.get(found, name) : undefined;
  }, values);
}

function shown(value: unknown): string {
  return value === '' ? '""' : typeof value === 'string' ? value : JSON.stringify(value);
}

function readme(): string {
  const rows = valueRows(readFileSync(path.join(CHART, 'values.yaml'), 'utf8'));
  const text = table(
    ['value', 'default', 'what it says'],
    rows.map(([name = '', value = '', what = '']) => [`\`${name}\``, `\`${value}\``, what]),
  );
  return withPart(readFileSync(README, 'utf8'), 'values', text);
}

function manifest(helm: string, { about, set, only }: Rendered): string {
  const flags = set.map((one) => `--set=${one}`);
  const show = only === undefined ? [] : [`--show-only=${only}`];
  const command = [helm, 'template', 'bellhop', CHART, '--namespace=bellhop', KUBE_VERSION];
  const done = Bun.spawnSync([...command, ...flags, ...show]);
  if (done.exitCode !== 0) throw new Error(`helm template: ${done.stderr.toString()}`);
  const text = done.stdout
    .toString()
    .replace(/^ *(?:helm\.sh\/chart|app\.kubernetes\.io\/managed-by): .*\n/gm, '')
    .replace(/^# Source: .*\n/gm, '');
  const namespace = only === undefined ? `---\n${NAMESPACE}` : '';
  return `# Printed from deploy/chart/bellhop by \`npm run chart\`:\n# ${about}.\n${namespace}${text}`;
}

/** Every file that is printed, by its path, with what it should hold. */
export function printed(helm: string): ReadonlyMap<string, string> {
  const files = new Map([[README, readme()]]);
  for (const one of RENDERED) files.set(path.join(MANIFESTS, one.file), manifest(helm, one));
  return files;
}

async function main(): Promise<number> {
  const helm = await realHelm();
  if (typeof helm !== 'string') return 1;
  const isCheck = process.argv.includes('--check');
  let old = 0;
  for (const [file, text] of printed(helm)) {
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
    old++;
    console.log(`${path.relative(root, file)} ${isCheck ? 'is old: npm run chart' : 'written'}`);
    if (isCheck) continue;
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return isCheck && old > 0 ? 1 : 0;
}

if (import.meta.main) process.exit(await main());
