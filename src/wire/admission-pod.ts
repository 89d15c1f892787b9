// Whether a pod's members have the types that Kubernetes gives them, as far as a webhook reads
// them. The API server sends nothing else; others may.
import { isRecord, kindOf } from './read.ts';

/** What a member must be. `null` counts as absent for members, as Go reads it; nowhere else. */
type Shape =
  | 'text'
  | 'flag'
  | { readonly each: Shape }
  | { readonly texts: true }
  | { readonly members: Readonly<Record<string, Shape>> };

const named = { members: { name: 'text' } } as const;
const keyToPath = { members: { key: 'text', path: 'text' } } as const;
const secretOfVolume = { members: { secretName: 'text', items: { each: keyToPath } } } as const;
const variable = {
  members: { name: 'text', value: 'text', valueFrom: { members: { secretKeyRef: named } } },
} as const;
const mount = { members: { name: 'text', mountPath: 'text', readOnly: 'flag' } } as const;
const container = {
  members: {
    name: 'text',
    image: 'text',
    command: { each: 'text' },
    args: { each: 'text' },
    env: { each: variable },
    volumeMounts: { each: mount },
  },
} as const;

const POD: Shape = {
  members: {
    metadata: {
      members: {
        name: 'text',
        generateName: 'text',
        namespace: 'text',
        labels: { texts: true },
        annotations: { texts: true },
      },
    },
    spec: {
      members: {
        containers: { each: container },
        initContainers: { each: container },
        volumes: { each: { members: { name: 'text', secret: secretOfVolume } } },
        imagePullSecrets: { each: named },
        serviceAccountName: 'text',
      },
    },
  },
};

/**
 * The first member of the wrong type, as a sentence without its value; undefined where all fit.
 * Members that are not named here may be anything: a newer Kubernetes may know them.
 */
export function podProblem(pod: unknown): string | undefined {
  return problemOf(pod, POD, 'pod');
}

function problemOf(value: unknown, shape: Shape, where: string): string | undefined {
  if (shape === 'text') return typeof value === 'string' ? undefined : says(where, 'text', value);
  if (shape === 'flag')
    return typeof value === 'boolean' ? undefined : says(where, 'true or false', value);
  if ('each' in shape) return eachProblem(value, shape.each, where);
  if (!isRecord(value)) return says(where, 'an object', value);
  if ('texts' in shape) return textsProblem(value, where);
  for (const name in shape.members) {
    const inner = shape.members[name];
    const member = Object.hasOwn(value, name) ? value[name] : undefined;
    if (inner === undefined || member === undefined || member === null) continue;
    const problem = problemOf(member, inner, `${where}.${name}`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function eachProblem(value: unknown, inner: Shape, where: string): string | undefined {
  if (!Array.isArray(value)) return says(where, 'a list', value);
  const elements: readonly unknown[] = value;
  for (const [index, one] of elements.entries()) {
    const problem = problemOf(one, inner, `${where}[${index}]`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Names of members are the author's words, and may be long: they are not repeated. */
function textsProblem(value: Readonly<Record<string, unknown>>, where: string): string | undefined {
  for (const one of Object.values(value)) {
    if (typeof one !== 'string') return says(`a member of ${where}`, 'text', one);
  }
  return undefined;
}

function says(where: string, wanted: string, value: unknown): string {
  return `${where} must be ${wanted}, is ${kindOf(value)}`;
}
