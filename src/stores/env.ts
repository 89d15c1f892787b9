import { Sealed } from '../core/sealed.ts';
import type { Answer, StoreKind } from './_store.ts';

/** Variables that bellhop was started with: `env:NAME`; the last of several entries counts. */
const env: StoreKind = {
  kind: 'env',
  summary: 'Variables that bellhop itself was started with, byte for byte',
  hasVersions: false,
  options: {},
  open(_, { io }) {
    const byName = new Map<string, Uint8Array>();
    for (const entry of io.arrival.env) {
      const equals = entry.indexOf(0x3d);
      if (equals > 0)
        byName.set(Buffer.from(entry.subarray(0, equals)).toString(), entry.subarray(equals + 1));
    }
    return {
      async fetch(wanted) {
        return wanted.map(({ path }): Answer => {
          const value = byName.get(path);
          if (value === undefined) return { kind: 'absent', what: 'there is no such variable' };
          return { kind: 'value', value: new Sealed(value) };
        });
      },
    };
  },
};

export default env;
