// Which processors the nodes have that a pod may run on, as far as the pod says it.
import { isRecord } from '../wire/read.ts';
import type { Json } from './pod-state.ts';

/** Those that bellhop is built for, as Kubernetes and registries call them. */
const ARCHITECTURES = ['amd64', 'arm64'] as const;

const LABELS: ReadonlySet<unknown> = new Set(['kubernetes.io/arch', 'beta.kubernetes.io/arch']);

/** Of those above; what the pod excludes by nodeSelector or required affinity is left out. */
export function architecturesOf(pod: Json): readonly string[] {
  const spec = isRecord(pod['spec']) ? pod['spec'] : {};
  const selector = isRecord(spec['nodeSelector']) ? spec['nodeSelector'] : {};
  const wanted = Object.entries(selector).filter(([label]) => LABELS.has(label));
  const terms = termsOf(spec['affinity']);
  return ARCHITECTURES.filter((one) => {
    return wanted.every(([, value]) => value === one) && terms.some((term) => isIn(term, one));
  });
}

/** A node fits where one term does, and in it every expression; where there are none, any. */
function termsOf(affinity: unknown): readonly (readonly unknown[])[] {
  const inside = (value: unknown, name: string): unknown =>
    isRecord(value) ? value[name] : undefined;
  const required = 'requiredDuringSchedulingIgnoredDuringExecution';
  const node = inside(inside(affinity, 'nodeAffinity'), required);
  const terms = inside(node, 'nodeSelectorTerms');
  if (!Array.isArray(terms)) return [[]];
  return terms.map((term) => {
    const all = inside(term, 'matchExpressions');
    return Array.isArray(all) ? (all as readonly unknown[]) : [];
  });
}

function isIn(term: readonly unknown[], architecture: string): boolean {
  return term.every((expression) => {
    const { key, operator, values } = isRecord(expression) ? expression : {};
    if (!LABELS.has(key) || !Array.isArray(values)) return true;
    if (operator === 'In') return values.includes(architecture);
    return operator !== 'NotIn' || !values.includes(architecture);
  });
}
