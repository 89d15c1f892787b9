"""Prints what bellhop_botocore adds to a request: a legal one, and one that is spilled to moto."""
import resource
import statistics
import time
from types import SimpleNamespace

import bellhop_botocore

N = 20
MODEL = SimpleNamespace(name="CreateTrainingJob")
LEGAL = {
    "TrainingJobName": "job",
    "AlgorithmSpecification": {
        "TrainingImage": "i",
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["train"],
    },
    "Environment": {f"V{n}": f"value {n}" for n in range(50)},
}
# Random enough that the plan does not fit into the request.
LONG = {f"V{n}": " ".join(str(n * k * 7919 % 10007) for k in range(40)) for n in range(300)}
OVER = {**LEGAL, "Environment": LONG}


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def milliseconds(params):
    began, cpu = time.perf_counter(), cpu_seconds()
    answer = bellhop_botocore.adapt(params, MODEL)
    assert (answer is None) == (params is LEGAL)
    return (time.perf_counter() - began) * 1000, (cpu_seconds() - cpu) * 1000


def said(rows):
    wall, cpu = (statistics.median(one) for one in zip(*rows))
    return f"{wall:.0f} ms ({cpu:.0f} ms of CPU)"


rows = [(milliseconds(LEGAL), milliseconds(OVER)) for _ in range(N)]
legal, over = zip(*rows)
print(f"legal: {said(legal)}; over the caps, with the upload: {said(over)}; medians, N = {N}")
