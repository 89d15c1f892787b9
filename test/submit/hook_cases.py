"""Prints for each case what botocore's hook does: the kind of the exception, or its answer."""

import json
import os
from types import SimpleNamespace

import bellhop_botocore


def said(operation, params, executable):
    os.environ["BELLHOP_EXECUTABLE"] = executable
    try:
        answer = bellhop_botocore.adapt(params, SimpleNamespace(name=operation))
    except bellhop_botocore.AdaptError as error:
        return f"AdaptError {error}"
    except Exception as error:
        return type(error).__name__
    return json.dumps(answer)


LEGAL = {"TrainingJobName": "job"}
print(
    json.dumps(
        {
            "targets": bellhop_botocore.TARGETS,
            "broken": [said("CreateTrainingJob", LEGAL, one) for one in ("/etc", "/bin/true")],
            "left": [
                said(operation, params, "/nothing/bellhop")
                for operation, params in (
                    ("RunTask", {"overrides": {}}),
                    ("RegisterTaskDefinition", {"containerDefinitions": []}),
                    ("CreateTrainingJob", {"TrainingJobName": 5}),
                    ("CreateTrainingJob", {"TrainingJobName": ""}),
                    ("CreateTrainingJob", {**LEGAL, "Environment": {1: "x"}}),
                    ("CreateTrainingJob", {**LEGAL, "Tags": ({None: "x"},)}),
                    ("CreateTrainingJob", {**LEGAL, "Environment": {"A": b"x"}}),
                )
            ],
            "handed": said("CreateTrainingJob", {**LEGAL, "Tags": []}, "/nothing/bellhop"),
        }
    )
)
