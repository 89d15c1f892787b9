import { objectPath } from '../wire/objects.ts';
import type { Answer, StoreKind } from './_store.ts';

/** Secrets and ConfigMaps that stand in the input beside the pod: `secret/NAMESPACE/NAME`. */
const embedded: StoreKind = {
  kind: 'embedded',
  summary: 'Secret and ConfigMap documents of the input itself',
  path: '`secret/NAMESPACE/NAME` or `configmap/NAMESPACE/NAME`; bound by default',
  perCall: { paths: 1, inFlight: 1 },
  options: {},
  auth: {},
  variables: {},
  places: [],
  open(_, { objects, namespace }) {
    const byPath = new Map(objects.map((one) => [objectPath(one, namespace), one]));
    return {
      async fetch(wanted) {
        return wanted.map(({ path }): Answer => {
          const found = byPath.get(path);
          if (found !== undefined) return { kind: 'map', entries: found.entries };
          return { kind: 'absent', what: 'it is not in the input' };
        });
      },
    };
  },
};

export default embedded;
