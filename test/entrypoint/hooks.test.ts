import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, test } from 'bun:test';
import { ALONE_DIFFERENCES } from '../../src/core/io/alone-differences.ts';
import { built } from '../support/built.ts';
import { skipVisibly } from '../support/need.ts';
import type { CaseResult } from './_case-kit.ts';
import { bundle, inRoom, missingForRoom, removeBundles } from './_enter.ts';

const missing =
  missingForRoom() ?? (built().kind === 'launcher' ? undefined : 'no C compiler (cc)');
if (missing !== undefined) skipVisibly('hooks of the runtime', [missing]);

/** A library that tells that it was loaded, and a static program that prints its variables. */
const SOURCES = {
  'evil.c': `#include <fcntl.h>
#include <string.h>
#include <unistd.h>
extern char *program_invocation_short_name;
__attribute__((constructor)) static void evil(void) {
  int fd = open("/srv/trace", O_WRONLY | O_CREAT | O_APPEND, 0666);
  if (fd >= 0 && write(fd, "library\\n", 8) == 8) close(fd);
}
unsigned la_version(unsigned v) { return v; }
`,
  'probe.c': `#include <stdio.h>
extern char **environ;
int main(void) {
  for (char **at = environ; *at; at++) puts(*at);
  return 0;
}
`,
};

function compile(dir: string): void {
  for (const [name, text] of Object.entries(SOURCES)) writeFileSync(path.join(dir, name), text);
  mkdirSync(path.join(dir, 'libraries'), { recursive: true });
  const cc = (...args: string[]): void => {
    const done = spawnSync('cc', args, { cwd: dir, encoding: 'utf8' });
    if (done.status !== 0) throw new Error(done.stderr);
  };
  cc('-shared', '-fPIC', '-D_GNU_SOURCE', '-o', 'evil.so', 'evil.c');
  cc('-shared', '-fPIC', '-D_GNU_SOURCE', '-o', 'libraries/libm.so.6', 'evil.c');
  cc('-static', '-o', 'probe', 'probe.c');
}

async function results(way: string): Promise<CaseResult[]> {
  if (missing !== undefined) return [];
  return inRoom<CaseResult[]>('_hooks', [way], { dist: path.dirname(built().bellhop) });
}

if (missing === undefined) compile(bundle('_hooks'));
const [launched, alone] = await Promise.all([results('bellhop'), results('bellhop-runtime')]);

for (const { name, wrong } of launched) {
  test(`${name} has no effect, and the program finds its variables`, () => {
    expect(wrong).toEqual([]);
  });
}

/**
 * What reaches the runtime where no launcher stands before it: `steered` of the list, and the
 * variable by which the launcher itself would speak.
 */
const STEERED = [
  'BELLHOP_LAUNCHER',
  'BUN_JSC',
  'BUN_JSC_noSuchOption',
  'LD_AUDIT',
  'LD_DEBUG',
  'LD_LIBRARY_PATH',
  'LD_PRELOAD',
];
/** glibc before 2.37 cuts the variable at each colon, in place. */
const SOME_LIBCS = ['GLIBC_TUNABLES'];

test.skipIf(missing !== undefined)('the runtime alone is steered by what the list says', () => {
  const seen = alone.filter(({ wrong }) => wrong.length > 0);
  const names = new Set(seen.map(({ name }) => name.replace(/^\w+: /, '')));
  expect([...names].filter((one) => !SOME_LIBCS.includes(one)).sort()).toEqual(STEERED);
  expect(ALONE_DIFFERENCES.steered.what).toContain('BUN_*, NODE_*, LD_* and GLIBC_TUNABLES');
});

afterAll(removeBundles);
