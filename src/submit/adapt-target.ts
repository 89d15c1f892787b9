import type { Json } from '../core/canonical.ts';
import type { AdaptedChannel, Adapting } from '../targets/_adapting.ts';
import type { Cap, JsonObject } from '../targets/_caps.ts';
import { nodesAt } from '../targets/_caps.ts';
import { asList } from '../targets/_request.ts';
import type { Job, Target } from '../targets/_target.ts';
import { withAt } from './adapt-fields.ts';

// A request that somebody else made as a target of its own: what a submission puts into it stands
// at the paths that are named, and everything else is the author's.

/** What an adapted request is, and where it goes. */
export interface Adaptable {
  readonly target: Target;
  readonly adapting: Adapting;
  readonly request: JsonObject;
}

/** Every cap of the request. */
export function capsOf({ target, adapting }: Omit<Adaptable, 'request'>): readonly Cap[] {
  return [...target.caps, ...(adapting.caps ?? [])];
}

/** The fields that are taken out of the request, and filled again. */
export function takenFields(adapting: Adapting): readonly string[] {
  const { variables, entrypoint, arguments: words, hyperparameters } = adapting;
  return [variables, entrypoint, words, hyperparameters].filter((at) => at !== undefined);
}

/** The target whose one request is this one; `given` is what is left of it. */
export function adaptedTarget({ target, adapting, request }: Adaptable): Target {
  const { operation, variables: at, isolation, nodes } = adapting;
  // What it says of manifests means nothing here.
  const { channel, running: _, ...others } = target;
  const [count] = nodes === undefined ? [] : nodesAt(request, nodes);
  return {
    ...others,
    ...(channel === undefined || adapting.channel === undefined ? {} : { channel }),
    variablesAt: { operation, at },
    operations: [operation],
    caps: capsOf({ target, adapting }),
    start: startOf(adapting),
    isIsolated: () => isolation !== undefined && nodesAt(request, isolation)[0] === true,
    nodes: () => (Number.isSafeInteger(count) ? Math.max(1, Number(count)) : 1),
    render: (job) => [
      { operation, input: filled(adapting, job), send: { by: 'command', argv: [] } },
    ],
  };
}

function startOf({ entrypoint, arguments: words }: Adapting): Target['start'] {
  if (entrypoint !== undefined) return 'request';
  return words === undefined ? 'image' : 'words';
}

function filled(adapting: Adapting, job: Job): JsonObject {
  const { operation, isList, variables, hyperparameters } = adapting;
  const starting = adapting.entrypoint ?? adapting.arguments;
  const named = isList === true ? asList(job.variables) : Object.fromEntries(job.variables);
  let made = withAt(job.given(operation), variables, named);
  if (job.start.length > 0 && starting !== undefined) made = withAt(made, starting, job.start);
  if (job.hyperparameters.length > 0 && hyperparameters !== undefined) {
    made = withAt(made, hyperparameters, Object.fromEntries(job.hyperparameters));
  }
  const { channel } = adapting;
  return channel === undefined ? made : withChannel(made, channel, job.channel);
}

function withChannel(
  made: JsonObject,
  { at, of }: AdaptedChannel,
  address: string | undefined,
): JsonObject {
  if (address === undefined) return made;
  const [own] = nodesAt(made, at);
  return withAt(made, at, [...(Array.isArray(own) ? (own as readonly Json[]) : []), of(address)]);
}
