// Which variables the platforms give of themselves, for comparisons.
import type { PlatformVariables } from '../parity/side.ts';
import { ALL_TARGETS } from '../targets/_all.gen.ts';

/** Knows those of every target. */
export async function platformVariables(): Promise<PlatformVariables> {
  const loaded = await Promise.all(Object.values(ALL_TARGETS).map(async (load) => load()));
  const targets = loaded.map(({ default: { gives = [] } }) => {
    return gives.map(({ pattern, isCommon = false }) => {
      return { isCommon, of: new RegExp(`^(?:${pattern})$`) };
    });
  });
  return (name, beside) => {
    return targets.some((gives) => {
      const given = gives.find(({ of }) => of.test(name));
      if (given === undefined || !given.isCommon) return given !== undefined;
      const own = gives.filter(({ isCommon }) => !isCommon);
      return [...beside].some((one) => own.some(({ of }) => of.test(one)));
    });
  };
}
