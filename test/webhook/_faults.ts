// Calls that fail, whose answer is lost, or during which the process is killed or stands still.
import { BellhopError } from '../../src/core/errors.ts';
import type { KubernetesApi } from '../../src/webhook/kubernetes-api.ts';
import { callsThrough } from './_memory-api.ts';
import type { Around } from './_world.ts';

export const FAULTS = [
  'refused',
  'answer lost',
  'killed before',
  'killed after',
  'stands still before',
  'stands still after',
] as const;
export type Fault = (typeof FAULTS)[number];

export interface FaultPlan {
  /** From 1; 0 has no fault. */
  readonly atCall: number;
  readonly fault: Fault;
  /** Resolves when a process that stands still goes on. */
  readonly resumed: () => Promise<void>;
  readonly kill: () => void;
}

/** Counts the calls of a replica, and lets one of them go wrong. */
export function faulty(plan: FaultPlan, counted: { calls: number }): Around {
  return (api) => {
    const around = async <T>(call: () => Promise<T>): Promise<T> => {
      counted.calls += 1;
      return counted.calls === plan.atCall ? goWrong(plan, call) : call();
    };
    return callsThrough(api, around);
  };
}

const NEVER = new Promise<never>(() => undefined);

async function goWrong<T>(plan: FaultPlan, call: () => Promise<T>): Promise<T> {
  switch (plan.fault) {
    case 'refused':
      throw outage();
    case 'answer lost':
      await call();
      throw outage();
    case 'killed before':
      plan.kill();
      return NEVER;
    case 'killed after':
      await call();
      plan.kill();
      return NEVER;
    case 'stands still before':
      await plan.resumed();
      return call();
    case 'stands still after': {
      const done = await call();
      await plan.resumed();
      return done;
    }
  }
}

export function outage(): BellhopError {
  return new BellhopError('BH_ERR_STORE', { where: ['test'], what: 'no answer' });
}

/** A client that may not do what `isForbidden` says. */
export function forbidding(isForbidden: (method: string, path: string) => boolean): Around {
  const judge = (method: string, path: string): void => {
    if (!isForbidden(method, path)) return;
    const where = ['Kubernetes API', `${method} ${path}`];
    throw new BellhopError('BH_ERR_STORE_DENIED', { where, what: 'Forbidden' });
  };
  return (api: KubernetesApi) => ({
    ...api,
    get: async (path) => {
      judge('get', path);
      return api.get(path);
    },
    create: async (path, object) => {
      judge('create', path);
      return api.create(path, object);
    },
    update: async (path, object) => {
      judge('update', path);
      return api.update(path, object);
    },
    remove: async (path, object) => {
      judge('delete', path);
      return api.remove(path, object);
    },
    list: async (path, wish, see) => {
      judge('list', path);
      return api.list(path, wish, see);
    },
  });
}
