import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import net from 'node:net';
import { endpointText, inetAddress, parseEndpoint, unixAddress } from '../../src/wire/endpoint.ts';

const READ: readonly (readonly [string, ReturnType<typeof parseEndpoint>])[] = [
  ['gateway.internal:8125', { scheme: 'udp', host: 'gateway.internal', port: 8125 }],
  ['udp://10.0.0.1:1', { scheme: 'udp', host: '10.0.0.1', port: 1 }],
  ['tcp://[fd00::1]:65535', { scheme: 'tcp', host: 'fd00::1', port: 65_535 }],
  ['unixgram:///run/dsd.socket', { scheme: 'unixgram', path: '/run/dsd.socket' }],
  ['unixstream:///run/a b', { scheme: 'unixstream', path: '/run/a b' }],
];
const REFUSED: readonly (readonly [string, string])[] = [
  ['gateway.internal', 'needs a port'],
  ['gateway:0', 'needs a port'],
  ['gateway:65536', 'needs a port'],
  ['gateway:80/x', 'needs a port'],
  [':8125', 'has no host'],
  ['user@gateway:8125', 'has no host'],
  ['fd00::1:8125', 'has no host'],
  ['http://gateway:80', 'is none of'],
  ['unixgram://run/x', 'absolute path'],
  [`unixgram:///${'x'.repeat(107)}`, 'over 107 bytes'],
];

describe('an endpoint', () => {
  for (const [text, endpoint] of READ) {
    test(`${text} is read`, () => expect(parseEndpoint(text)).toEqual(endpoint));
  }
  for (const [text, why] of REFUSED) {
    test(`${text.slice(0, 30)} is refused`, () => expect(parseEndpoint(text)).toContain(why));
  }
  test('is written as it is read', () => {
    for (const [text] of READ) {
      const read = parseEndpoint(text);
      if (typeof read === 'string') throw new Error(read);
      expect(parseEndpoint(endpointText(read))).toEqual(read);
    }
  });
});

describe('an address', () => {
  test('is what Node calls one, and nothing else', () => {
    const digits = fc.stringMatching(/^[0-9a-f:.]{1,24}$/);
    fc.assert(
      fc.property(fc.oneof(digits, fc.ipV4(), fc.ipV6()), (text) => {
        const isAddress = net.isIPv4(text) || net.isIPv6(text);
        // Leading zeros of IPv4 are octal to some and decimal to others: Node refuses them.
        fc.pre(!/(^|\.)0\d/.test(text));
        expect(inetAddress(text, 1) !== undefined).toBe(isAddress);
      }),
      { numRuns: 2000 },
    );
  });
  test('of IPv4 has family, port and address in the order of the network', () => {
    const bytes = [2, 0, 0x1f, 0xbd, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    expect([...(inetAddress('127.0.0.1', 8125) ?? [])]).toEqual(bytes);
  });
  test('of IPv6 has its 16 bytes after flow information', () => {
    const bytes = [...(inetAddress('fd00::1:10.0.0.2', 80) ?? [])];
    expect(bytes.slice(0, 8)).toEqual([10, 0, 0, 80, 0, 0, 0, 0]);
    expect(bytes.slice(8, 24)).toEqual([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 10, 0, 0, 2]);
    expect(bytes).toHaveLength(28);
  });
  test('of a socket file ends in NUL', () => {
    expect([...unixAddress('/a')]).toEqual([1, 0, 47, 97, 0]);
  });
});
