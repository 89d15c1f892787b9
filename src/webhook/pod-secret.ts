// The Secret beside a pod: it is named while the pod is decided about, and made last of all.
import { SECRET_BYTES_MAX } from '../injectors/_kept.ts';
import { recordIn } from '../stores/_rest.ts';
import type { Delivered, PodRequest } from './decision.ts';
import { unsatisfied, whyOf } from './denial.ts';
import { inTime } from './in-time.ts';
import { controllerIn } from './pod-owner.ts';
import type { PodState } from './pod-state.ts';
import { withSecretNamed } from './pod-values.ts';
import { EditProblem } from './pod-volumes.ts';
import type { NamedSecret, ValueSecrets } from './value-secrets.ts';

/** What was decided so far. */
export interface Decided {
  readonly request: PodRequest;
  readonly delivered: readonly Delivered[];
  readonly values: ValueSecrets | undefined;
}

type Named =
  | { readonly state: PodState; readonly secret?: NamedSecret }
  | { readonly wrong: string };

/** The pod with references to the Secret that is to hold its values, where it has any. */
export async function nameSecret(state: PodState, decided: Decided): Promise<Named> {
  const { request, values } = decided;
  if (state.kept.length === 0 || values === undefined) return { state };
  const refused = (why: string): Named => ({ wrong: notKept(why, state.kept, decided) });
  const bytes = state.kept.reduce((sum, { value }) => sum + value.bytes, 0);
  if (bytes > SECRET_BYTES_MAX) {
    const most = `at most ${SECRET_BYTES_MAX} fit into a Secret`;
    return refused(`the values of this pod have ${bytes} bytes together, ${most}`);
  }
  const { pod, namespace, dryRun } = request;
  const owner = controllerIn(recordIn(pod, 'metadata')['ownerReferences']);
  const wanted = { namespace, owner, values: state.kept };
  request.onStep?.('the key for names of Secrets');
  try {
    const name = await inTime(values.nameOf(wanted, { dryRun }), request.signal, LATE);
    return { state: withSecretNamed(state, name), secret: { ...wanted, name } };
  } catch (error) {
    const isOfPod = error instanceof EditProblem;
    return refused(`${isOfPod ? 'there is no place for its files' : UNNAMED}: ${whyOf(error)}`);
  }
}

const UNNAMED = 'no Secret for it can be named';
const LATE = 'the API server did not answer in time';

/** Makes it, but for a dry run. Why it cannot be made; undefined where it is there. */
export async function keepValues(
  secret: NamedSecret,
  decided: Decided,
): Promise<string | undefined> {
  const { request, values } = decided;
  if (request.dryRun || values === undefined) return undefined;
  request.onStep?.(`Secret ${secret.name} of namespace ${secret.namespace}`);
  try {
    await values.keep(secret, request.signal);
    return undefined;
  } catch (error) {
    const place = `Secret ${secret.name} of namespace ${secret.namespace}`;
    return notKept(`${place} cannot hold its value: ${whyOf(error)}`, secret.values, decided);
  }
}

/** As if the manager of the first had refused. */
function notKept(
  why: string,
  kept: PodState['kept'],
  { delivered }: Pick<Decided, 'delivered'>,
): string {
  const called = kept[0]?.called ?? '';
  const type = delivered.find(({ secret }) => secret === called)?.by ?? '';
  return unsatisfied(called, [{ type, why }]);
}
