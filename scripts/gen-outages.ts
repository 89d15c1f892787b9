// Makes docs/outages.md of what the last run of test/real/outages*.test.ts measured. Not a part of
// `npm run gen`: it needs the servers and two minutes.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { HerdLine, Measured, ProcessLine } from '../test/real/_outage-record.ts';
import { PEERS, PEER_HERDS } from './outage-peers.ts';

const ROOT = path.join(import.meta.dir, '..');

/** What one group of tests wrote down. Not there: run them, with every server at hand. */
function recorded<T>(group: string): readonly T[] {
  const file = path.join(ROOT, '.cache/outages', `${group}.json`);
  return JSON.parse(readFileSync(file, 'utf8')) as readonly T[];
}

/** Coarse, so that another run gives the same. */
function seconds(ms: number): string {
  if (ms < 300) return '< 0.3 s';
  const step = ms < 1000 ? 0.1 : 0.5;
  return `${(Math.round(ms / 1000 / step) * step).toFixed(1)} s`;
}

function about(count: number): string {
  if (count < 10) return String(count);
  const digits = 10 ** Math.floor(Math.log10(count));
  return `≈ ${Math.round(count / digits) * digits}`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => {
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  };
  return [line(heads), `|${'---|'.repeat(heads.length)}`, ...rows.map(line)].join('\n');
}

/** Lines that are put together have the same key; in the order of their first one. */
function grouped<T>(list: readonly T[], keyOf: (one: T) => string): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>();
  for (const one of list) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return [...groups.values()];
}

/** The usual reason; the last attempt may have been cut off by the end of the time. */
function reasonOf(lines: readonly Measured[]): string {
  const all = new Set(lines.flatMap(({ reasons }) => reasons.slice(0, 1)));
  return all.size === 0 ? '' : `: ${[...all].join('; ')}`;
}

function outcomeRows(lines: readonly Measured[]): readonly (readonly string[])[] {
  const groups = grouped(lines, ({ fault, outcome }) => `${fault} ${outcome}`);
  return groups.flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { fault, outcome } = first;
    const sure = outcome === 'all values' ? 'all values' : `\`${outcome}\`${reasonOf(group)}`;
    const longest = Math.max(...group.map(({ tookMs }) => tookMs));
    return [
      [
        fault,
        group.map(({ store }) => store).join(', '),
        sure,
        seconds(longest),
        group.map(({ requests }) => about(requests)).join(', '),
        PEERS[fault] ?? '',
      ],
    ];
  });
}

/** Tests at the same time end in any order. */
function inOrder(lines: readonly Measured[]): readonly Measured[] {
  const stores = [...new Set(lines.map(({ store }) => store))].toSorted();
  return lines.toSorted((a, b) => {
    return a.place - b.place || stores.indexOf(a.store) - stores.indexOf(b.store);
  });
}

const OUTCOME_HEADS = ['fault', 'store', 'what becomes of the start', 'after', 'requests', 'peers'];

function processRows(): readonly (readonly string[])[] {
  const groups = grouped(recorded<ProcessLine>('processes'), ({ fault, exit }) => fault + exit);
  return groups.map((group) => {
    const [{ fault, exit } = { fault: '', exit: 0 }] = group;
    const longest = Math.max(...group.map(({ tookMs }) => tookMs));
    return [fault, group.map(({ store }) => store).join(', '), String(exit), seconds(longest)];
  });
}

function herdRows(): readonly (readonly string[])[] {
  return recorded<HerdLine>('herds').map((line) => {
    const { fault, store, starts, succeeded, medianMs, longestMs, requests, throttled = 0 } = line;
    const refused = throttled === 0 ? '' : `, ${about(throttled)} of them throttled`;
    return [
      fault,
      store,
      `${succeeded} of ${starts}`,
      `${seconds(medianMs)} / ${seconds(longestMs)}`,
      `${throttled === 0 && requests < 100 ? requests : about(requests)}${refused}`,
      PEER_HERDS[`${fault} ${store}`] ?? '',
    ];
  });
}

const stores = inOrder(recorded<Measured>('stores'));
const others = [...recorded<Measured>('credentials'), ...recorded<Measured>('last-good')];

