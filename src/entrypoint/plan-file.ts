import { BellhopError, judge } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { EMBEDDED } from '../plan/bind.ts';
import { boundsOf } from '../plan/bounds.ts';
import { CHANNEL_BYTES_MAX } from '../plan/bundle.ts';
import { readDeclaration } from '../plan/declaration.ts';
import type { Plan } from '../plan/types.ts';
import type { DataObject } from '../wire/objects.ts';
import { objectPath } from '../wire/objects.ts';
import type { Declared } from './declare.ts';
import { readManifests, readProblem } from './inputs.ts';
import type { CarriedPlan } from './plan-source.ts';
import { carriedPlan } from './plan-source.ts';

/** A bundle, with some room for its plan. */
const FILE_BYTES_MAX = CHANNEL_BYTES_MAX + 32 * 1024 * 1024;

/** Reads a plan document and the objects that it refers to. */
export async function readPlanFile(
  io: Io,
  { path, digest }: { readonly path: string; readonly digest: string | undefined },
  manifests: readonly string[],
): Promise<Declared> {
  let bytes: Uint8Array;
  try {
    bytes = io.fs.readWaiting(path, FILE_BYTES_MAX);
  } catch (error) {
    throw readProblem(error, path);
  }
  const expected = digest === undefined ? undefined : { digest, by: 'BELLHOP_PLAN_DIGEST' };
  return withObjects(io, carriedPlan(bytes, path, expected), { path, manifests });
}

/** The plan with the objects that came along with it, and those of manifests. */
export function withObjects(
  io: Io,
  { plan, objects }: CarriedPlan,
  { path, manifests }: { readonly path: string; readonly manifests: readonly string[] },
): Declared {
  const { documents, problems } = readManifests(io, manifests);
  judge(problems);
  const declaration = readDeclaration(documents);
  judge(declaration.problems);
  const all = [...objects, ...declaration.objects];
  checkObjects(plan, all, path);
  return { plan, objects: all, warnings: [] };
}

/** A plan never holds the objects of its manifest; they must be given beside it. */
function checkObjects(plan: Plan, objects: readonly DataObject[], path: string): void {
  const { namespace } = plan.origin;
  const there = new Set(objects.map((one) => objectPath(one, namespace)));
  const wanted = boundsOf(plan.placements)
    .map(({ bound }) => bound.reference)
    .filter(({ store }) => store === EMBEDDED);
  const lacking = new Set(wanted.map(({ path }) => path).filter((one) => !there.has(one)));
  if (lacking.size === 0) return;
  const what = `refers to objects that are not given: ${[...lacking].join(', ')}`;
  throw new BellhopError('BH_ERR_PLAN_OBJECTS', { where: [path], what });
}
