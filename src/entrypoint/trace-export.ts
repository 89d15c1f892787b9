import type { Budget } from '../core/budget.ts';
import { openBudget, within } from '../core/budget.ts';
import type { HttpRequest, TlsFacts } from '../core/io/net-types.ts';
import { NetError } from '../core/io/net-types.ts';
import type { Io } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';
import type { OtlpSpan, OtlpTarget } from '../wire/otlp.ts';
import { OTLP_NOTHING, otlpBody, otlpTarget } from '../wire/otlp.ts';
import { variablesOf } from './platform.ts';
import type { TraceReport, TraceSpan } from './trace-types.ts';

/**
 * For how long a collector is waited for, in the end of a start: for its first answer until this
 * long after the beginning, but not for longer than the start took anyway, or the minimum; once it
 * has answered, this long for the spans. A collector that hangs costs a long start nothing.
 */
const EXPORT_MS_MAX = 200;
export const EXPORT_MS_MIN = 50;
const BODY_BYTES_MAX = 64 * 1024;
const FILE_BYTES_MAX = 1024 * 1024;

/** Sends traces to a collector. */
export interface Exporter {
  /** Why it could not be sent; undefined where it arrived. Never rejects. */
  send(report: TraceReport, remainingMs: number): Promise<string | undefined>;
}

/**
 * The exporter that OTEL_EXPORTER_OTLP_ENDPOINT asks for; undefined where nobody asked. A request
 * without spans goes out now, beside the stores' work: it opens the connection, and where no
 * collector answers it, the start does not wait for one a second time.
 */
export function openExporter(io: Io): Exporter | undefined {
  const variables = variablesOf(io);
  const target = otlpTarget((name) => variables.get(name) || undefined);
  if (target === 'nowhere') return undefined;
  if ('unusable' in target) return { send: async () => target.unusable };
  let tls: TlsFacts;
  try {
    tls = tlsOf(io, target);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    return { send: async () => `${error.path} cannot be read (${error.errno})` };
  }
  const whole = openBudget(io.clock, target.timeoutMs);
  const post = async (body: string): Promise<string | undefined> => {
    return posted(io, requestOf(target, tls, body), whole);
  };
  const begunMs = io.clock.monotonicMs();
  const begun = post(OTLP_NOTHING);
  return {
    send: async (report, remainingMs) => {
      const tookMs = io.clock.monotonicMs() - begunMs;
      const openMs = Math.min(EXPORT_MS_MAX - tookMs, Math.max(EXPORT_MS_MIN, tookMs));
      const left = openBudget(io.clock, remainingMs, whole);
      const failure = await outcomeIn(left.part(Math.max(0, openMs)), begun);
      const sending = async () => post(bodyOf(io, target, report));
      const outcome = failure ?? (await outcomeIn(left.part(EXPORT_MS_MAX), sending()));
      whole.close();
      return outcome;
    },
  };
}

/** Why it failed, and be it that there was no answer in time. */
async function outcomeIn(
  budget: Budget,
  work: Promise<string | undefined>,
): Promise<string | undefined> {
  const outcome = await within(
    budget,
    work.then((failure) => ({ failure })),
  );
  budget.close();
  return outcome === undefined ? 'no answer in time' : outcome.failure;
}

function tlsOf(io: Io, { caFile, certFile, keyFile }: OtlpTarget): TlsFacts {
  const text = (path: string): string => {
    return new TextDecoder().decode(io.fs.read(path, FILE_BYTES_MAX));
  };
  return {
    ...(caFile === undefined ? {} : { ca: text(caFile) }),
    ...(certFile === undefined ? {} : { cert: text(certFile) }),
    ...(keyFile === undefined ? {} : { key: text(keyFile) }),
  };
}

function requestOf({ url, headers }: OtlpTarget, tls: TlsFacts, body: string): HttpRequest {
  return {
    method: 'POST',
    url,
    headers: { ...headers, 'content-type': 'application/json' },
    body,
    proxy: 'environment',
    protocol: 'h1',
    bodyBytesMax: BODY_BYTES_MAX,
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
  };
}

async function posted(io: Io, request: HttpRequest, budget: Budget): Promise<string | undefined> {
  try {
    const { status } = await io.net.http(request, budget.signal);
    return status >= 200 && status < 300 ? undefined : `HTTP ${status}`;
  } catch (error) {
    return error instanceof NetError ? error.message : 'the request could not be made';
  }
}

const SPAN_ID_BYTES = 8;
const TRACE_ID_BYTES = 16;

function bodyOf(io: Io, target: OtlpTarget, report: TraceReport): string {
  const hex = (count: number): string => Buffer.from(io.random(count)).toString('hex');
  const ids = hex(SPAN_ID_BYTES * (report.spans.length + 1));
  const idOf = (index: number): string => {
    return ids.slice(index * SPAN_ID_BYTES * 2, (index + 1) * SPAN_ID_BYTES * 2);
  };
  const { spans, bellhop, critical } = report;
  const places = new Map(spans.map(({ id }, index) => [id, index + 1]));
  const onPath = new Set(critical.map(({ span }) => span));
  const below = spans.map((span): OtlpSpan => {
    const parent = span.parent === undefined ? 0 : (places.get(span.parent) ?? 0);
    const base = wireSpan(report, span);
    const attributes = { ...base.attributes, 'bellhop.critical': onPath.has(span.id) };
    const spanId = idOf(places.get(span.id) ?? 0);
    return { ...base, attributes, spanId, parentSpanId: idOf(parent) };
  });
  return otlpBody({
    traceId: target.parent?.traceId ?? hex(TRACE_ID_BYTES),
    resource: target.resource,
    scope: { name: 'bellhop', version: bellhop },
    spans: [rootSpan(report, { spanId: idOf(0), parent: target.parent?.spanId }), ...below],
  });
}

function rootSpan(
  { began, totalMs, exit, problems, workload }: TraceReport,
  { spanId, parent }: { readonly spanId: string; readonly parent: string | undefined },
): OtlpSpan {
  const startMs = Date.parse(began);
  const named =
    workload === undefined ? {} : { 'bellhop.workload': `${workload.kind}/${workload.name}` };
  const codes = [...new Set(problems.map(({ code }) => code))].join(', ');
  return {
    spanId,
    ...(parent === undefined ? {} : { parentSpanId: parent }),
    name: 'bellhop start',
    client: false,
    startMs,
    endMs: startMs + totalMs,
    attributes: { ...named, 'bellhop.exit': exit },
    ...(exit === 0 ? {} : { failure: codes }),
  };
}

function wireSpan({ began }: TraceReport, span: TraceSpan): Omit<OtlpSpan, 'spanId'> {
  const { kind, name, store, outcome, notes, startMs, endMs } = span;
  const beganMs = Date.parse(began);
  const status = /^HTTP (\d{3})$/.exec(outcome)?.[1];
  const isFailed = status === undefined ? outcome !== 'ok' : Number(status) >= 400;
  const isRequest = kind === 'attempt' || kind === 'hedge';
  return {
    name: isRequest ? `${kind} ${name}` : name,
    client: isRequest,
    startMs: beganMs + startMs,
    endMs: beganMs + endMs,
    attributes: {
      'bellhop.kind': kind,
      ...(store === undefined ? {} : { 'bellhop.store': store }),
      ...(status === undefined ? {} : { 'http.response.status_code': Number(status) }),
      ...(notes?.protocol === undefined
        ? {}
        : { 'network.protocol.version': notes.protocol === 'h2' ? '2' : '1.1' }),
    },
    ...(isFailed ? { failure: outcome } : {}),
  };
}