const PAGE = `# Outages

Made by \`scripts/gen-outages.ts\` from what the tests measured: \`test/real/outages.test.ts\` and its neighbours put real servers (OpenBao, ministack, moto, rclone) behind a proxy or a server that breaks them in a known way, on a machine with two cores. Times are rounded to steps of 0.1 s below a second and of 0.5 s above, requests of ten and more to one digit, so that a rerun differs little:

\`\`\`sh
npm test -- test/real/outages.test.ts test/real/outages-credentials.test.ts \\
  test/real/outages-last-good.test.ts test/real/outages-process.test.ts test/real/outages-herd.test.ts
node scripts/bun.mjs scripts/gen-outages.ts
\`\`\`

Each row is also a test: the start ends inside of its time (500 ms are allowed for a busy machine), with all values or with none; the report names every reference and what each attempt met; no value stands in any message, warning or trace. The column *peers* is what other tools did with the same fault, measured apart: two cores too, a stand-in of a server, the tools of 2026-08.

## One start

Three values of one store, \`startMsMax: 1500\` (503 eight times: 15 s, Retry-After: 3 s). Requests are in the order of the stores; where only the network is broken they are connections.

${table(OUTCOME_HEADS, outcomeRows(stores))}

## Credentials, batches, and last good

${table(
  OUTCOME_HEADS.slice(0, 5),
  outcomeRows(others).map((row) => row.slice(0, 5)),
)}

After a refusal, or where the store says that there is no such value, the copy is not even read. A page of a gateway before the store that says 401, 403 or 404 is a refusal, too. What came from the copy is never written as a new one. What is lent (a database user of Vault) is never in it: such a start fails in an outage, and says so. It speaks only for the place that it was taken from: the same settings of the store, the same address, region, project or namespace where a variable names it, and the same namespace of the workload. Where it does not help (it is missing, too old, dated in the future, or lacks the value), the store is asked again with all the time that is left.

## What stands behind a store

\`\`\`yaml
stores:
  sm: { kind: aws-secrets-manager, region: eu-central-1 }
  west: { kind: aws-secrets-manager, region: us-west-2 }
  copies: { kind: s3, region: eu-west-1 }
policy:
  fallback: { sm: [west] }
  lastGood:
    to: copies:my-bucket/last-good/{namespace}/{pod}
    key: { kms: alias/last-good, store: copies }     # or: { age: env:AGE_IDENTITY }
    maxAgeSeconds: 604800
\`\`\`

Where a store is down, the fallbacks are asked in their order. One that is down is passed over, and so is one that lacks the path, or a key that is wanted of it: only the reference's own store says what exists. What a fallback refuses is refused. Then the last good copy is looked at, then the store is asked again with the time that is left. What is still lacking is an outage (75), for \`optional\` and for a \`default\` as well; only a \`default\` with \`defaultOn: outage\` stands in, and that is a warning.

The copy is written by each start whose values all came from the references' own stores; a start in which a fallback, a default for outages or the copy stood in leaves it as it is. It holds what that start asked for, so two plans with the same \`to\` overwrite each other's copy: give each its own, by \`{namespace}\` and \`{pod}\`. Of what the copy has, it also knows what was not there: \`optional\` and \`default\` go by that, as in the last good start.

## As a process

\`bellhop run -f pod.yaml -c bellhop.yaml -- CMD\` with three variables and three mounted Secrets, from its start to its end. Where the exit code is not 0, CMD was not started and nothing lies at the mount paths.

${table(['fault', 'store', 'exit code', 'after'], processRows())}

## Many starts at once

Processes again. With a quota: ten values each, 20 ms a request, 30 s. Else: ten values each (last good: three), 30 s in the brownout, 6 s otherwise.

${table(['fault', 'store', 'started', 'median / longest', 'requests', 'peers'], herdRows())}

A brownout is: of ten requests one fails, one is reset, and one takes 2 s.

## What cannot be told

- An object of a bucket, and plain text behind \`http\`, is any bytes. A body that was cut while its length says otherwise is seen; one whose length was cut with it is not. JSON is seen, and so is a page that something on the way puts in an object's place: it has no ETag.
- \`http\`: a 404 or 410 is absence, as a server of files has no other word for it, also one that a gateway before it says, with no body or in words of its own; only a page of HTML is a refusal (\`BH_ERR_SETTINGS\`). So do not let what must be there be \`optional\` behind a gateway that may lose its route.
- \`http\` gives up at once where a page of HTML comes instead of a value: a login page does not go away.
- AWS: an instance's metadata that hangs from the first looks as it does where there is no instance; one that answers 5xx or breaks connections off is down, like any store. After a hang the start ends with \`BH_ERR_CREDENTIALS\` after a second, and that is no outage: neither a fallback nor last good is used.
`;

writeFileSync(path.join(ROOT, 'docs/outages.md'), PAGE);
