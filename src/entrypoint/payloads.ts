import { BellhopError } from '../core/errors.ts';
import { Sealed } from '../core/sealed.ts';
import { expandStrictly } from '../plan/expand.ts';
import type {
  Content,
  DirectoryPlacement,
  MadeSource,
  Mount,
  Plan,
  Source,
} from '../plan/types.ts';
import { isMade } from '../plan/types.ts';
import type { Payload } from '../plan/volume-tree.ts';
import { volumeTree } from '../plan/volume-tree.ts';
import { cleanPath, keyProblem, subPathProblem } from '../wire/names.ts';
import type { Delivery, Directory, Landing, PlainFile } from './delivery.ts';
import type { Environment } from './environment.ts';
import { ownText } from './environment.ts';
import type { Answers } from './answers.ts';
import { selectAll, selectValue } from './select.ts';
import { envFile, startFile } from './start-file.ts';

const encoder = new TextEncoder();

/** What the files are computed from. */
export interface PayloadInput {
  readonly plan: Plan;
  readonly answers: Answers;
  readonly environment: Environment;
  readonly nowMs: number;
  /** The completion index of this task, where the plan needs one. */
  readonly index?: string;
  /** Name of the timestamped folders of this start. */
  readonly version: string;
  /** The bytes of the launcher; `pull` alone puts it where containers find it. */
  readonly launcher?: () => Uint8Array;
}

/** Computes every file, folder and link; nothing is written here. */
export function computeDelivery(input: PayloadInput): {
  readonly delivery: Delivery;
  readonly problems: readonly BellhopError[];
} {
  const problems: BellhopError[] = [];
  const directories: Directory[] = [];
  const files: PlainFile[] = [];
  for (const placement of input.plan.placements) {
    if (placement.kind === 'directory') directories.push(directoryOf(input, placement, problems));
    if (placement.kind === 'file') {
      const content = fileBytes(input, placement.source, problems);
      if (content !== undefined) files.push({ placement, content });
    }
  }
  return { delivery: { directories, files, policy: input.plan.policy }, problems };
}

function directoryOf(
  input: PayloadInput,
  placement: DirectoryPlacement,
  problems: BellhopError[],
): Directory {
  const landings = placement.mounts.flatMap((mount) => landingOf(input, mount, problems));
  if (placement.shape === 'plain') return { placement, landings };
  const before = problems.length;
  const payloads = placement.contents.flatMap((content) => payloadsOf(input, content, problems));
  if (problems.length > before) return { placement, landings };
  const { medium, fsGroup } = placement;
  const rules = { medium, readOnly: true, ...(fsGroup === undefined ? {} : { fsGroup }) };
  const tree = volumeTree(payloads, rules, input.version);
  const nested = placement.nested ?? [];
  const wrong = nested.filter((one) => one === '' || subPathProblem(one) !== undefined);
  if ('inside' in tree && wrong.length === 0) return { placement, landings, tree };
  const all = 'inside' in tree ? [] : tree;
  problems.push(...all.map((one) => one.within(`volume ${placement.volume}`)));
  for (const one of wrong) {
    const where = ['the plan', `volume ${placement.volume}`, `nested folder ${one}`];
    problems.push(new BellhopError('BH_ERR_PLAN', { where, what: 'must be a path inside of it' }));
  }
  return { placement, landings };
}

function landingOf(input: PayloadInput, mount: Mount, problems: BellhopError[]): Landing[] {
  const { path, readOnly, rule, subPathExpr } = mount;
  if (subPathExpr === undefined)
    return [{ path, readOnly, subPath: cleanPath(mount.subPath ?? '') }];
  const { text, missing } = expandStrictly(subPathExpr, input.environment.lookup);
  const where = [rule, 'subPathExpr'];
  for (const name of missing) {
    const what = `there is no variable ${name} for it`;
    problems.push(new BellhopError('BH_ERR_VALUE', { where, what }));
  }
  const problem = subPathProblem(text);
  if (problem !== undefined) {
    problems.push(
      new BellhopError('BH_ERR_VALUE', { where, what: `what it expands to ${problem}` }),
    );
  }
  const subPath = cleanPath(Buffer.from(text, 'latin1').toString('utf8'));
  return [{ path, readOnly, subPath }];
}

function payloadsOf(input: PayloadInput, content: Content, problems: BellhopError[]): Payload[] {
  if (content.kind === 'file') {
    const { path, mode, uid, source } = content;
    const bytes = sourceBytes(input, source, problems);
    if (bytes === undefined) return [];
    return [{ path, mode, ...(uid === undefined ? {} : { uid }), content: bytes }];
  }
  const all = selectAll(input.answers, content.bound);
  if (all === 'absent') return [];
  if (all instanceof BellhopError) {
    problems.push(all.within(content.rule));
    return [];
  }
  return [...all].flatMap(([key, value]) => {
    const problem = keyProblem(key);
    if (problem === undefined) return [{ path: key, mode: content.mode, content: value }];
    const where = [content.rule, content.bound.called, `key ${key}`];
    problems.push(new BellhopError('BH_ERR_VALUE', { where, what: problem }));
    return [];
  });
}

function fileBytes(
  input: PayloadInput,
  source: Source | MadeSource,
  problems: BellhopError[],
): Sealed | undefined {
  if (!isMade(source)) return sourceBytes(input, source, problems);
  const { variables } = input.environment;
  switch (source.kind) {
    case 'start':
      return new Sealed(startFile(source, variables));
    case 'envFile':
      return new Sealed(envFile(source, variables, problems));
    case 'launcher': {
      if (input.launcher !== undefined) return new Sealed(input.launcher());
      const what = 'is for `bellhop pull`, which puts the launcher where containers find it';
      problems.push(new BellhopError('BH_ERR_PLAN', { where: ['the plan'], what }));
      return undefined;
    }
    case 'hyperparameters':
      return sourceBytes(input, { ...source, kind: 'value' }, problems);
  }
}

function sourceBytes(
  input: PayloadInput,
  source: Source,
  problems: BellhopError[],
): Sealed | undefined {
  switch (source.kind) {
    case 'template':
    case 'text':
      return new Sealed(encoder.encode(source.text));
    case 'annotations':
    case 'labels':
    case 'index':
      return new Sealed(encoder.encode(ownText(source, input)));
    case 'absent':
      return undefined;
    case 'value': {
      const value = selectValue(input.answers, source.bound);
      if (value instanceof BellhopError) problems.push(value);
      return value === 'absent' || value instanceof BellhopError ? undefined : value;
    }
  }
}
