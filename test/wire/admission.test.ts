import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { ReadReview } from '../../src/wire/admission.ts';
import { REVIEW_BYTES_MAX, answerText, readReview } from '../../src/wire/admission.ts';
import { podProblem } from '../../src/wire/admission-pod.ts';
import { bodyWith } from '../webhook/_reviews.ts';

const JSON_TYPE = 'application/json';
const UID = '705ab4f5-6393-11e8-b7cc-42010a800002';
const GO = "couldn't get version/kind; json parse error:";

function read(body: string | Uint8Array, contentType: string | undefined = JSON_TYPE): ReadReview {
  return readReview(typeof body === 'string' ? Buffer.from(body) : body, contentType);
}

/** `uid code message` of a refusal, else `pod`. */
function told(body: string | Uint8Array, contentType?: string): string {
  const answer = read(body, contentType);
  if (answer.kind === 'pod') return 'pod';
  const { echo, code, message } = answer.refusal;
  return `${echo.uid} ${code} ${message}`.trimStart();
}

type Members = Record<string, unknown>;
const review = (change: (request: Members) => void): string =>
  bodyWith((body) => change(body['request'] as Members));
const pod = (change: (one: Members) => void): string =>
  review((request) => change(request['object'] as Members));

describe('a body that is no review is refused as Flyte refuses it', () => {
  test.each([
    ['', '400 request body is empty'],
    ['xx', `400 ${GO} the body is no JSON`],
    ['{"a":1}xx', `400 ${GO} the body is no JSON`],
    ['[]', `400 ${GO} must be an object, is a list`],
    ['null', `400 ${GO} must be an object, is null`],
    ['"x"', `400 ${GO} must be an object, is a string`],
    ['{}', '400 there is no content to decode'],
    ['{"request":null}', '400 there is no content to decode'],
    ['{"request":[]}', '400 request must be an object, is a list'],
    ['{"request":{"uid":"u"}}', 'u 400 there is no content to decode'],
    ['{"request":{"uid":"u","object":null}}', 'u 400 there is no content to decode'],
    [
      '{"request":{"uid":"u","object":[]}}',
      `u 400 ${GO} request.object must be an object, is a list`,
    ],
    ['{"kind":5,"request":{"uid":"u"}}', `u 400 ${GO} kind must be text, is a number`],
    ['{"request":{"uid":5,"object":{}}}', '400 request.uid must be text, is a number'],
  ])('%s: %s', (body, wanted) => expect(told(body)).toBe(wanted));

  test('one of the largest size that is refused, and one byte less is read', () => {
    const body = Buffer.alloc(REVIEW_BYTES_MAX, ' ');
    const limit = 'request entity is too large; limit is 7340032 bytes';
    expect(told(body)).toBe(`413 ${limit}`);
    expect(told(body.subarray(1))).toBe(`400 ${GO} the body is no JSON`);
  });

  test.each([
    ['application/yaml', '400 contentType=application/yaml, expected application/json'],
    ['application/jsonx', '400 contentType=application/jsonx, expected application/json'],
    ['', '400 contentType=, expected application/json'],
    ['application/json; charset=utf-8', 'pod'],
    ['Application/JSON ;charset=utf-8', 'pod'],
  ])('content type %p: %s', (type, wanted) =>
    expect(
      told(
        bodyWith(() => {}),
        type,
      ),
    ).toBe(wanted),
  );
  test('content type absent: pod', () => {
    expect(readReview(Buffer.from(bodyWith(() => {})), undefined).kind).toBe('pod');
  });
});

describe('members of the wrong type are refused with the uid, and without their value', () => {
  const meta = (name: string, value: unknown): string =>
    pod((one) => Object.assign(one['metadata'] as Members, { [name]: value }));
  const spec = (name: string, value: unknown): string =>
    pod((one) => Object.assign(one['spec'] as Members, { [name]: value }));
  const CASES: readonly (readonly [string, string])[] = [
    [review((r) => (r['namespace'] = 5)), 'request.namespace must be text, is a number'],
    [review((r) => (r['dryRun'] = 'yes')), 'request.dryRun must be true or false, is a string'],
    [review((r) => (r['userInfo'] = [])), 'request.userInfo must be an object, is a list'],
    [
      review((r) => (r['userInfo'] = { username: {} })),
      'request.userInfo.username must be text, is an object',
    ],
    [
      review((r) => (r['userInfo'] = { groups: ['a', 1] })),
      'request.userInfo.groups must be a list of texts',
    ],
    [
      pod((p) => Object.assign(p, { kind: 'Deployment', apiVersion: 'apps/v1' })),
      'unable to decode apps/v1, Kind=Deployment into a v1 Pod',
    ],
    [pod((p) => (p['kind'] = 'Service')), 'unable to decode v1, Kind=Service into a v1 Pod'],
    [pod((p) => (p['kind'] = {})), 'pod.kind must be text, is an object'],
    [pod((p) => (p['metadata'] = [])), 'pod.metadata must be an object, is a list'],
    [meta('annotations', ['x']), 'pod.metadata.annotations must be an object, is a list'],
    [
      meta('annotations', { a: 5 }),
      'a member of pod.metadata.annotations must be text, is a number',
    ],
    [
      meta('annotations', { a: null }),
      'a member of pod.metadata.annotations must be text, is null',
    ],
    [meta('name', 5), 'pod.metadata.name must be text, is a number'],
    [spec('containers', {}), 'pod.spec.containers must be a list, is an object'],
    [spec('containers', [null]), 'pod.spec.containers[0] must be an object, is null'],
    [
      spec('initContainers', [{ env: [{}, { name: 1 }] }]),
      'pod.spec.initContainers[0].env[1].name must be text, is a number',
    ],
    [
      spec('volumes', [{ secret: { items: 'x' } }]),
      'pod.spec.volumes[0].secret.items must be a list, is a string',
    ],
  ];
  test.each([...CASES].map(([body, says]) => [says, body] as const))('%s', (says, body) => {
    expect(told(body)).toBe(`${UID} 400 ${says}`);
  });

  test('null is absent for members, as Go reads it', () => {
    expect(told(meta('annotations', null))).toBe('pod');
    expect(told(spec('containers', null))).toBe('pod');
    expect(told(pod((p) => (p['spec'] = null)))).toBe('pod');
    expect(told(review((r) => (r['userInfo'] = null)))).toBe('pod');
  });

  test('members that nobody knows may be anything', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(podProblem({ spec: { new: value, containers: [{ new: value }] } })).toBeUndefined();
      }),
    );
  });
});

