"""A tuning job and a transform job of the SageMaker SDK, over the caps; nothing knows of bellhop."""

import sys

import sagemaker
from sagemaker.estimator import Estimator
from sagemaker.transformer import Transformer
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner

bucket, role, name = sys.argv[1:4]
session = sagemaker.Session(default_bucket=bucket)
environment = {f"FEATURE_{n}": f"value {n}" for n in range(60)}
environment["LABELS"] = " ".join(f"class-{n:04d}" for n in range(500))
estimator = Estimator(
    image_uri="123456789012.dkr.ecr.us-east-1.amazonaws.com/train:7",
    role=role,
    instance_count=1,
    instance_type="ml.m5.large",
    environment=environment,
    hyperparameters={"table": "x" * 3000, "layers": [64, 32]},
    sagemaker_session=session,
)
tuner = HyperparameterTuner(
    estimator,
    "loss",
    {"rate": ContinuousParameter(0.01, 0.1)},
    [{"Name": "loss", "Regex": "loss=(.*)"}],
    objective_type="Minimize",
    max_jobs=2,
)
tuner.fit(wait=False, job_name=name)
session.sagemaker_client.create_model(
    ModelName=name,
    ExecutionRoleArn=role,
    PrimaryContainer={"Image": "i", "Environment": {"LABELS": environment["LABELS"]}},
)
transformer = Transformer(
    name, 1, "ml.m5.large", env=environment, output_path=f"s3://{bucket}/o", sagemaker_session=session
)
transformer.transform(f"s3://{bucket}/i", job_name=name, wait=False)
