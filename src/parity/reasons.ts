import type { Aspect, Finding } from './diff-types.ts';
import { isInMemory } from './rule-checks.ts';
import type { Pair } from './side.ts';
import { declaredFile, declaredVariable } from './side.ts';
import type { Snapshot } from './types.ts';
import { plainText } from './values.ts';

/** Where a difference likely comes from, and what to do about it. */
export interface Advice {
  readonly reason: string;
  readonly remedy: string;
}

/** What else the judge knows: where else a value stands, by its digest. */
export interface Moved {
  readonly left: ReadonlyMap<string, string>;
  readonly right: ReadonlyMap<string, string>;
}

/** Names of variables by the digests of their values, of values that say something. */
export function movedOf({ left, right }: Pair): Moved {
  const map = ({ process: seen }: Snapshot): Map<string, string> =>
    new Map(
      seen.env
        .filter(({ value }) => value.bytes >= MOVED_BYTES_MIN)
        .map(({ name, value }) => [value.digest, plainText(name)]),
    );
  return { left: map(left.snapshot), right: map(right.snapshot) };
}

/** Shorter ones are equal by chance: `1`, `true`. */
const MOVED_BYTES_MIN = 6;

const OTHER = { left: 'right', right: 'left' } as const;

/** What can be said of a difference that must not be. */
export function adviceOf(finding: Finding, pair: Pair, moved: Moved): Advice {
  switch (finding.kind) {
    case 'variable':
      return variableAdvice(finding, pair, moved);
    case 'argument':
      return ARGUMENT;
    case 'file':
      return fileAdvice(finding, pair);
    case 'mount':
      return mountAdvice(finding);
    case 'process':
      return PROCESS[finding.name] ?? UNKNOWN;
    case 'signal':
      return SIGNAL;
    case 'descriptor':
      return DESCRIPTOR;
    case 'limit':
    case 'surroundings':
      return UNKNOWN;
  }
}

const UNKNOWN: Advice = { reason: 'the platform gives it', remedy: '' };
const ARGUMENT: Advice = {
  reason: "the pod's command and args, or ENTRYPOINT and CMD of the image, are not the same",
  remedy:
    'give `run` the same manifest, --image-entrypoint and --image-cmd, or the same words behind --',
};
const SIGNAL: Advice = {
  reason:
    'whoever started the program left its signals so: a shell, nohup, or a runtime in between',
  remedy:
    'start it by the launcher `bellhop`, as the entrypoint itself, without a script around it',
};
const DESCRIPTOR: Advice = {
  reason: 'whoever started the program left it open, closed, or in another mode',
  remedy:
    'start it by the launcher `bellhop`, as the entrypoint itself, without a script around it',
};

const PROCESS: Readonly<Record<string, Advice>> = {
  directory: {
    reason: "the pod's workingDir, or WORKDIR of the image, is not the same",
    remedy: 'set `workingDir` in the pod, or give --image-workdir',
  },
  user: {
    reason: "the pod's runAsUser, or USER of the image, is not the same",
    remedy:
      'set securityContext.runAsUser, and start the container as root so that `run` can become it',
  },
  group: {
    reason: "the pod's runAsGroup, or the group of the image's user, is not the same",
    remedy:
      'set securityContext.runAsGroup, and start the container as root so that `run` can become it',
  },
  groups: {
    reason: "supplementalGroups, fsGroup, or the groups of the image's user are not the same",
    remedy: 'set them in the pod, and start the container as root so that `run` can become them',
  },
  umask: {
    reason: 'whoever started the program set it: no manifest can',
    remedy: 'look for `umask` in scripts around the program',
  },
  no_new_privs: {
    reason: 'allowPrivilegeEscalation is not the same, or the platform forbids new privileges',
    remedy: 'set securityContext.allowPrivilegeEscalation: false, and both sides forbid them',
  },
};

function sideWith({ left }: Finding): 'left' | 'right' {
  return left === undefined ? 'right' : 'left';
}

function variableAdvice(finding: Finding, pair: Pair, moved: Moved): Advice {
  const { name, aspect } = finding;
  const from = declaredVariable(pair, name);
  const source = from === undefined ? undefined : from.by.map(sourceText).join('; ');
  if (aspect === 'count') {
    return {
      reason:
        'an entry stands in the environment several times: whoever started the program put it there',
      remedy: 'look at what stands before the program: an entrypoint script, or the platform',
    };
  }
  if (aspect === 'value') return changedVariable(finding, pair, source);
  const side = sideWith(finding);
  const digest = finding.values?.[side]?.digest ?? '';
  const elsewhere = moved[OTHER[side]].get(digest);
  const also =
    elsewhere === undefined || elsewhere === name
      ? ''
      : `; the ${OTHER[side]} has the same value as ${elsewhere}`;
  return { ...onlyVariable(pair, { side, source, sure: from?.sure === true }, also) };
}

function sourceText({ rule, from }: { readonly rule: string; readonly from: string }): string {
  return from === 'literal' ? `${rule} (a literal)` : `${rule} (${from})`;
}

interface Origin {
  readonly side: 'left' | 'right';
  readonly source: string | undefined;
  readonly sure: boolean;
}

