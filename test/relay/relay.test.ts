import { describe, expect, test } from 'bun:test';
import { namesOf, relayDocument } from '../../src/relay/document.ts';
import { startPacket } from '../../src/relay/self.ts';
import { inetAddress, unixAddress } from '../../src/wire/endpoint.ts';
import type { Relay } from '../../src/wire/metrics.ts';

const RELAY: Relay = {
  listen: ['udp://localhost:8125', 'unixstream:///run/dsd.stream'],
  taken: 'fail',
  tags: { job: '{job}', host: '{host}', 'odd name': 'a|b,{unknown}', empty: '{none}' },
  forward: [{ listen: 'tcp://127.0.0.1:24224', to: 'tcp://logs.internal:24224' }],
};
const FACTS = {
  templates: { job: 'train', host: 'h1', none: '' },
  addresses: new Map([['gateway.internal', '10.1.2.3']]),
  report: (endpoint: string) => `at ${endpoint}`,
  notStarted: 'no relay',
  failExit: 73,
};
const METRICS = { statsd: 'udp://gateway.internal:8125', tags: 'dogstatsd', relay: RELAY } as const;

describe('what the relay is told', () => {
  const document = relayDocument(METRICS, FACTS);
  test('the gateway comes first, then what is passed on; a name without address has none', () => {
    expect(document.targets).toEqual([
      {
        stream: false,
        packetBytesMax: 1432,
        address: inetAddress('10.1.2.3', 8125) ?? new Uint8Array(),
      },
      { stream: true, packetBytesMax: 0, address: new Uint8Array() },
    ]);
  });
  test('localhost is both of its addresses, of which IPv6 may be missing', () => {
    expect(document.listeners.map(({ use, target, lenient }) => [use, target, lenient])).toEqual([
      ['statsd', 0, false],
      ['statsd', 0, true],
      ['statsdFrames', 0, false],
      ['stream', 1, false],
    ]);
    expect(document.listeners[2]?.address).toEqual(unixAddress('/run/dsd.stream'));
    expect(document.listeners[1]?.report).toBe('at udp://localhost:8125');
  });
  test('tags are filled in, hold nothing that would end them, and empty ones are left out', () => {
    expect(document.tags).toBe('job:train,host:h1,odd_name:a_b_{unknown}');
    expect(relayDocument({ ...METRICS, tags: 'none' }, FACTS).tags).toBe('');
  });
  test('a taken port ends the start only where that was asked for', () => {
    expect(document.failExit).toBe(73);
    const warned = { ...METRICS, relay: { ...RELAY, taken: 'warn' } } as const;
    expect(relayDocument(warned, FACTS).failExit).toBe(0);
  });
  test('names are looked up once each, addresses never', () => {
    const to = 'udp://gateway.internal:514';
    const relay = { ...RELAY, forward: [{ listen: 'udp://localhost:514', to }] };
    expect(namesOf({ ...METRICS, relay })).toEqual(['gateway.internal']);
    expect(namesOf({ statsd: 'udp://10.0.0.1:8125' })).toEqual([]);
  });
});

describe('what a start tells of itself', () => {
  const facts = {
    startMs: 41.6,
    requests: 12,
    retries: 1,
    fallbacks: 2,
    version: '0.1.0',
    exit: 75,
    codes: ['BH_ERR_STORE', 'BH_ERR_STORE', 'BH_ERR_MISSING'],
    tags: { job: 'a|b', host: '' },
  };
  test('is one packet of DogStatsD lines', () => {
    const tags = '#outcome:failed,version:0.1.0,job:a_b';
    expect(startPacket(facts, 'dogstatsd').split('\n')).toEqual([
      `bellhop.start.count:1|c|${tags},exit:75,code:BH_ERR_STORE,code:BH_ERR_MISSING`,
      `bellhop.start.ms:42|ms|${tags}`,
      `bellhop.start.requests:12|c|${tags}`,
      `bellhop.start.retries:1|c|${tags}`,
      `bellhop.start.fallbacks:2|c|${tags}`,
    ]);
  });
  test('has its outcome in the names where there are no tags', () => {
    const lines = startPacket({ ...facts, exit: 0 }, 'none').split('\n');
    expect(lines.slice(0, 2)).toEqual(['bellhop.start.ok:1|c', 'bellhop.version.0_1_0:1|c']);
    expect(lines.join('')).not.toContain('#');
  });
  test('fits into one packet whatever the workload is called', () => {
    const long = startPacket(
      { ...facts, tags: { job: 'j'.repeat(253), pod: 'p'.repeat(253) } },
      'dogstatsd',
    );
    expect(Buffer.byteLength(long)).toBeLessThanOrEqual(1432);
    expect(long).toStartWith('bellhop.start.count:1|c');
  });
});
