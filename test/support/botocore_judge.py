# Reads calls as JSON from standard input, [{service, operation, input}], and says of each what
# botocore's own validation finds, and what the service model's lengths, patterns and enums forbid,
# which botocore leaves to the service.
import json
import re
import sys

import botocore.session
from botocore.validate import ParamValidator

session = botocore.session.get_session()


def length(text):
    return max(len(text.encode()), len(text.encode("utf-16-le")) // 2)


def sized(size, shape, at):
    meta = shape.metadata
    if "max" in meta and size > meta["max"]:
        yield f"{at}: more than {meta['max']}"
    if "min" in meta and size < meta["min"]:
        yield f"{at}: less than {meta['min']}"


def scalar(shape, value, at):
    if isinstance(value, str) and shape.type_name == "string":
        yield from sized(length(value), shape, at)
        pattern = shape.metadata.get("pattern")
        # Java's classes of Unicode properties are not Python's.
        if pattern and "\\p{" not in pattern and not re.fullmatch(pattern, value):
            yield f"{at}: not of the pattern"
        if shape.enum and value not in shape.enum:
            yield f"{at}: not of the enum"
    elif isinstance(value, int) and shape.type_name in ("integer", "long"):
        yield from sized(value, shape, at)


def walk(shape, value, at):
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, member in shape.members.items():
            if name in value:
                yield from walk(member, value[name], f"{at}.{name}")
    elif shape.type_name == "map" and isinstance(value, dict):
        yield from sized(len(value), shape, at)
        for key, one in value.items():
            yield from walk(shape.key, key, f"{at}.key")
            yield from walk(shape.value, one, f"{at}.value")
    elif shape.type_name == "list" and isinstance(value, list):
        yield from sized(len(value), shape, at)
        for index, one in enumerate(value):
            yield from walk(shape.member, one, f"{at}[{index}]")
    else:
        yield from scalar(shape, value, at)


def judged(call):
    model = session.get_service_model(call["service"]).operation_model(call["operation"])
    shape = model.input_shape
    report = ParamValidator().validate(call["input"], shape)
    own = report.generate_report() if report.has_errors() else ""
    return {"botocore": own, "model": list(walk(shape, call["input"], ""))}


json.dump([judged(call) for call in json.load(sys.stdin)], sys.stdout)
