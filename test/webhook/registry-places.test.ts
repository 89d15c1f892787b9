// Whom the webhook asks about images, and where it goes from there: the name of an image is the
// word of the pod's author, and an answer that of a registry.
import { describe, expect, test } from 'bun:test';
import { architecturesOf } from '../../src/webhook/pod-platforms.ts';
import {
  isAskable,
  mayLogIn,
  mayRead,
  originOf,
  patternProblem,
} from '../../src/webhook/registry-places.ts';
import { readWebhookSettings } from '../../src/webhook/settings.ts';
import { readImageName } from '../../src/wire/image-name.ts';

const name = (image: string) => readImageName(image) ?? expect.unreachable();

describe('an image is asked for', () => {
  test.each([
    ['docker.io/library/*', 'python:3', true],
    ['docker.io/library/*', 'team/app', false],
    ['docker.io/*', 'team/app', true],
    ['docker.io/team/app', 'team/app:1', true],
    ['docker.io/team/app', 'team/app-2', false],
    ['GHCR.io/team/*', 'ghcr.io/team/app', true],
    ['ghcr.io/team/*', 'ghcr.io/team-b/app', false],
    ['*.example.com/*', 'a.example.com/x', true],
    ['*.example.com/*', 'a.b.example.com/x', true],
    ['*.example.com/*', 'example.com/x', false],
    // What stands in the path is no part of the registry's name.
    ['*.example.com/*', 'evil.test/a.example.com/x', false],
    ['*.example.com/*', 'evil.test:443/x', false],
    ['ghcr.io/*', 'ghcr.io:8443/x', false],
    ['registry:5000/*', 'registry:5000/x', true],
    ['localhost/*', 'localhost/x', true],
    ['localhost/*', 'localhost:5000/x', false],
    ['docker.io/*', '127.0.0.1/x', false],
    ['docker.io/*', '169.254.169.254/latest/meta-data', false],
  ])('by %s: %s is %p', (pattern, image, is) => {
    expect(patternProblem(pattern)).toBeUndefined();
    expect(isAskable([pattern], name(image))).toBe(is);
  });

  test.each([
    '*',
    '*/*',
    'team/*',
    'library/*',
    '*.com/*',
    '*.1/x',
    '*.0.0.1/*',
    'a.*.com/x',
    'x*.io/*',
    'ghcr.io',
    'ghcr.io/',
    '*:5000/x',
    'ghcr.io/a@sha256:1',
    'ghcr.io:65536/a',
    '[::g]:5000/a',
  ])('%s is no pattern, for it could be of any registry or of none', (pattern) => {
    const { problems } = readWebhookSettings({ registry: { allow: [pattern] } });
    expect(problems.map(({ path }) => path)).toEqual([['registry', 'allow', 0]]);
  });
});

test('settings say which members do not fit', () => {
  const hosts = {
    'Ghcr.io': {},
    'a.example/b': {},
    'a.example:1': { plainHttp: true, ca: '/x', tokenHosts: ['https://x', 'y:1'] },
  };
  const { problems } = readWebhookSettings({ registry: { hosts } });
  expect(problems.map(({ path }) => path.slice(2).join(' '))).toEqual([
    'Ghcr.io',
    'a.example/b',
    'a.example:1 ca',
    'a.example:1 tokenHosts 0',
  ]);
});

test.each([
  ['registry.example:443/x', {}, 'https://registry.example'],
  ['registry.example:0443/x', {}, 'https://registry.example'],
  ['registry.example:80/x', { plainHttp: true }, 'http://registry.example'],
  ['[0:0:0:0:0:0:0:1]:5000/x', {}, 'https://[::1]:5000'],
  ['x', {}, 'https://registry-1.docker.io'],
])('%s of %j is asked where answers say that they are', (image, host, origin) => {
  expect(originOf(name(image), host)).toBe(origin);
});

const ORIGIN = 'https://registry.example:5000';
const url = (text: string): URL => new URL(text);

