"""Makes on moto what jobs need: a bucket, a cluster, a queue, a secret. Prints their names."""
import json
import sys

import boto3

given = json.load(sys.stdin)
kw = {
    "endpoint_url": given["endpoint"],
    "region_name": "us-east-1",
    "aws_access_key_id": "AKIATESTBED",
    "aws_secret_access_key": "testbed",
}
name = given["name"]
boto3.client("s3", **kw).create_bucket(Bucket=name)
boto3.client("ecs", **kw).create_cluster(clusterName=name)
iam = boto3.client("iam", **kw)
policy = json.dumps({"Version": "2012-10-17", "Statement": []})
role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy)["Role"]["Arn"]
ec2 = boto3.client("ec2", **kw)
vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
group = ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
batch = boto3.client("batch", **kw)
compute = batch.create_compute_environment(
    computeEnvironmentName=name,
    type="MANAGED",
    state="ENABLED",
    serviceRole=role,
    computeResources={
        "type": "FARGATE",
        "maxvCpus": 4,
        "subnets": [subnet],
        "securityGroupIds": [group],
    },
)["computeEnvironmentArn"]
batch.create_job_queue(
    jobQueueName=name,
    state="ENABLED",
    priority=1,
    computeEnvironmentOrder=[{"order": 1, "computeEnvironment": compute}],
)
secret = boto3.client("secretsmanager", **kw).create_secret(
    Name=f"{name}/db", SecretString=given["secret"]
)["ARN"]
print(json.dumps({"role": role, "subnet": subnet, "secret": secret}))
