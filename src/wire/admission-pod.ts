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

/** What is wrong, and where inside of the value that was looked at: `.env[2].name`. */
interface Problem {
  readonly where: string;
  readonly wanted: string;
  readonly found: unknown;
}

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
  const problem = checkPod(pod);
  if (problem === undefined) return undefined;
  const { where, wanted, found } = problem;
  const isMember = where.endsWith('.*');
  const place = `${isMember ? 'a member of ' : ''}pod${isMember ? where.slice(0, -2) : where}`;
  return `${place} must be ${wanted}, is ${kindOf(found)}`;
}

type Check = (value: unknown) => Problem | undefined;

/** One function for each shape, made once: every review of every pod goes through them. */
function checkOf(shape: Shape): Check {
  if (shape === 'text')
    return (value) => (typeof value === 'string' ? undefined : no('text', value));
  if (shape === 'flag') {
    return (value) => (typeof value === 'boolean' ? undefined : no('true or false', value));
  }
  if ('each' in shape) return checkEach(checkOf(shape.each));
  return 'texts' in shape ? checkTexts : checkMembers(shape.members);
}

function checkMembers(shapes: Readonly<Record<string, Shape>>): Check {
  const checks = Object.entries(shapes).map(([name, shape]) => [name, checkOf(shape)] as const);
  return (value) => {
    if (!isRecord(value)) return no('an object', value);
    for (const [name, check] of checks) {
      const member = value[name];
      if (member === undefined || member === null || !Object.hasOwn(value, name)) continue;
      const problem = check(member);
      if (problem !== undefined) return { ...problem, where: `.${name}${problem.where}` };
    }
    return undefined;
  };
}

function checkEach(check: Check): Check {
  return (value) => {
    if (!Array.isArray(value)) return no('a list', value);
    const elements: readonly unknown[] = value;
    for (let index = 0; index < elements.length; index++) {
      const problem = check(elements[index]);
      if (problem !== undefined) return { ...problem, where: `[${index}]${problem.where}` };
    }
    return undefined;
  };
}

/** Names of members are the author's words, and may be long: they are not repeated. */
function checkTexts(value: unknown): Problem | undefined {
  if (!isRecord(value)) return no('an object', value);
  for (const name in value) {
    if (typeof value[name] !== 'string') return { ...no('text', value[name]), where: '.*' };
  }
  return undefined;
}

function no(wanted: string, found: unknown): Problem {
  return { where: '', wanted, found };
}

const checkPod = checkOf(POD);
