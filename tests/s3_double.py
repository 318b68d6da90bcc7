"""A test double of S3 on loopback, and what its owner sees of it."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.e2e.servers import free_port


@contextmanager
def s3_server() -> Iterator[str]:
    """Start a test double of S3 on loopback, with the empty bucket ``parley``."""
    with warnings.catch_warnings():
        # moto imports modules of its dependencies that announce their own deprecation.
        warnings.simplefilter("ignore", DeprecationWarning)
        from moto.server import ThreadedMotoServer

        port = free_port()
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
        server.start()
    endpoint = f"http://127.0.0.1:{port}"
    try:
        with owner_client(endpoint) as client:
            client.create_bucket(Bucket="parley")
        yield endpoint
    finally:
        server.stop()


@contextmanager
def owner_client(endpoint: str) -> Iterator[Any]:
    """Open a client of the bucket's owner, whatever credentials the environment holds."""
    import boto3

    # A session of its own: boto3's remembers the first credentials that it saw.
    client = boto3.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="owner",
        aws_secret_access_key="secret",
    )
    try:
        yield client
    finally:
        client.close()
