import { Sealed } from '../core/sealed.ts';
import type { Answer, StoreKind } from './_store.ts';

/** Variables that bellhop was started with: `env:NAME`; the last of several entries counts. */
const env: StoreKind = {
  kind: 'env',
  summary: 'Variables that bellhop itself was started with, byte for byte',
  hasVersions: false,
  options: {},
  open(_, { io }) {
    return {
      async fetch(wanted) {
        return wanted.map(({ path }): Answer => {
          const start = Buffer.from(`${path}=`);
          const entry = io.arrival.env.findLast((one) =>
            start.equals(one.subarray(0, start.length)),
          );
          if (entry === undefined) return { kind: 'absent', what: 'there is no such variable' };
          return { kind: 'value', value: new Sealed(entry.subarray(start.length)) };
        });
      },
    };
  },
};

export default env;