test('Docker Hub is asked where it answers', () => {
  expect(originOf(name('python'), {})).toBe('https://registry-1.docker.io');
  expect(originOf(name('registry:5000/x'), { plainHttp: true })).toBe('http://registry:5000');
});

describe('a login goes', () => {
  test.each([
    ['https://registry.example:5000/token', true],
    ['https://registry.example/token', false],
    ['http://registry.example:5000/token', false],
    ['https://tokens.example/t', true],
    ['http://tokens.example/t', false],
    ['https://tokens.example:8443/t', false],
    ['https://tokens.example.evil.test/t', false],
    ['https://a:b@tokens.example/t', false],
    ['https://auth.docker.io/token', false],
    ['https://169.254.169.254/token', false],
  ])('to %s: %p', (to, may) => {
    expect(mayLogIn(url(to), ORIGIN, { tokenHosts: ['tokens.example'] })).toBe(may);
  });

  test('at the usual port, written or not', () => {
    const hosts = { tokenHosts: ['tokens.example:443'] };
    expect(mayLogIn(url('https://tokens.example/t'), ORIGIN, hosts)).toBe(true);
    expect(mayLogIn(url('https://tokens.example:8443/t'), ORIGIN, hosts)).toBe(false);
  });

  test('of Docker Hub to its own place', () => {
    const hub = 'https://registry-1.docker.io';
    expect(mayLogIn(url('https://auth.docker.io/token'), hub, {})).toBe(true);
    expect(mayLogIn(url('http://auth.docker.io/token'), hub, {})).toBe(false);
  });
});

describe('what is elsewhere is read', () => {
  test.each([
    ['https://registry.example:5000/x', true],
    ['https://bucket.s3.eu-west-1.amazonaws.com/x?sig=1', true],
    ['https://production.cloudflare.docker.com/x', true],
    ['http://bucket.s3.amazonaws.com/x', false],
    ['https://localhost/x', false],
    ['https://a.localhost/x', false],
    ['https://127.0.0.1/x', false],
    ['https://2130706433/x', false],
    ['https://0x7f.1/x', false],
    ['https://[::1]/x', false],
    ['https://[::ffff:10.0.0.1]/x', false],
    ['https://169.254.169.254/latest/meta-data', false],
    ['https://metadata.google.internal/x', false],
    ['https://kubernetes.default.svc/api', false],
    ['https://kubernetes.default.svc.cluster.local/api', false],
    ['https://vault.corp./x', false],
    ['https://vault/x', false],
    ['https://a:b@bucket.example.com/x', false],
    ['file:///etc/passwd', false],
  ])('at %s: %p', (at, may) => {
    expect(mayRead(url(at), ORIGIN)).toBe(may);
  });
});

describe('the processors of the nodes that a pod may run on', () => {
  const required = (...terms: readonly object[]): object => {
    const inner = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } };
    return { affinity: { nodeAffinity: inner } };
  };
  const arch = (operator: string, ...values: readonly string[]): object => {
    return { matchExpressions: [{ key: 'kubernetes.io/arch', operator, values }] };
  };
  test.each([
    [{}, ['amd64', 'arm64']],
    [{ nodeSelector: { 'kubernetes.io/arch': 'arm64' } }, ['arm64']],
    [{ nodeSelector: { 'beta.kubernetes.io/arch': 'amd64', disk: 'x' } }, ['amd64']],
    [{ nodeSelector: { 'kubernetes.io/arch': 's390x' } }, []],
    [required(arch('In', 'arm64')), ['arm64']],
    [required(arch('NotIn', 'arm64')), ['amd64']],
    [required(arch('In', 'arm64'), { matchExpressions: [] }), ['amd64', 'arm64']],
    [required(arch('In', 'arm64'), arch('In', 's390x')), ['arm64']],
    [{ ...required(arch('In', 'arm64')), nodeSelector: { 'kubernetes.io/arch': 'amd64' } }, []],
    [{ affinity: 'x', nodeSelector: 7 }, ['amd64', 'arm64']],
  ])('%j: %j', (spec, architectures) => {
    expect(architecturesOf({ spec })).toEqual(architectures);
  });
});
