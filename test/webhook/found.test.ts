// What fuzzing found, in words.
import { expect, test } from 'bun:test';
import { encodeSecret } from '../../src/wire/flyte-secret.ts';
import { judgeAgain } from './_fuzzing-again.ts';
import { judged } from './_fuzzing.ts';
import type { Way } from './_fuzzing-managers.ts';
import type { AnswerJson } from './_reviews.ts';

const FILE = { groupVersion: '', mountRequirement: 2, envVar: '' };

/** The answer to a pod that asks for these files by group and key. */
async function answered(way: Way, spec: object, ...asked: readonly (readonly [string, string])[]) {
  const secrets = asked.map(([group, key], n) => {
    return [`flyte.secrets/s${n}`, encodeSecret({ ...FILE, group, key })] as const;
  });
  const object = { metadata: { annotations: Object.fromEntries(secrets) }, ...spec };
  const request = { uid: 'u', namespace: 'n', object };
  const body = Buffer.from(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', request }));
  const { text, outcome } = await judged(body, way);
  const { response } = JSON.parse(text) as AnswerJson;
  return { body, text, outcome, message: response.status.message ?? '' };
}

const containers = [{ name: 'c', image: 'i' }];

test('a pod whose own volume has the name of ours is handled twice as once', async () => {
  const volumes = [{ name: 'm4pq', emptyDir: {} }];
  const { body, text, outcome } = await answered('k8s', { spec: { containers, volumes } }, [
    'g',
    'k',
  ]);
  expect(outcome).toBe('patched');
  expect(text).not.toContain('m4pq"');
  await judgeAgain(body, text, 'k8s');
});

test('a file that would be the folder of another is denied, and both are named', async () => {
  const { outcome, message } = await answered(
    'native',
    { spec: { containers } },
    ['A', 'k'],
    ['a', ''],
  );
  expect(outcome).toBe('denied');
  expect(message).toContain(
    'is the same file, or its folder: /etc/flyte/secrets/a/k and /etc/flyte/secrets/a;',
  );
});

test('the answer to a pod without a spec fits it', async () => {
  const { body, text, outcome } = await answered('k8s', {}, ['g', 'k']);
  expect(outcome).toBe('patched');
  await judgeAgain(body, text, 'k8s');
});
