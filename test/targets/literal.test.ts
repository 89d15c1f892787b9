// Values arrive unchanged, whatever the platform makes of them: each target's way of writing them
// against the platform's own rule, in all the readings that its documents leave open.
import { describe, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { expand } from '../../src/plan/expand.ts';
import { ALL_TARGETS } from '../../src/targets/_all.gen.ts';
import type { Target } from '../../src/targets/_target.ts';

const target = async (name: string): Promise<Target> => {
  const load = ALL_TARGETS[name];
  if (load === undefined) throw new Error(`no target ${name}`);
  return (await load()).default;
};
const vertex = await target('vertex-custom-job');
const nomad = await target('nomad');
const apps = await target('azure-container-apps-job');
const run = await target('cloud-run-job');
const shells = await Promise.all(
  ['azure-ml-command', 'databricks-job', 'slurm-apptainer'].map(target),
);

/** What any of the platforms has a meaning for, between ordinary text. */
const PARTS = ['$', '$$', '$(', ')', '${', '}', '%{', '{{', '{', "'", '"', '`', '\\', '!', '#'];
const NAMES = ['A', 'B', 'secrets/s/k', 'NOMAD_JOB_ID', 'node.class', '((1+1))', 'inputs.x'];
const part = fc.oneof(
  fc.constantFrom(...PARTS, ...NAMES, ' ', '\n', '\t', ',', '=', '\u00e9', '\u4e2d', '\u{1f600}'),
  fc.string({ unit: 'grapheme', maxLength: 4 }).filter((one) => !one.includes('\0')),
);
const value = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(''));
const RUNS = { numRuns: 5000 };

/** Checks every value that the target says it can send. */
function holds(one: Target, arrives: (sent: string) => string): void {
  fc.assert(
    fc.property(value, (text) => {
      const sent = one.literal === undefined ? text : one.literal(text);
      if (sent !== undefined) expect(arrives(sent)).toBe(text);
    }),
    RUNS,
  );
}

const known = (name: string): string | undefined => (NAMES.includes(name) ? 'EXPANDED' : undefined);

describe('Vertex AI', () => {
  test('expands $(NAME) as Kubernetes does, and the value is what was written', () => {
    holds(vertex, (sent) => expand(sent, known));
  });
  test('the same where only $$( is an escape, as the words of the document are', () => {
    holds(vertex, (sent) => {
      return sent.replace(/\$\$\(|\$\(([^)]*)\)/g, (whole, name: string | undefined) => {
        return name === undefined ? '$(' : (known(name) ?? whole);
      });
    });
  });
  test.each([
    ['plain', 'plain'],
    ['$(A)', '$$(A)'],
    ['a$b', 'a$b'],
    ['$', '$'],
    ['$((1))', '$$((1))'],
    ['$$', undefined],
    ['$$(A)', undefined],
    ['$\u00e9', undefined],
  ])('%s is sent as %s', (text, sent) => {
    expect(vertex.literal?.(text)).toBe(sent);
  });
});

describe('Nomad', () => {
  test('replaces ${NAME} in values without an escape, and the value is what was written', () => {
    holds(nomad, (sent) => {
      return sent.replace(
        /\$\{([a-zA-Z0-9_\-.]+)\}/g,
        (whole, name: string) => known(name) ?? whole,
      );
    });
  });
  test('the same where the job is read as HCL first', () => {
    holds(nomad, (sent) => {
      return sent.replace(/\$\$\{|%%\{|\$\{[^}]*\}?|%\{[^}]*\}?/g, (whole) => {
        return whole.startsWith('$$') || whole.startsWith('%%') ? whole.slice(1) : 'EXPANDED';
      });
    });
  });
  test('words of the command are templates of HCL, which has an escape', () => {
    const start = ['/opt/${x}/%{y}/bellhop', 'run'];
    const [request] = nomad.render({
      name: 'n',
      digest: 'd',
      image: 'i',
      container: 'main',
      start,
      variables: [],
      secrets: [],
      hyperparameters: [],
      needs: {},
      given: () => ({}),
    });
    expect(JSON.stringify(request?.input)).toContain('["/opt/$${x}/%%{y}/bellhop"]');
  });
});

test('Container Apps: what a cluster would expand is not sent', () => {
  holds(apps, (sent) => expand(sent, known));
});

test('Cloud Run expands nothing: every value is sent as it is', () => {
  expect(run.literal).toBeUndefined();
});

/** What a shell makes of words in one script; several values, to start it seldom. */
function shell(script: string): string[] {
  const { stdout, status } = spawnSync('sh', ['-c', script], { env: { A: 'x', B: 'y' } });
  expect(status).toBe(0);
  return stdout.toString().split('\0').slice(0, -1);
}

/** All the ways in which a platform may hand a value to a shell. */
const QUOTED: readonly (readonly [string, (sent: string) => string])[] = [
  ["export X='…'", (sent) => `X='${sent}'; printf '%s\\0' "$X"`],
  ['export X="…"', (sent) => `X="${sent}"; printf '%s\\0' "$X"`],
  ['quoted once, then evaluated again', (sent) => `eval "X=\\"${sent}\\""; printf '%s\\0' "$X"`],
];

describe.each(shells.map((one) => [one.name, one] as const))('%s', (_, one) => {
  const sent = fc.sample(value, { numRuns: 4000, seed: 20_261_122 }).flatMap((text) => {
    const literal = one.literal?.(text);
    return literal === undefined ? [] : [[text, literal] as const];
  });
  test.each([...QUOTED])('a real shell, %s, gives the value that was written', (_way, quote) => {
    expect(sent.length).toBeGreaterThan(300);
    const arrived = shell(sent.map(([, literal]) => quote(literal)).join('\n'));
    expect(arrived).toEqual(sent.map(([text]) => text));
  });
  test('what is trimmed somewhere, references of secrets and inputs are not sent', () => {
    const trimmed = [' a', 'a\n', '{{secrets/s/k}}', '${{inputs.x}}', "it's"];
    expect(trimmed.map((text) => one.literal?.(text))).toEqual(trimmed.map(() => undefined));
  });
});
