"""Judges requests as botocore does, and by every max, min and pattern of its service models.

Reads a JSON list of {service, operation, input}; prints a JSON list of lists of complaints.
"""
import json
import re
import sys

import botocore.session
from botocore.validate import ParamValidator

SESSION = botocore.session.get_session()


def walk(shape, value, where, found):
    meta = shape.metadata
    size = value if shape.type_name in ("integer", "long", "float") else None
    if size is None and shape.type_name in ("string", "list", "map"):
        size = len(value)
    if size is not None and size > meta.get("max", size):
        found.append(f"{where}: {size} is over {meta['max']}")
    if size is not None and size < meta.get("min", size):
        found.append(f"{where}: {size} is under {meta['min']}")
    if shape.type_name == "string" and "pattern" in meta:
        pattern = re.sub(r"\\p\{[LZN]\}", r"\\w", meta["pattern"])
        if not re.fullmatch(pattern, value):
            found.append(f"{where}: is not of the form {meta['pattern']}")
    if shape.type_name == "structure":
        for name, one in value.items():
            walk(shape.members[name], one, f"{where}.{name}", found)
    if shape.type_name == "list":
        for index, one in enumerate(value):
            walk(shape.member, one, f"{where}[{index}]", found)
    if shape.type_name == "map":
        for key, one in value.items():
            walk(shape.key, key, f"{where} key", found)
            walk(shape.value, one, f"{where}[{key[:20]!r}]", found)


def judge(request):
    model = SESSION.get_service_model(request["service"])
    shape = model.operation_model(request["operation"]).input_shape
    report = ParamValidator().validate(request["input"], shape)
    found = [report.generate_report()] if report.has_errors() else []
    if not found:
        walk(shape, request["input"], request["operation"], found)
    return found


print(json.dumps([judge(one) for one in json.load(sys.stdin)]))
