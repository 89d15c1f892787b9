import { BellhopError } from '../core/errors.ts';
import type { Container, Pod } from '../wire/pod-types.ts';
import { pathText } from '../wire/read.ts';
import type { Identity } from './types.ts';

/** Who the container's program is to be; the container's word wins over the pod's. */
export function identityOf(pod: Pod, container: Container): Identity {
  const own = container.security;
  const user = own.user ?? pod.security.user;
  const group = own.group ?? pod.security.group;
  const nonRoot = own.nonRoot ?? pod.security.nonRoot;
  const { fsGroup, supplementalGroups } = pod.security;
  const groups = fsGroup === undefined ? supplementalGroups : [...supplementalGroups, fsGroup];
  return {
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    supplementalGroups: groups,
    ...(nonRoot === undefined ? {} : { nonRoot }),
    ...privilegesOf(own),
  };
}

type Privileges = Pick<
  Identity,
  'noNewPrivileges' | 'dropCapabilities' | 'addCapabilities' | 'readOnlyRoot'
>;

function privilegesOf(own: Container['security']): Privileges {
  // A privileged container has every capability; what cannot be had is told as a difference.
  const added = own.privileged === true ? ['ALL'] : own.addCapabilities;
  return {
    ...(own.allowEscalation === false ? { noNewPrivileges: true } : {}),
    ...(own.dropCapabilities.length === 0 ? {} : { dropCapabilities: own.dropCapabilities }),
    ...(added.length === 0 ? {} : { addCapabilities: added }),
    ...(own.readOnlyRoot === true ? { readOnlyRoot: true } : {}),
  };
}

/** What the runtime refuses before it starts anything. */
export function identityProblems(pod: Pod, container: Container): BellhopError[] {
  const { user, group } = identityOf(pod, container);
  const where = [pathText(container.place), 'securityContext.runAsGroup'];
  if (group === undefined || user !== undefined) return [];
  const what = 'runAsGroup needs runAsUser: containerd refuses the one without the other';
  return [new BellhopError('BH_ERR_POD_INVALID', { where, what })];
}