describe('what is read of a review', () => {
  test('names, dryRun and who asks', () => {
    const answer = read(review((r) => Object.assign(r, { dryRun: true })));
    expect(answer).toMatchObject({
      kind: 'pod',
      review: {
        echo: { uid: UID, type: { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1' } },
        namespace: 'proj-dev',
        dryRun: true,
        user: { groups: ['system:authenticated'] },
      },
    });
  });
  test("the namespace is the pod's own where the request has none", () => {
    const answer = read('{"request":{"uid":"u","object":{"metadata":{"namespace":"own"}}}}');
    expect(answer).toMatchObject({ review: { namespace: 'own', user: { name: '', groups: [] } } });
  });
  test('members of Object.prototype are no members', () => {
    expect(told('{"__proto__":{"request":{"uid":"u","object":{}}}}')).toBe(
      '400 there is no content to decode',
    );
  });
});

describe('bytes are read as Go reads them', () => {
  const withUid = (uid: string): string => `{"request":{"uid":${uid},"object":{}}}`;
  const uidOf = (body: string | Uint8Array): string => {
    const answer = read(body);
    return answer.kind === 'pod' ? answer.review.echo.uid : answer.refusal.echo.uid;
  };
  test('a byte order mark is no JSON', () => {
    expect(told(`\ufeff${withUid('"u"')}`)).toBe(`400 ${GO} the body is no JSON`);
  });
  test('UTF-16 is no JSON', () => {
    expect(told(Buffer.from(withUid('"u"'), 'utf16le'))).toBe(`400 ${GO} the body is no JSON`);
  });
  test('a byte that is no UTF-8 becomes U+FFFD', () => {
    expect(uidOf(Buffer.from(withUid('"a\xffb"'), 'latin1'))).toBe('a\ufffdb');
  });
  test('half of a surrogate pair becomes U+FFFD', () => {
    expect(uidOf(withUid('"a\\ud800b"'))).toBe('a\ufffdb');
  });
  test('of two members with one name the last counts', () => {
    expect(uidOf('{"request":{"uid":"a","uid":"b","object":{}}}')).toBe('b');
  });
  test('nesting of any depth has an answer', () => {
    for (const depth of [10_000, 1_000_000]) {
      const deep = '['.repeat(depth) + ']'.repeat(depth);
      const answer = told(`{"request":{"uid":"u","object":{"x":${deep}}}}`);
      expect(['pod', `400 ${GO} the body is no JSON`]).toContain(answer);
    }
  });
});

describe("an answer is Flyte's, member by member", () => {
  const type = { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1' };
  test('patched, with warnings', () => {
    const patch = [{ op: 'add', path: '/a', value: 'é' }] as const;
    const text = answerText({ uid: 'u', type }, { allowed: true, patch, warnings: ['w'] });
    expect(text).toBe(
      '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u",' +
        '"allowed":true,"status":{"metadata":{},"code":200},"patch":' +
        `"${Buffer.from('[{"op":"add","path":"/a","value":"é"}]').toString('base64')}",` +
        '"patchType":"JSONPatch","warnings":["w"]}}\n',
    );
  });
  test('a patch without operations is none', () => {
    expect(answerText({ uid: 'u', type }, { allowed: true, patch: [] })).not.toContain('patch');
  });
  test('early errors have no kind', () => {
    const answer = { allowed: false, code: 400, message: 'request body is empty' } as const;
    expect(answerText({ uid: '' }, answer)).toBe(
      '{"response":{"uid":"","allowed":false,"status":{"metadata":{},' +
        '"message":"request body is empty","code":400}}}\n',
    );
  });
});
