"""Definitions, and runs with overrides, as operators of Airflow and Step Functions send them."""

import sys

import boto3

bucket, role, name = sys.argv[1:4]
network = {"awsvpcConfiguration": {"subnets": [sys.argv[4]]}}
image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/train:7"
labels = " ".join(f"class-{n:04d}" for n in range(200))


def variables(prefix, count):
    return [{"name": f"{prefix}_{n}", "value": f"{n} {labels}"} for n in range(count)]


def run(call, **request):
    try:
        call(**request)
    except boto3.exceptions.botocore.exceptions.ClientError as error:
        print(f"moto: {error.operation_name}")  # It has no machine for the task.


ecs, batch, functions = (boto3.client(one) for one in ("ecs", "batch", "lambda"))
shell = ["sh", "-c", 'env; echo "words=$0"']
run(
    ecs.register_task_definition,
    family=name,
    executionRoleArn=role,
    requiresCompatibilities=["FARGATE"],
    networkMode="awsvpc",
    cpu="256",
    memory="512",
    containerDefinitions=[
        {
            "name": "main",
            "image": image,
            "entryPoint": shell,
            "command": ["own"],
            "environment": variables("OWN", 60),
        }
    ],
)
overrides = {"name": "main", "environment": variables("RUN", 20), "command": ["of the run"]}
run(
    ecs.run_task,
    cluster=bucket,
    taskDefinition=name,
    launchType="FARGATE",
    networkConfiguration=network,
    overrides={"containerOverrides": [overrides]},
)
container = {"image": image, "executionRoleArn": role, "environment": variables("OWN", 30)}
run(
    batch.register_job_definition,
    jobDefinitionName=name,
    type="container",
    platformCapabilities=["FARGATE"],
    containerProperties={
        **container,
        "command": [*shell, "own"],
        "resourceRequirements": [
            {"type": "VCPU", "value": "1"},
            {"type": "MEMORY", "value": "2048"},
        ],
    },
)
run(
    batch.submit_job,
    jobName=name,
    jobQueue=bucket,
    jobDefinition=name,
    containerOverrides={"environment": variables("RUN", 20), "command": [*shell, "of the run"]},
)
zipped = {"FunctionName": f"{name}-zip", "Role": role, "Runtime": "python3.12", "Handler": "a.b"}
run(functions.create_function, **zipped, Code={"ZipFile": b"PK"})
