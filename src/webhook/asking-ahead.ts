// What the webhook fetches itself takes a moment for each secret, or seconds where a store hangs:
// of one pod they are fetched together, as soon as it is clear who delivers them.
import type { Edit } from '../injectors/_edit.ts';
import { isPulledVariable } from '../injectors/_edit.ts';
import type { Asked } from '../injectors/_injector.ts';
import { Refusal } from '../injectors/_injector.ts';
import type { FlyteSecret } from '../wire/flyte-secret.ts';
import type { Manager } from './asking.ts';

/** Of one pod at a time: all requests of the process share 256 places. */
const AHEAD_MAX = 32;

/** Managers whose values for these secrets are under way. */
export interface Ahead {
  readonly managers: readonly Manager[];
  /** Nothing more is begun. */
  readonly end: () => void;
}

type Fetching = Map<FlyteSecret, Promise<readonly Edit[]>>;

/** The same managers, with the same answers; `asked` is called where any of them fetches. */
export function askingAhead(managers: readonly Manager[], asked: () => readonly Asked[]): Ahead {
  const isFetching = managers.some(({ keptInstead }) => keptInstead !== undefined);
  if (!isFetching) return { managers, end: () => undefined };
  const all = asked();
  const ahead = managers.map(sharing);
  let at = 0;
  let isOver = false;
  const follow = async (): Promise<void> => {
    for (let one = all[at++]; one !== undefined && !isOver; one = all[at++]) {
      if (one.signal.aborted) return;
      await fetched(ahead, one);
    }
  };
  for (let n = 0; n < AHEAD_MAX; n++) void follow();
  return {
    managers: ahead,
    end: () => {
      isOver = true;
    },
  };
}

/** Whoever asks it for the same secret again gets what is under way. */
function sharing(manager: Manager): Manager {
  const { keptInstead } = manager;
  if (keptInstead === undefined) return manager;
  const under: Fetching = new Map();
  return {
    ...manager,
    keptInstead: (edits, asked) => {
      const made = under.get(asked.secret) ?? keptInstead(edits, asked);
      // Who began it may not be who waits for it.
      made.catch(() => undefined);
      under.set(asked.secret, made);
      return made;
    },
  };
}

/** Never rejects: who needs the value meets the reason. */
async function fetched(managers: readonly Manager[], asked: Asked): Promise<void> {
  const found = managerFor(managers, asked);
  await found?.manager.keptInstead?.(found.edits, asked).catch(() => undefined);
}

interface Found {
  readonly manager: Manager;
  readonly edits: readonly Edit[];
}

/** Who will have the variable pulled; undefined where somebody else delivers it, or may. */
function managerFor(managers: readonly Manager[], asked: Asked): Found | undefined {
  let first: Found | undefined;
  for (const manager of managers) {
    if (manager.refuses?.(asked) !== undefined) continue;
    if (manager.asksNobody !== true) return undefined;
    try {
      const edits = manager.inject(asked);
      const isPulled = !(edits instanceof Promise) && edits.some(isPulledVariable);
      if (!isPulled || manager.isFinal === true) return undefined;
      first ??= { manager, edits };
    } catch (error) {
      if (!(error instanceof Refusal) || error.isFinal) return undefined;
    }
  }
  return first;
}
