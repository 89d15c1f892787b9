// What a cloud's own Python SDK does with its storage: steps in, what each gave out; and what both
// sides write.
import path from 'node:path';
import { spawned } from '../support/spawned.ts';
import { PYTHON } from '../support/testbed.ts';

/** One step, in the words of the script. */
export type Step = Readonly<Record<string, unknown>>;

/** Runs the steps by the script of this folder, with the packages in `packages`. */
export async function sdkSteps(
  script: string,
  packages: string,
  given: { readonly steps: readonly Step[] } & Step,
): Promise<readonly unknown[]> {
  const words = [PYTHON, path.join(import.meta.dir, script), JSON.stringify(given)];
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', PYTHONPATH: packages };
  const { code, out, err } = await spawned(words, { cwd: import.meta.dir, env });
  if (code !== 0) throw new Error(err);
  return JSON.parse(out) as readonly unknown[];
}

/** Content that is not text. */
export const BYTES = Buffer.from(Array.from({ length: 70_000 }, (_, n) => (n * 7919) % 256));
export const BYTES_SHA256 = new Bun.CryptoHasher('sha256').update(BYTES).digest('hex');

/** How content is put that is named by itself. */
export const NAMED = { isNamedByContent: true, expireDays: 7 } as const;

/** Keys that need escapes in some place of a request. */
export const ODD_KEYS = [
  'plain',
  'a/b/c.json',
  'with blank + plus & and = equals',
  'ü/€/😀',
  'quotes\'"()!*~',
  'percent%20%2F',
  'colon:at@semi;comma,',
  'question?hash#',
] as const;
