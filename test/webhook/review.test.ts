import { describe, expect, test } from 'bun:test';
import { BellhopError } from '../../src/core/errors.ts';
import fc from 'fast-check';
import { deadlineBy } from '../../src/webhook/deadline.ts';
import type { Mutate } from '../../src/webhook/decision.ts';
import type { ReviewInput, Reviewed } from '../../src/webhook/review.ts';
import { faultOf, review } from '../../src/webhook/review.ts';
import { SEEDS, byBytes, byMembers, judge, numbersFrom } from './_fuzzing.ts';
import type { AnswerJson } from './_reviews.ts';
import { PATCHED, VECTORS, bodyText, bodyWith, deciding } from './_reviews.ts';
import { decisionOf, vector, withoutPatch } from './_reviews.ts';

const NEVER = new AbortController().signal;
const CANARY = 'canary-7f3a91';

async function ask(
  body: string,
  mutate: Mutate,
  more: Partial<ReviewInput> = {},
): Promise<Reviewed> {
  const input = {
    body: Buffer.from(body),
    contentType: 'application/json',
    deadline: deadlineBy(NEVER),
  };
  return await review({ ...input, ...more }, mutate);
}

const json = (reviewed: Reviewed): AnswerJson => JSON.parse(reviewed.text) as AnswerJson;

describe('every recorded request has its recorded answer', () => {
  const admissions = VECTORS.filter(({ expected }) => expected.json !== undefined);
  test.each(admissions.map((one) => [one.id, one] as const))('%s', async (_id, one) => {
    const contentType = one.request.headers['Content-Type'];
    // For these two the README accepts the answer to the plain request.
    const judge = /charset|-none$/.test(one.id) ? vector('http/ok-v1') : one;
    const mutate = deciding(decisionOf(judge));
    const answer = json(await ask(bodyText(one) ?? '', mutate, { contentType }));
    const wanted = judge.expected.json;
    if (wanted === undefined) throw new Error('no answer is recorded');
    if (one.messageMatch !== 'free') {
      expect(withoutPatch(answer)).toEqual(withoutPatch(wanted));
      return;
    }
    const { uid, allowed, status } = answer.response;
    const { status: wantedStatus, ...rest } = wanted.response;
    expect({ uid, allowed }).toEqual(rest as typeof rest & object);
    expect(status.code).toBe(wantedStatus.code);
    expect(status.message).not.toBe('');
    expect(answer.kind).toBe(wanted.kind as string);
    expect(answer.apiVersion).toBe(wanted.apiVersion as string);
  });
});

describe('whatever the decision becomes, there is an answer with the uid', () => {
  const UID = '705ab4f5-6393-11e8-b7cc-42010a800002';
  const body = bodyWith(() => undefined);

  test('a fault of our own is code 500, without what it says', async () => {
    const mutate: Mutate = () => Promise.reject(new Error(CANARY));
    const reviewed = await ask(body, mutate);
    expect(reviewed.outcome).toBe('failed');
    expect(json(reviewed).response).toMatchObject({ uid: UID, status: { code: 500 } });
    expect(JSON.stringify(reviewed)).not.toContain(CANARY);
    expect(reviewed.reason).toMatch(/^Error at review\.test\.ts:\d+:\d+ /);
  });
  test('one that is thrown before there is a promise is the same', async () => {
    const mutate: Mutate = () => {
      throw new TypeError(CANARY);
    };
    const reviewed = await ask(body, mutate);
    expect(json(reviewed).response).toMatchObject({ uid: UID, status: { code: 500 } });
    expect(JSON.stringify(reviewed)).not.toContain(CANARY);
  });
  test('no decision in time is code 504', async () => {
    const ending = new AbortController();
    const mutate: Mutate = () => {
      ending.abort();
      return new Promise(() => undefined);
    };
    const reviewed = await ask(body, mutate, { deadline: deadlineBy(ending.signal) });
    expect(reviewed.outcome).toBe('late');
    expect(json(reviewed).response).toMatchObject({ uid: UID, allowed: false });
    expect(json(reviewed).response.status.code).toBe(504);
    expect(reviewed.reason).toMatch(/would have given up; try again$/);
  });
  test('who is late says what was waited for at last', async () => {
    const ending = new AbortController();
    const mutate: Mutate = ({ onStep }) => {
      onStep?.('secret [key:"a"]');
      onStep?.('secret [key:"b"]');
      ending.abort();
      return new Promise(() => undefined);
    };
    const reviewed = await ask(body, mutate, { deadline: deadlineBy(ending.signal) });
    expect(reviewed.reason).toEndWith(': it waited for secret [key:"b"]; try again');
    expect(json(reviewed).response.status.message).toBe(reviewed.reason ?? '');
  });
  test('a body that was not kept is code 413', async () => {
    const reviewed = await ask('', deciding(PATCHED), { body: 'too large' });
    expect(json(reviewed)).toEqual(vector('http/too-large').expected.json as AnswerJson);
  });
  test('what a decision is told: the request as the API server sent it', async () => {
    const seen: unknown[] = [];
    const asking = bodyWith((one) => Object.assign(one['request'] as object, { dryRun: true }));
    await ask(asking, async ({ pod, signal, onStep, ...rest }) => {
      expect(onStep).toBeFunction();
      seen.push(rest, signal === NEVER, (pod['metadata'] as { name: string }).name);
      return await Promise.resolve({ kind: 'unchanged' });
    });
    const user = {
      name: 'system:serviceaccount:flyte:flytepropeller',
      groups: ['system:authenticated'],
    };
    expect(seen).toEqual([{ namespace: 'proj-dev', dryRun: true, user }, true, 'bench']);
  });
});

describe('what is said of a fault', () => {
  test('sentences of our own are said', () => {
    const error = new BellhopError('BH_ERR_STORE', { where: ['vault'], what: 'timed out' });
    expect(faultOf(error)).toBe('vault: timed out (BH_ERR_STORE)');
  });
  test('a message of the runtime is not', () => {
    const parse = (): string => {
      try {
        return JSON.parse(`{"a": ${CANARY}}`) as string;
      } catch (error) {
        return faultOf(error);
      }
    };
    expect(parse()).toMatch(/^SyntaxError/);
    expect(parse()).not.toContain('canary');
    expect(faultOf(CANARY)).toBe('a string was thrown');
  });
});

test('broken reviews have clean answers with their uid (by the million: test/webhook/fuzz.ts)', async () => {
  const [small = Buffer.alloc(0)] = SEEDS;
  const one = fc.record({ seed: fc.integer({ min: 1 }), from: fc.nat(SEEDS.length - 1) });
  await fc.assert(
    fc.asyncProperty(one, async ({ seed, from }) => {
      const next = numbersFrom(seed);
      await judge(byBytes(SEEDS[from] ?? small, next));
      await judge(byMembers(small, next));
    }),
    { numRuns: 1500 },
  );
});
