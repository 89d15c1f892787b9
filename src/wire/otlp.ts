// Traces as OTLP/HTTP JSON: the Protobuf JSON mapping of ExportTraceServiceRequest with hex ids,
// after opentelemetry-proto 1.x (collector/trace/v1, trace/v1) and the OTLP specification, section
// "JSON Protobuf Encoding"; variables after the OpenTelemetry specification 1.x, "OTLP Exporter".

/** A value of an attribute. */
export type AttributeValue = string | number | boolean;

/** One span before it has the shape of the wire. */
export interface OtlpSpan {
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** True for a request to a server. */
  readonly client: boolean;
  /** Milliseconds since the epoch; parts of them count. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** Why it failed; absent where it did not. */
  readonly failure?: string;
}

/** All spans of one trace. */
export interface OtlpTrace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  readonly resource: Readonly<Record<string, AttributeValue>>;
  readonly scope: { readonly name: string; readonly version: string };
  readonly spans: readonly OtlpSpan[];
}

/** SpanKind and StatusCode of trace.proto. */
const KIND = { internal: 1, client: 3 } as const;
const STATUS_ERROR = 2;

/** The body of a POST to `/v1/traces`. */
export function otlpBody({ traceId, resource, scope, spans }: OtlpTrace): string {
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeSpans: [{ scope, spans: spans.map((span) => wireSpan(traceId, span)) }],
      },
    ],
  });
}

/** A body without any span: it opens the connection, and shows whether a server is there. */
export const OTLP_NOTHING = '{"resourceSpans":[]}';

function wireSpan(traceId: string, span: OtlpSpan) {
  const { spanId, parentSpanId, name, client, startMs, endMs, attributes, failure } = span;
  return {
    traceId,
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name,
    kind: client ? KIND.client : KIND.internal,
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(endMs),
    attributes: attributesOf(attributes),
    ...(failure === undefined ? {} : { status: { code: STATUS_ERROR, message: failure } }),
  };
}

/** 64-bit integers are decimal strings in the mapping; a double holds microseconds exactly. */
function nanoseconds(ms: number): string {
  return String(BigInt(Math.round(ms * 1000)) * 1000n);
}

function attributesOf(attributes: Readonly<Record<string, AttributeValue>>) {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: wireValue(value) }));
}

function wireValue(value: AttributeValue) {
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'string') return { stringValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** Whose child the trace is. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

/** TRACEPARENT after W3C Trace Context level 1, 3.2; undefined for what is none. */
export function parseTraceParent(text: string | undefined): TraceParent | undefined {
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(
    (text ?? '').trim(),
  );
  const [, version = 'ff', traceId = '', spanId = '', flags = '', more] = match ?? [];
  if (version === 'ff' || /^0*$/.test(traceId) || /^0*$/.test(spanId)) return undefined;
  if (version === '00' && more !== undefined) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** `a=1,b=%20`: pairs of OTEL_RESOURCE_ATTRIBUTES and OTEL_EXPORTER_OTLP_HEADERS. */
export function parsePairs(text: string | undefined): Readonly<Record<string, string>> {
  const pairs = (text ?? '').split(',').flatMap((pair) => {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, equals)).trim();
    return name === '' ? [] : [[decoded(name), decoded(pair.slice(equals + 1).trim())] as const];
  });
  return Object.fromEntries(pairs);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Where traces go. */
export interface OtlpTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Files with PEM text. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly timeoutMs: number;
  readonly resource: Readonly<Record<string, string>>;
  readonly parent?: TraceParent;
}

/** The port that OpenTelemetry gives to gRPC. */
const GRPC_PORT = '4317';
/** Of the specification. */
const TIMEOUT_MS_DEFAULT = 10_000;

type Variable = (name: string) => string | undefined;

/** The target as the variables say: `nowhere` where nobody asked, or why it cannot be used. */
export function otlpTarget(
  variable: Variable,
): OtlpTarget | { readonly unusable: string } | 'nowhere' {
  const own = (name: string): string | undefined => {
    return variable(`OTEL_EXPORTER_OTLP_TRACES_${name}`) ?? variable(`OTEL_EXPORTER_OTLP_${name}`);
  };
  const written = own('ENDPOINT');
  if (written === undefined || isOff(variable)) return 'nowhere';
  const parent = parseTraceParent(variable('TRACEPARENT'));
  if (parent?.sampled === false) return 'nowhere';
  const url = addressOf(variable, written);
  const unusable = reasonAgainst(url, own('PROTOCOL'));
  if (url === null || unusable !== undefined) return { unusable: unusable ?? 'no address' };
  const file = (name: string, key: string) => {
    const path = own(name);
    return path === undefined ? {} : { [key]: path };
  };
  return {
    url: url.href,
    headers: parsePairs(own('HEADERS')),
    ...file('CERTIFICATE', 'caFile'),
    ...file('CLIENT_CERTIFICATE', 'certFile'),
    ...file('CLIENT_KEY', 'keyFile'),
    timeoutMs: Number(own('TIMEOUT')) || TIMEOUT_MS_DEFAULT,
    resource: resourceOf(variable),
    ...(parent === undefined ? {} : { parent }),
  };
}

/** The endpoint for traces is taken as it is, the one for everything is their base. */
function addressOf(variable: Variable, written: string): URL | null {
  const isExact = variable('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') !== undefined;
  return URL.parse(isExact ? written : `${written.replace(/\/+$/, '')}/v1/traces`);
}

function reasonAgainst(url: URL | null, protocol: string | undefined): string | undefined {
  if (url === null || !/^https?:$/.test(url.protocol)) return 'its address is no URL';
  if (protocol === 'grpc') return 'gRPC is not spoken, only HTTP';
  if (protocol !== undefined || url.port !== GRPC_PORT) return undefined;
  return `port ${GRPC_PORT} is for gRPC, which is not spoken (HTTP: port 4318)`;
}

function isOff(variable: Variable): boolean {
  const exporter = variable('OTEL_TRACES_EXPORTER');
  const others =
    exporter !== undefined && !exporter.split(',').some((one) => one.trim() === 'otlp');
  const disabled = variable('OTEL_SDK_DISABLED')?.toLowerCase() === 'true';
  return disabled || others || variable('BELLHOP_OTLP') === '0';
}

function resourceOf(variable: Variable): Readonly<Record<string, string>> {
  const given = parsePairs(variable('OTEL_RESOURCE_ATTRIBUTES'));
  const name = variable('OTEL_SERVICE_NAME') ?? given['service.name'] ?? 'unknown_service:bellhop';
  return { ...given, 'service.name': name };
}
