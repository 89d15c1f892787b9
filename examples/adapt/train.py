"""A script of the SageMaker SDK as teams have it: nothing here knows of bellhop."""

import sys

import sagemaker
from sagemaker.estimator import Estimator

bucket, role, name = sys.argv[1:4]
session = sagemaker.Session(default_bucket=bucket)
environment = {f"FEATURE_{n}": f"value {n}" for n in range(300)}
environment["LABELS"] = " ".join(f"class-{n:04d}" for n in range(500))
estimator = Estimator(
    image_uri="123456789012.dkr.ecr.us-east-1.amazonaws.com/train:7",
    role=role,
    instance_count=1,
    instance_type="ml.m5.large",
    environment=environment,
    container_entry_point=["sh", "-c", 'env; echo "words=$0 $1"'],
    container_arguments=["--steps=$(STEPS)", "two words"],
    hyperparameters={"rate": 0.1, "layers": [64, 32]},
    sagemaker_session=session,
)
estimator.fit(wait=False, job_name=name)
