"""Judges calls as botocore does, and by what its service models say and botocore leaves to the
service: lengths, numbers, patterns, enums.

Reads a JSON list of {service, operation, input}; prints a JSON list of {botocore, model}.
"""
import functools
import json
import re
import sys
import unicodedata

import botocore.session
from botocore.validate import ParamValidator

SESSION = botocore.session.get_session()


@functools.cache
def ranges(category):
    """What Java calls \\p{L}, as the inside of a class of Python."""
    found = []
    for code in range(sys.maxunicode + 1):
        if not unicodedata.category(chr(code)).startswith(category):
            continue
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return "".join(f"\\U{a:08x}-\\U{b:08x}" for a, b in found)


def python_pattern(pattern):
    """Only categories inside of a class are known: another property is an error of re."""
    return re.sub(r"\\p\{([A-Z])\}", lambda one: ranges(one[1]), pattern)


def sizes(text):
    """What a service may count: characters, UTF-16 units as Java does, bytes."""
    return (len(text), len(text.encode("utf-16-le", "surrogatepass")) // 2, len(text.encode()))


def sized(counts, shape, at):
    meta = shape.metadata
    if max(counts) > meta.get("max", max(counts)):
        yield f"{at}: {max(counts)} is over {meta['max']}"
    if min(counts) < meta.get("min", min(counts)):
        yield f"{at}: {min(counts)} is under {meta['min']}"


def scalar(shape, value, at):
    if isinstance(value, str) and shape.type_name == "string":
        yield from sized(sizes(value), shape, at)
        pattern = shape.metadata.get("pattern")
        if pattern and not re.fullmatch(python_pattern(pattern), value):
            yield f"{at}: is not of the form {pattern}"
        if shape.enum and value not in shape.enum:
            yield f"{at}: is not of the enum"
    elif isinstance(value, (int, float)) and shape.type_name in ("integer", "long", "float", "double"):
        yield from sized((value,), shape, at)


def walk(shape, value, at):
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, member in shape.members.items():
            if name in value:
                yield from walk(member, value[name], f"{at}.{name}")
    elif shape.type_name == "map" and isinstance(value, dict):
        yield from sized((len(value),), shape, at)
        for key, one in value.items():
            yield from walk(shape.key, key, f"{at} key")
            yield from walk(shape.value, one, f"{at}[{key[:20]!r}]")
    elif shape.type_name == "list" and isinstance(value, list):
        yield from sized((len(value),), shape, at)
        for index, one in enumerate(value):
            yield from walk(shape.member, one, f"{at}[{index}]")
    else:
        yield from scalar(shape, value, at)


def judged(call):
    model = SESSION.get_service_model(call["service"])
    shape = model.operation_model(call["operation"]).input_shape
    report = ParamValidator().validate(call["input"], shape)
    own = report.generate_report() if report.has_errors() else ""
    return {"botocore": own, "model": list(walk(shape, call["input"], call["operation"]))}


json.dump([judged(call) for call in json.load(sys.stdin)], sys.stdout)
