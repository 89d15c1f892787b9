import { Sealed } from '../core/sealed.ts';
import { isUtf8 } from '../wire/go-text.ts';
import type { Answer, StoreKind } from './_store.ts';

const EQUALS = 0x3d;

/** Variables that bellhop was started with; the last of several entries counts. */
const env: StoreKind = {
  kind: 'env',
  summary: 'Variables that bellhop itself was started with, byte for byte',
  path: 'the name of a variable; `APP_*` is a map of all that begin with `APP_`, without it',
  perCall: { paths: 1, inFlight: 1 },
  options: {},
  auth: {},
  variables: {},
  places: [],
  open(_, { io }) {
    const byName = variablesIn(io.arrival.env);
    return {
      fetch: async (wanted) => wanted.map(({ path }) => answerOf(byName, path)),
    };
  },
};

export default env;

type Variables = ReadonlyMap<string, Uint8Array>;

/** Names that are not UTF-8 cannot be asked for, and must not stand for others. */
function variablesIn(entries: readonly Uint8Array[]): Variables {
  const byName = new Map<string, Uint8Array>();
  for (const entry of entries) {
    const equals = entry.indexOf(EQUALS);
    const name = entry.subarray(0, Math.max(equals, 0));
    if (equals > 0 && isUtf8(name)) {
      byName.set(
        new TextDecoder('utf-8', { ignoreBOM: true }).decode(name),
        entry.subarray(equals + 1),
      );
    }
  }
  return byName;
}

function answerOf(byName: Variables, path: string): Answer {
  const value = byName.get(path);
  if (value !== undefined) return { kind: 'value', value: new Sealed(value) };
  if (!path.endsWith('*')) return { kind: 'absent', what: 'there is no such variable' };
  const prefix = path.slice(0, -1);
  const entries = [...byName].filter(([name]) => name.startsWith(prefix) && name !== prefix);
  if (entries.length === 0) return { kind: 'absent', what: 'no variable begins like this' };
  const members = entries.map(([name, bytes]): [string, Sealed] => {
    return [name.slice(prefix.length), new Sealed(bytes)];
  });
  return { kind: 'map', entries: new Map(members) };
}
