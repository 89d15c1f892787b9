import { describe, expect, test } from 'bun:test';
import {
  isInHosts,
  questionsFor,
  readResolver,
  serverAddresses,
  wholeNames,
} from '../../src/wire/dns.ts';

describe('resolv.conf', () => {
  const KUBERNETES = `search ml.svc.cluster.local svc.cluster.local cluster.local
nameserver 10.96.0.10
options ndots:5
`;
  test('of a pod', () => {
    const resolver = readResolver(KUBERNETES);
    expect(resolver).toEqual({
      servers: ['10.96.0.10'],
      search: ['ml.svc.cluster.local', 'svc.cluster.local', 'cluster.local'],
      ndots: 5,
    });
    expect(wholeNames('gateway', resolver)).toEqual([
      'gateway.ml.svc.cluster.local',
      'gateway.svc.cluster.local',
      'gateway.cluster.local',
      'gateway',
    ]);
    expect(wholeNames('gateway.', resolver)).toEqual(['gateway']);
  });
  test('as many dots as it says: the name itself comes first', () => {
    const resolver = readResolver('domain a.test\nsearch b.test. c.test\n');
    expect(wholeNames('x.y', resolver)).toEqual(['x.y', 'x.y.b.test', 'x.y.c.test']);
    expect(wholeNames('x', resolver)).toEqual(['x.b.test', 'x.c.test', 'x']);
  });
  test('at most three servers count, and what is none does not', () => {
    const text = ['127.0.0.1', 'fe80::1%eth0', 'fd00::10', 'x', '10.0.0.2', '10.0.0.3']
      .map((one) => `nameserver ${one}`)
      .join('\n');
    const resolver = readResolver(`# nameserver 9.9.9.9\n; nameserver 9.9.9.9\n${text}`);
    expect(resolver.servers).toEqual(['127.0.0.1', 'fd00::10', '10.0.0.2']);
    const sizes = serverAddresses(resolver).map((one) => one.length);
    expect(sizes).toEqual([16, 28, 16]);
  });
  test('nothing at all', () => {
    expect(readResolver('')).toEqual({ servers: [], search: [], ndots: 1 });
  });
});

describe('questions', () => {
  test('are of the family that is wanted', () => {
    const types = (['ipv4', 'ipv6'] as const).map((family) => {
      const [one = Buffer.of()] = questionsFor(['a.b'], family);
      return [...one.subarray(12, 21)];
    });
    expect(types).toEqual([
      [1, 97, 1, 98, 0, 0, 1, 0, 1],
      [1, 97, 1, 98, 0, 0, 28, 0, 1],
    ]);
  });
  test('are not asked for what is no name of DNS, and at most eight are', () => {
    const wrong = ['a..b', '', `${'x'.repeat(64)}.test`, 'x.'.repeat(127) + 'y'];
    expect(questionsFor(wrong, 'ipv4')).toEqual([]);
    const many = Array.from({ length: 9 }, (_, n) => `n${n}.test`);
    expect(questionsFor(many, 'ipv4')).toHaveLength(8);
  });
});

test('a name of the hosts file is found there, whatever its case', () => {
  const hosts = '127.0.0.1 localhost\n10.0.0.1\tGateway.Test gw # other.test\n';
  const found = ['gateway.test', 'gw', 'GW.', 'other.test', '10.0.0.1'].map((name) => {
    return isInHosts(hosts, name);
  });
  expect(found).toEqual([true, true, true, false, false]);
});
