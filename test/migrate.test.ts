// docs/migrate.md is typed as it stands. What needs a cluster is left to
// test/cluster/migrate.test.ts, whose record of Kubernetes is in the example.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { built } from './support/built.ts';
import { needTool, skipVisibly } from './support/need.ts';
import {
  carryOut,
  closeFolder,
  openFolder,
  patternOf,
  stepsOfPage,
} from './support/migrate-page.ts';

const lacks = [
  process.getuid?.() === 0 ? undefined : 'needs root (what Kubernetes has recorded is root’s)',
  needTool('cc', 'gcc libc6-dev'),
  needTool('diff', 'diffutils'),
].filter((one) => one !== undefined);
if (lacks.length === 0 && built().kind !== 'launcher') lacks.push('there is no launcher');
if (lacks.length > 0) skipVisibly('docs/migrate.md', lacks);

const STEP_MS_MAX = 150_000;
const steps = stepsOfPage();

test('the page ends in a comparison without a difference that must not be', () => {
  const compared = steps.find(({ command }) => command.startsWith('bellhop diff '));
  expect(compared?.says).not.toContain('Must not differ');
  expect(compared?.says).toMatch(/^No difference that must not be/m);
});

describe.skipIf(lacks.length > 0)('docs/migrate.md', () => {
  beforeAll(openFolder, STEP_MS_MAX);
  afterAll(closeFolder);
  const here = steps.filter(({ command }) => !/^(kubectl|cp) /.test(command));

  test.each(here.map((step) => [step.command, step] as const))(
    '%s',
    (_, step) => expect(carryOut(step)).toMatch(patternOf(step.says)),
    STEP_MS_MAX,
  );
});
