// `pull.variables: secret`: the variables of one pod are fetched together.
import { describe, expect, test } from 'bun:test';
import type { ReadPulled } from '../../src/webhook/pulled-values.ts';
import { ENV_VAR } from '../../src/wire/flyte-secret.ts';
import type { Wish } from './_value-pods.ts';
import { CANARY, USER, decide, secretsIn } from './_value-pods.ts';
import type { Json } from './_vectors.ts';

const PW = { group: '', key: 'pw', mountRequirement: ENV_VAR };

/** What the Secret holds, and what was asked for. */
async function kept({ settings = {}, ...wish }: Wish) {
  const asked: string[] = [];
  const readPulled: ReadPulled = async (pull, signal) => {
    asked.push(pull.path);
    await wish.readPulled?.(pull, signal);
    return Buffer.from(`${CANARY} ${pull.path}`);
  };
  const pull = { image: 'b:1', variables: 'secret' };
  const own = { secretManagerTypes: ['AWS'], pull, ...settings };
  const made = await decide({ ...wish, settings: own, readPulled });
  const [secret] = secretsIn(made.cluster);
  const values = Object.values((secret?.['data'] ?? {}) as Readonly<Record<string, string>>);
  return { pod: made.pod, asked, values: values.map((text) => atob(text)) };
}

describe('variables of one pod', () => {
  const many = (count: number): Wish['secrets'] => {
    return Array.from({ length: count }, (_, n) => ({ ...PW, group: `g${n}` }));
  };

  test('are fetched together: none waits for another', async () => {
    let all: () => void = () => undefined;
    const together = new Promise<void>((resolve) => {
      all = resolve;
    });
    let count = 0;
    const readPulled: ReadPulled = async () => {
      if (++count === 8) all();
      await together;
      return new Uint8Array();
    };
    const { values, asked } = await kept({ secrets: many(8), readPulled });
    expect(values).toEqual(many(8).map(({ group }) => `${CANARY} ${group}:pw`));
    expect(asked).toHaveLength(8);
  });

  test('are in the order of their annotations, each once, under all their names', async () => {
    const secrets = [...many(40), { ...PW, group: 'g3', envVar: 'AGAIN' }, ...many(2)];
    const { pod, values } = await kept({ secrets });
    expect(values).toEqual(many(40).map(({ group }) => `${CANARY} ${group}:pw`));
    const { containers } = pod['spec'] as { containers: readonly { env: readonly Json[] }[] };
    const env = containers[0]?.env ?? [];
    expect(env.filter(({ valueFrom }) => valueFrom !== undefined)).toHaveLength(41);
  });

  test.each([
    ['somebody else may deliver', { secretManagerTypes: ['AWS', 'Embedded'] }, []],
    ['no rule lets him have', { allow: [{ name: 'r', users: [USER], groups: ['g1'] }] }, ['g1:pw']],
  ])('are not fetched where %s them', async (_, more, wanted) => {
    const { asked } = await kept({ secrets: many(3), settings: more });
    expect(asked).toEqual(wanted);
  });
});
