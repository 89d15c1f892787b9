// The stage judged: a container that the pod adds nothing to is as the kubelet's, without bellhop;
// and the judge tells a refusal from a start.
import { afterAll, describe, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compare } from './compare.ts';
import { judge } from './judge.ts';
import { type Base, removeBase } from './rootfs.ts';
import { STAGES, runContainer } from './run.ts';
import { baseFor, missingForContainers } from './setting.ts';
import { type Container, GOLDEN, readVectors, type Vector } from './vectors.ts';

const made = baseFor('the stage of the kubelet vectors', missingForContainers());

function vectorOf(id: string): { vector: Vector; container: Container } {
  const [vector] = readVectors(path.join(GOLDEN, `${id}.json`));
  const container = vector?.pod.spec.containers[0];
  if (vector === undefined || container === undefined) throw new Error(`no vector ${id}`);
  return { vector, container };
}

function compile(base: Base, name: string, args: string[]): string {
  const dist = path.join(base.dir, name);
  mkdirSync(dist);
  const cc = spawnSync('cc', ['-static', '-w', '-o', path.join(dist, 'bellhop'), ...args]);
  expect(cc.status).toBe(0);
  return dist;
}

/** A folder with a stand-in for bellhop: a static program with this body. */
function standIn(base: Base, name: string, body: string): string {
  const source = path.join(base.dir, `${name}.c`);
  writeFileSync(source, `#include <unistd.h>\nint main(void) { ${body} }\n`);
  return compile(base, name, [source]);
}

const REFUSES =
  'static const char m[] = "x\\n  code: BH_ERR_X (exit 65)\\n"; write(2, m, 28); return 65;';
const STARTS = 'return execl("/probe", "/probe", (char *)0);';

// What a container sees when its pod says nothing but its name.
const PLAIN = ['sa-token-default', 'sa-token-off', 'argv-image', 'argv-cmd-only-image-args'];
const PROCESS = ['stdin', 'stdin-once', 'tty', 'termination-default', 'termination-path'];
const NAMES = ['hostname-subdomain', 'hostname-fqdn', 'host-aliases', 'service-links-off'];
const IMAGE = ['env-image-no-path', 'images-differ', 'process-namespace-shared', 'argv-both'];

describe.skipIf(made === undefined)('the stage', () => {
  const base = made as Base;
  afterAll(() => removeBase(base));

  for (const id of [...PLAIN, ...PROCESS, ...NAMES, ...IMAGE]) {
    test.each([...STAGES])(`${id} is equal without bellhop [%s]`, async (mode) => {
      const { vector, container } = vectorOf(id);
      const { seen, stderr } = await runContainer(base, { vector, container, mode });
      const expected = vector.snapshot?.containers?.[container.name];
      if (seen === undefined || expected === undefined) throw new Error(`no snapshot: ${stderr}`);
      expect(compare(expected, seen, { vector, container, mode })).toEqual([]);
    });
  }

  test.each([...STAGES])('what a pod adds is all that differs [%s]', async (mode) => {
    const { vector, container } = vectorOf('env-literals');
    const { seen } = await runContainer(base, { vector, container, mode });
    const expected = vector.snapshot?.containers?.['main'];
    if (seen === undefined || expected === undefined) throw new Error('no snapshot');
    const differences = compare(expected, seen, { vector, container, mode });
    const names = (container.env ?? []).map(({ name }) => `env[${name}]`);
    expect(differences.map((difference) => difference.path).sort()).toEqual(names.sort());
  });

  test('a declared path is listed though nothing is mounted there', async () => {
    const { vector, container } = vectorOf('configmap-over-image-dir');
    const { seen } = await runContainer(base, { vector, container, mode: 'no-mount' });
    const [mount, ...more] = seen?.mounts.filter(({ path: at }) => at !== '/dev/shm') ?? [];
    expect(more).toEqual([]);
    expect(mount?.path).toBe('/data');
    expect(mount?.entries.map((entry) => entry.path)).toEqual(['.', 'image-file']);
  });

  test('a refusal is not a start, and a start is not a refusal', async () => {
    const refuses = standIn(base, 'refuses', REFUSES);
    const starts = standIn(base, 'starts', STARTS);
    const paths = async (id: string, dist: string): Promise<string[]> => {
      const { vector } = vectorOf(id);
      const { differences } = await judge(vector, { base, dist, mode: 'mount' });
      return differences.map((difference) => difference.path);
    };
    expect(await paths('secret-missing', refuses)).toEqual([]);
    expect(await paths('secret-missing', starts)).toEqual(['containers.main.start']);
    expect(await paths('sa-token-default', refuses)).toEqual(['containers.main.start']);
    expect(await paths('sa-token-default', starts)).toEqual([]);
    // Refused, but the report does not name what only a cluster can give.
    expect(await paths('projected-token-mode', refuses)).toEqual(['containers.main.refusal']);
  });

  test('a volume delivered by mount or by link is equal, and a wrong mode is seen', async () => {
    const source = path.join(import.meta.dirname, 'stand-in.c');
    const right = compile(base, 'right', [source]);
    const wrong = compile(base, 'wrong', ['-DDEFECT=1', source]);
    const { vector } = vectorOf('secret-all-keys');
    for (const mode of STAGES) {
      expect((await judge(vector, { base, dist: right, mode })).differences).toEqual([]);
      const { differences } = await judge(vector, { base, dist: wrong, mode });
      const at = 'containers.main.mounts[/etc/creds].entries[..TS/password].mode';
      expect(differences).toEqual([{ path: at, expected: '0644', got: '0600' }]);
    }
  });

  test('nothing is left behind', () => {
    expect(readdirSync(base.dir).filter((name) => name.startsWith('run-'))).toEqual([]);
  });
});
