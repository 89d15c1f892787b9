// Flyte's own SDKs are the judges: what a task declares by them, it reads by them, under every
// profile, from the real stores or their emulators. In between is the webhook's own handler, and a
// node that does what the pod says.
import { afterAll, describe, expect, test } from 'bun:test';
import { readWebhookSettings } from '../../src/webhook/settings.ts';
import { decodeSecret, encodeSecret } from '../../src/wire/flyte-secret.ts';
import type { Got, Python, Sdk } from './_sdk.ts';
import { Held } from './_sdk-node.ts';
import type { ProfileName, Row, Wanted } from './_sdk-row.ts';
import { ROWS } from './_sdk-rows.ts';
import type { ManagerName } from './_sdk-stores.ts';
import type { Kept } from './_sdk-tasks.ts';
import {
  CANARY,
  MANAGERS,
  PROFILES,
  answered,
  kept,
  keepers,
  python,
  readBy,
  removeFiles,
} from './_sdk-tasks.ts';

const TEST_MS_MAX = 120_000;
afterAll(removeFiles);

/** As Python's `strip` has it for what the rows have around their values. */
function wantedOf(wanted: Wanted, value: Buffer): Got {
  if (wanted === 'whole') return { base64: value.toString('base64') };
  if (wanted !== 'stripped') return { error: wanted };
  const text = value.toString('latin1').replaceAll(/^[ \t\n]+|[ \t\n]+$/g, '');
  return { base64: Buffer.from(text, 'latin1').toString('base64') };
}

function rowsFor(profile: ProfileName, manager: ManagerName, ends: Row['ends'][ProfileName]) {
  return ROWS.filter((row) => row.manager === manager && row.ends[profile] === ends);
}
const named = (rows: readonly Row[]) => rows.map((row) => [row.claim, row] as const);
const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined;
  return async () => (made ??= make());
};

describe.skipIf(python === undefined)('what the SDKs declare', () => {
  test('is read as they made it, and written alike', () => {
    expect(kept.size).toBeGreaterThan(0);
    for (const { made } of kept.values()) {
      const { annotation, ...message } = made;
      expect(decodeSecret(annotation)).toEqual(message);
      expect(encodeSecret(message)).toBe(annotation);
    }
  });
});

/** One pod for all secrets of a manager that one SDK reads. */
function delivered(profile: ProfileName, manager: ManagerName, sdk: Sdk): void {
  const rows = rowsFor(profile, manager, 'delivered').filter((row) => row.sdk === sdk);
  const ran = once(async () => {
    const sdks = python as Python;
    const all = rows.map((row) => kept.get(row) as Kept);
    const answer = await answered(profile, all, sdks);
    expect([answer.allowed, answer.message]).toEqual([true, '']);
    expect(answer.said).not.toContain(CANARY);
    if (profile === 'native') expect(JSON.stringify(answer.pod)).not.toContain(CANARY);
    return readBy(profile, all, { pod: answer.pod, sdks });
  });
  test.each(named(rows))(
    'read: %s',
    async (_, row) => {
      const { value, place } = kept.get(row) as Kept;
      const got = (await ran())[rows.indexOf(row)];
      const wanted = row.reads(place, profile).map(([, one]) => wantedOf(one, value));
      expect(got).toEqual(wanted);
    },
    TEST_MS_MAX,
  );
}

describe.skipIf(python === undefined).each(PROFILES)('profile %s', (profile) => {
  describe.each(MANAGERS)('%s', (manager) => {
    const keeper = keepers.get(manager);
    if (typeof keeper === 'string') {
      test.skip(`its server is missing: ${keeper}`, () => undefined);
      return;
    }
    delivered(profile, manager, 'flytekit');
    delivered(profile, manager, 'flyte');

    test.each(named(rowsFor(profile, manager, 'denied')))('denied: %s', async (_, row) => {
      const answer = await answered(profile, [kept.get(row) as Kept], python as Python);
      expect(answer.allowed).toBe(false);
      expect(answer.message).toStartWith('none of the secret managers injected secret [');
      expect(answer.said).not.toContain(CANARY);
    });

    test.each(named(rowsFor(profile, manager, 'held')))('held: %s', async (_, row) => {
      const one = kept.get(row) as Kept;
      const { pod, allowed } = await answered(profile, [one], python as Python);
      expect(allowed).toBe(true);
      let thrown: unknown;
      try {
        await readBy(profile, [one], { pod, sdks: python as Python });
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(Held);
    });
  });
});

test('an empty prefix of variables is refused: flytekit would not find one (oddity 21)', () => {
  const { problems } = readWebhookSettings({ secretEnvVarPrefix: '' });
  expect(problems.map(({ path: at }) => at)).toEqual([['secretEnvVarPrefix']]);
});