function onlyVariable({ declared }: Pair, { side, source, sure }: Origin, also: string): Advice {
  const only = `only on the ${side}`;
  if (source !== undefined) {
    const said = sure
      ? `the plan has it from ${source}`
      : `it may be a key of what the plan has from ${source}`;
    return {
      reason: `${only}: ${said}${also}`,
      remedy: `see that the ${OTHER[side]} was started by \`bellhop run\` with this plan; \`bellhop check\` tells whether its store has it`,
    };
  }
  if (declared !== undefined) {
    return {
      reason: `${only}: no rule of the plan gives it, so the image's ENV or the platform does${also}`,
      remedy: "set it in the pod's `env`, or take it out of the image or the platform's request",
    };
  }
  return {
    reason: `${only}: the pod, the image or the platform gives it${also}`,
    remedy: 'take one snapshot with -f or --plan: the difference then names the rule that gives it',
  };
}

function changedVariable(
  { values }: Finding,
  { declared }: Pair,
  source: string | undefined,
): Advice {
  const newline = newlineText(values);
  if (source !== undefined) {
    return {
      reason: `the two sides have other values of ${source}${newline}`,
      remedy: '`bellhop explain --fetch` tells which version each store gives',
    };
  }
  const where =
    declared === undefined
      ? "the pod, the image's ENV or the platform"
      : "the image's ENV or the platform";
  return {
    reason: `${where} gives another value${newline}`,
    remedy: 'take both with --show where you may see the values, and compare those',
  };
}

function newlineText(values: Finding['values']): string {
  const apart = Math.abs((values?.left?.bytes ?? 0) - (values?.right?.bytes ?? 0));
  return apart === 1 ? ', one of them a byte longer: often a newline at its end' : '';
}

function fileAdvice(finding: Finding, pair: Pair): Advice {
  const { name, aspect } = finding;
  const by = declaredFile(pair, name)?.by.map(sourceText).join('; ');
  const source = by === undefined ? '' : `; the plan has it from ${by}`;
  const newline = newlineText(finding.values);
  const own: Partial<Record<Aspect, Advice>> = {
    presence: presentFile(finding, source),
    content: {
      reason: `other bytes${newline}${source}`,
      remedy: '`bellhop explain --fetch` tells which version each store gives',
    },
    mode: {
      reason: `another mode${source}: defaultMode, the item's mode, or fsGroup (which adds 0440)`,
      remedy: 'write modes in octal with a leading 0 (0400); decimal numbers are read as such',
    },
    owner: {
      reason: `another owner${source}: fsGroup, or another user wrote it`,
      remedy: 'give the pod an fsGroup; volumes belong to root without',
    },
  };
  const other = { reason: `it is another thing${source}`, remedy: REMAKE };
  const isVolume = pair.declared?.mounts.some((one) => one.path === name && !one.isPart) === true;
  if (isVolume && aspect === 'mode') return VOLUME_MODE;
  const isOnDisk = aspect === 'through' && !isInMemory(pair, name);
  return own[aspect] ?? FILE[isOnDisk ? 'medium' : aspect] ?? other;
}

const VOLUME_MODE: Advice = {
  reason: "a volume's own folder is 1777 in memory and 0777 on a disk; another folder stands there",
  remedy: 'see that both sides were delivered, and that the emptyDir has the same medium',
};

const REMAKE =
  'see that both sides were delivered afresh, by one plan, and that the image has nothing there';

const FILE: Readonly<Partial<Record<Aspect, Advice>>> = {
  target: {
    reason: 'the link leads elsewhere: another version of the volume, or somebody replaced it',
    remedy: REMAKE,
  },
  through: {
    reason: 'one side reaches it by a link that the other has not',
    remedy: 'take both snapshots with the same --plan: the links that `run` makes are then known',
  },
  unread: {
    reason: 'one side may not read it, or did not read it for its size',
    remedy: 'take the snapshots as the user of the program; raise --limit fileBytesMax',
  },
  normalised: {
    reason: 'one side has the token of a cluster, and the other another file',
    remedy: 'declare where the token comes from on the platform',
  },
  medium: {
    reason: 'one side lies on a disk: bytes of Secrets must stay in memory',
    remedy: 'give the container a tmpfs at /dev/shm, and take out `policy: { disk: allow }`',
  },
};

function presentFile(finding: Finding, source: string): Advice {
  const side = sideWith(finding);
  if (source !== '') {
    return {
      reason: `only on the ${side}${source}`,
      remedy: `see that the ${OTHER[side]} was started by \`bellhop run\` with this plan`,
    };
  }
  return {
    reason: `only on the ${side}: the image has it, or somebody wrote it there`,
    remedy:
      'compare the images, or take the snapshots with -f or --plan to learn which volume it is of',
  };
}

function mountAdvice({ aspect, left }: Finding): Advice {
  const side = left === undefined ? 'right' : 'left';
  if (aspect === 'presence') {
    return {
      reason: `only on the ${side}: the other side has nothing there, or it was not looked at`,
      remedy: 'take both snapshots with the same --plan or --path',
    };
  }
  if (aspect === 'readOnly') {
    return {
      reason:
        'readOnly of the volumeMount is not the same; Secrets and ConfigMaps always are read-only',
      remedy: 'see that both sides were started with the same pod',
    };
  }
  return {
    reason: 'the volume lies in memory on one side, and on a disk on the other',
    remedy: 'see that the emptyDir has the same medium on both sides',
  };
}
