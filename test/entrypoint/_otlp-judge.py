# Reads ExportTraceServiceRequest as JSON from standard input by the official definitions, and prints
# it as those have it. Ids are hexadecimal in OTLP, where plain Protobuf JSON has base64.
import base64, json, sys
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

def based(value, key=""):
    if isinstance(value, dict):
        return {name: based(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [based(one) for one in value]
    if key in ("traceId", "spanId", "parentSpanId"):
        return base64.b64encode(bytes.fromhex(value)).decode()
    return value

request = json_format.ParseDict(based(json.load(sys.stdin)), ExportTraceServiceRequest())
spans = [span for one in request.resource_spans for scope in one.scope_spans for span in scope.spans]
json.dump({
    "resource": {a.key: a.value.string_value for one in request.resource_spans for a in one.resource.attributes},
    "wireBytes": len(request.SerializeToString()),
    "spans": [{
        "name": span.name,
        "kind": span.kind,
        "trace": span.trace_id.hex(),
        "id": span.span_id.hex(),
        "parent": span.parent_span_id.hex(),
        "tookNs": span.end_time_unix_nano - span.start_time_unix_nano,
        "failed": span.status.code == 2,
        "attributes": sorted(a.key for a in span.attributes),
    } for span in spans],
}, sys.stdout)
