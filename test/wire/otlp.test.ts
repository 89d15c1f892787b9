import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { otlpBody, otlpTarget, parsePairs, parseTraceParent } from '../../src/wire/otlp.ts';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
const target = (variables: Readonly<Record<string, string>>) => {
  return otlpTarget((name) => (Object.hasOwn(variables, name) ? variables[name] : undefined));
};
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

describe('where traces go', () => {
  test.each([
    ['the endpoint with /v1/traces', ENDPOINT, 'http://collector:4318/v1/traces'],
    [
      'a path and a slash at the end',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c/otlp/' },
      'https://c/otlp/v1/traces',
    ],
    [
      'the endpoint for traces as it is',
      { ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://t/x' },
      'https://t/x',
    ],
    [
      'http/protobuf: a collector takes JSON at the same address',
      { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' },
      'http://collector:4318/v1/traces',
    ],
  ])('%s', (_, variables, url) => expect(target(variables)).toMatchObject({ url }));

  test.each([
    ['no endpoint', {}],
    ['OTEL_SDK_DISABLED', { ...ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' }],
    ['OTEL_TRACES_EXPORTER=none', { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }],
    ['another exporter', { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'zipkin' }],
    ['BELLHOP_OTLP=0', { ...ENDPOINT, BELLHOP_OTLP: '0' }],
    ['a parent that is not sampled', { ...ENDPOINT, TRACEPARENT: `00-${TRACE}-${SPAN}-00` }],
  ])('nowhere: %s', (_, variables) => expect(target(variables)).toBe('nowhere'));

  test.each([
    ['gRPC', { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'gRPC'],
    ['the port of gRPC', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4317' }, '4317'],
    ['no URL', { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, 'no URL'],
  ])('unusable: %s', (_, variables, why) => {
    expect(target(variables)).toEqual({ unusable: expect.stringContaining(why) });
  });

  test('headers, files, service and parent are read; those for traces win', () => {
    const found = target({
      ...ENDPOINT,
      OTEL_EXPORTER_OTLP_HEADERS: 'a=1,x-key=b%3Dc%20d , =no,bare',
      OTEL_EXPORTER_OTLP_CERTIFICATE: '/ca.pem',
      OTEL_EXPORTER_OTLP_TIMEOUT: '50',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=other,team=ml%2Cinfra',
      OTEL_SERVICE_NAME: 'trainer',
      TRACEPARENT: `00-${TRACE}-${SPAN}-01`,
    });
    expect(found).toEqual({
      url: 'http://collector:4318/v1/traces',
      headers: { a: '1', 'x-key': 'b=c d' },
      caFile: '/ca.pem',
      timeoutMs: 50,
      resource: { 'service.name': 'trainer', team: 'ml,infra' },
      parent: { traceId: TRACE, spanId: SPAN, sampled: true },
    });
  });
});

test.each([
  [`00-${TRACE}-${SPAN}-01`, true],
  [`cc-${TRACE}-${SPAN}-01-more`, true],
  [`00-${TRACE}-${SPAN}-01-more`, false],
  [`ff-${TRACE}-${SPAN}-01`, false],
  [`00-${'0'.repeat(32)}-${SPAN}-01`, false],
  [`00-${TRACE}-${'0'.repeat(16)}-01`, false],
  [`00-${TRACE.toUpperCase()}-${SPAN}-01`, false],
  ['', false],
])('TRACEPARENT %s: %p', (text, valid) => {
  expect(parseTraceParent(text) !== undefined).toBe(valid);
});

test('pairs and parents of any text are read without an error', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      parsePairs(text);
      parseTraceParent(text);
    }),
  );
});

test('times are whole microseconds as nanoseconds in decimal text', () => {
  const span = { spanId: SPAN, name: 'n', client: true, attributes: {} };
  const body = otlpBody({
    traceId: TRACE,
    resource: {},
    scope: { name: 's', version: '1' },
    spans: [{ ...span, startMs: 1_793_698_212_250.125, endMs: 1_793_698_212_250.126 }],
  });
  const sent = JSON.parse(body) as { resourceSpans: [{ scopeSpans: [{ spans: [unknown] }] }] };
  expect(sent.resourceSpans[0].scopeSpans[0].spans[0]).toMatchObject({
    startTimeUnixNano: '1793698212250125000',
    endTimeUnixNano: '1793698212250126000',
    kind: 3,
  });
});
