import { BellhopError, judge } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { EMBEDDED } from '../plan/bind.ts';
import { boundsOf } from '../plan/bounds.ts';
import { readDeclaration } from '../plan/declaration.ts';
import { readPlan } from '../plan/document.ts';
import type { Plan } from '../plan/types.ts';
import type { DataObject } from '../wire/objects.ts';
import { objectPath } from '../wire/objects.ts';
import type { Declared } from './declare.ts';
import { INPUT_BYTES_MAX, readManifests, readProblem } from './inputs.ts';

/** Reads a plan document and the objects that it refers to. */
export async function readPlanFile(
  io: Io,
  { path, digest }: { readonly path: string; readonly digest: string | undefined },
  manifests: readonly string[],
): Promise<Declared> {
  let text: string;
  try {
    text = new TextDecoder().decode(io.fs.readWaiting(path, INPUT_BYTES_MAX));
  } catch (error) {
    throw readProblem(error, path);
  }
  const plan = readPlan(text, path, digest);
  const { documents, problems } = readManifests(io, manifests);
  judge(problems);
  const declaration = readDeclaration(documents);
  judge(declaration.problems);
  checkObjects(plan, declaration.objects, path);
  return { plan, objects: declaration.objects, warnings: [] };
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
