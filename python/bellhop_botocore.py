"""Lets unmodified scripts send AWS requests that are over their service's caps.

Import it before the first client is made, or start the script by it:

    python -m bellhop_botocore train.py --epochs 3

Every request of the operations below is handed to `bellhop adapt` before botocore looks at it. A
legal one comes back as it was. Settings are variables:

    BELLHOP_CONFIG       bellhop.yaml, with `submit.spill` (bellhop.yaml of the working directory,
                         where there is one)
    BELLHOP_EXECUTABLE   bellhop on this machine (looked up in PATH)
"""

import json
import os
import runpy
import subprocess
import sys

import botocore.exceptions
import botocore.handlers

# Each operation's target, and the field by which `bellhop adapt` recognises the request.
TARGETS = {
    "sagemaker": {
        "CreateTrainingJob": ("sagemaker-training", "TrainingJobName"),
        "CreateHyperParameterTuningJob": ("sagemaker-training", "HyperParameterTuningJobName"),
        "CreateProcessingJob": ("sagemaker-processing", "ProcessingJobName"),
        "CreateModel": ("sagemaker-model", "ModelName"),
        "CreateTransformJob": ("sagemaker-model", "TransformJobName"),
    },
    "batch": {
        "RegisterJobDefinition": ("aws-batch", "jobDefinitionName"),
        "SubmitJob": ("aws-batch", "jobDefinition"),
    },
    "ecs": {
        "RegisterTaskDefinition": ("ecs", "family"),
        "RunTask": ("ecs", "taskDefinition"),
    },
    "lambda": {"CreateFunction": ("lambda-image", "FunctionName")},
}
TARGET_OF = {name: target for every in TARGETS.values() for name, target in every.items()}
SECONDS_MAX = 300


class AdaptError(botocore.exceptions.BotoCoreError):
    """bellhop could not make the request a legal one; the message is its own."""

    fmt = "{report}"


def _has_text_keys(node):
    """False where json.dumps would make a text of a key that is none."""
    if isinstance(node, dict):
        return all(isinstance(key, str) and _has_text_keys(node[key]) for key in node)
    return not isinstance(node, (list, tuple)) or all(map(_has_text_keys, node))


def adapt(params, model, **_):
    """Answers botocore's event: the request to be sent, or None where it stays."""
    target, naming = TARGET_OF[model.name]
    if not isinstance(params.get(naming), str) or params[naming] == "":
        return None  # What names nothing is botocore's own, or the service's, to refuse.
    if model.name == "CreateFunction" and "ImageUri" not in (params.get("Code") or {}):
        return None  # A function that is no image has no room for bellhop.
    try:
        request = json.dumps(params)
    except (TypeError, ValueError):
        return None  # What is no JSON is botocore's own to refuse.
    if not _has_text_keys(params):
        return None
    command = [os.environ.get("BELLHOP_EXECUTABLE") or "bellhop", "adapt", target]
    config = os.environ.get("BELLHOP_CONFIG") or "bellhop.yaml"
    if os.environ.get("BELLHOP_CONFIG") or os.path.exists(config):
        command += ["-c", config]
    try:
        done = subprocess.run(
            command, input=request.encode(), capture_output=True, timeout=SECONDS_MAX, check=False
        )
    except OSError as error:
        why = "not found" if isinstance(error, FileNotFoundError) else error.strerror
        report = f"{command[0]}: {why}; set BELLHOP_EXECUTABLE or PATH"
        raise AdaptError(report=report) from error
    except subprocess.TimeoutExpired as error:
        report = f"bellhop adapt {target}: no answer in {SECONDS_MAX} s"
        raise AdaptError(report=report) from error
    if done.returncode != 0:
        raise AdaptError(report=done.stderr.decode(errors="replace").strip())
    if done.stdout == request.encode():
        return None
    try:
        answer = json.loads(done.stdout)
    except ValueError as error:
        report = f"{command[0]} adapt {target}: the answer is no JSON; is it bellhop?"
        raise AdaptError(report=report) from error
    return answer


def events():
    """Names of botocore's events that a request of the operations makes."""
    return [
        f"provide-client-params.{service}.{name}"
        for service, names in TARGETS.items()
        for name in names
    ]


def register(session):
    """For a botocore session that was made before this module was imported."""
    for event in events():
        session.register(event, adapt, unique_id=f"bellhop-{event}")


def _register_always():
    """Every botocore session that is made from now on has the handlers."""
    for event in events():
        if (event, adapt) not in botocore.handlers.BUILTIN_HANDLERS:
            botocore.handlers.BUILTIN_HANDLERS.append((event, adapt))


def main(words):
    """Runs a script, or with -m a module, as Python itself would."""
    if words[:1] == ["-m"] and len(words) > 1:
        sys.argv = words[1:]
        sys.path.insert(0, os.getcwd())
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    elif words:
        sys.argv = words
        sys.path.insert(0, os.path.dirname(os.path.abspath(words[0])))
        runpy.run_path(words[0], run_name="__main__")
    else:
        sys.exit("usage: python -m bellhop_botocore SCRIPT [ARGUMENTS], or -m MODULE")


if __name__ == "__main__":
    # The module that scripts import, not this copy of it, is whom botocore calls.
    import bellhop_botocore

    bellhop_botocore.main(sys.argv[1:])
else:
    _register_always()
