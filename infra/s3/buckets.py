"""Make the buckets of a team and put their policies on, as the owner that AWS_* names.

    python buckets.py [REVIEWER...]

Safe to repeat. PARLEY_S3_ACCOUNT is the number of the users' account on Amazon; empty on Ceph.
The bucket of the store has versions where the service keeps conditional writes to such buckets,
which is tried out on it first.
"""

import json
import os
import sys
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from tasks.access import bucket_policy

STORE, MLFLOW = "parley", "parley-mlflow"


def main(reviewers: list[str]) -> None:
    """Make the buckets."""
    client = boto3.client("s3")
    account = os.environ.get("PARLEY_S3_ACCOUNT", "")
    there = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    for bucket in (STORE, MLFLOW):
        if bucket not in there:
            client.create_bucket(Bucket=bucket)
    keep_versions(client, MLFLOW)
    if STORE not in there and keeps_its_promise_with_versions(client):
        keep_versions(client, STORE)
    store = bucket_policy(STORE, account=account, reviewers=reviewers)
    client.put_bucket_policy(Bucket=STORE, Policy=json.dumps(store))
    mlflow = (Path(__file__).parent / "mlflow-policy.json").read_text()
    mlflow = mlflow.replace("arn:aws:iam:::", f"arn:aws:iam::{account}:")
    client.put_bucket_policy(Bucket=MLFLOW, Policy=mlflow)


def keep_versions(client: "boto3.client", bucket: str) -> None:
    """Keep what is overwritten or deleted."""
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def keeps_its_promise_with_versions(client: "boto3.client") -> bool:
    """Tell whether a bucket with versions refuses a second conditional write.

    Ceph's gateway 16 takes it, and two watchers could both decide there.
    """
    trial = f"{STORE}-trial"
    client.create_bucket(Bucket=trial)
    keep_versions(client, trial)
    won = 0
    for data in (b"first", b"second"):
        try:
            client.put_object(Bucket=trial, Key="trial", Body=data, IfNoneMatch="*")
            won += 1
        except ClientError:
            continue
    for version in client.list_object_versions(Bucket=trial).get("Versions", ()):
        client.delete_object(Bucket=trial, Key="trial", VersionId=version["VersionId"])
    client.delete_bucket(Bucket=trial)
    return won == 1


if __name__ == "__main__":
    main(sys.argv[1:])
