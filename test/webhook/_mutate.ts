// How pods are decided about in fuzzing and benchmarks: the real thing, with K8s alone.
import k8s from '../../src/injectors/k8s.ts';
import type { InjectorContext } from '../../src/injectors/_injector.ts';
import type { Mutate } from '../../src/webhook/decision.ts';
import { openMutate } from '../../src/webhook/mutate.ts';

/** Flyte's defaults, as far as K8s looks at them. */
export function mutateByK8s(): Mutate {
  const digest = { md5: hexBy('md5'), sha256: hexBy('sha256') };
  const context = { envPrefix: '_UNION_', isOptional: true, digest };
  return openMutate({
    managers: [{ type: 'K8s', inject: k8s.open(context as unknown as InjectorContext) }],
    envOrder: 'first',
    allow: [],
    statusAnnotation: false,
    undecodable: 'failed to unmarshal secrets from pod annotations: ',
  });
}

function hexBy(name: 'md5' | 'sha256'): (text: string) => string {
  return (text) => new Bun.CryptoHasher(name).update(text).digest('hex');
}
