"""Prints what botocore's service models say of members: a JSON list in, a JSON object out.

A member is `service Operation.member.member`; `[]` is an element, `{k}` a key, `{v}` a value.
"""
import json
import sys

import botocore
import botocore.session

SESSION = botocore.session.get_session()


def facts(path):
    service, rest = path.split(" ", 1)
    operation, *steps = rest.split(".")
    shape = SESSION.get_service_model(service).operation_model(operation).input_shape
    for step in steps:
        if step == "[]":
            shape = shape.member
        elif step == "{k}":
            shape = shape.key
        elif step == "{v}":
            shape = shape.value
        else:
            shape = shape.members[step]
    return {name: shape.metadata.get(name) for name in ("max", "min", "pattern")}


print(json.dumps({"version": botocore.__version__, "members": {one: facts(one) for one in json.load(sys.stdin)}}))
