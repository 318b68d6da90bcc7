"""Object storage for the whole: Ceph's gateway from Debian, else the double of other tests."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3

from feedback.s3 import S3Store
from tasks.access import IDENTITIES
from tests.e2e.needed import is_demanded, missing
from tests.e2e.servers import ROOT, answers_at_all, children_of, free_port, process, wait_for

PROGRAMS = ("radosgw", "radosgw-admin", "ceph-mon", "ceph-osd", "ceph-authtool", "monmaptool")
USERS = (*(identity.name for identity in IDENTITIES), "reviewer-ada", "parley-mlflow")
BUCKET, MLFLOW_BUCKET = "parley", "parley-mlflow"


class Gateway:
    """An S3 service that is up.

    Attributes:
        endpoint: Its address.
        is_real: Whether it checks signatures and policies, and survives being killed.
        secrets: Secret key of each user.
    """

    def __init__(self, endpoint: str, secrets: dict[str, str], pid: int, *, is_real: bool) -> None:
        self.endpoint, self.secrets, self.is_real, self._pid = endpoint, secrets, is_real, pid

    def environment(self, user: str) -> dict[str, str]:
        """Return the variables of a process that is this user of the service."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": access_key(user),
            "AWS_SECRET_ACCESS_KEY": self.secrets[user],
        }

    def client(self, user: str = "owner"):
        return boto3.Session().client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=access_key(user),
            aws_secret_access_key=self.secrets[user],
        )

    def kill(self) -> None:
        """Kill the gateway as if it crashed; what keeps it alive starts it again."""
        for pid in children_of(self._pid):
            if Path(f"/proc/{pid}/comm").read_text().strip() == "radosgw":
                os.kill(pid, signal.SIGKILL)
                return
        raise AssertionError("no gateway to kill")

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Refuse every connection in the block; the double, which would forget all, is silent."""
        os.kill(self._pid, signal.SIGSTOP)
        try:
            if self.is_real:
                self.kill()  # and nobody starts it again, who is stopped
            yield
        finally:
            os.kill(self._pid, signal.SIGCONT)


class OwnStore(S3Store):
    """The object store in the hands of one user, whatever the environment says."""

    def __init__(self, service: Gateway, user: str, bucket: str) -> None:
        super().__init__(bucket, endpoint=service.endpoint)
        self._client = service.client(user)


def access_key(user: str) -> str:
    """Return a user's key id; only their secret key is a secret."""
    return user


@contextlib.contextmanager
def gateway(folder: Path, secrets: dict[str, str]) -> Iterator[Gateway]:
    """Start the service; whoever starts it makes users and buckets with ``furnish``."""
    folder.mkdir(parents=True)
    is_real = all(map(shutil.which, PROGRAMS))
    if not is_real and is_demanded("S3"):
        need_gateway()
    port = 20_000 + free_port() % 10_000  # the daemons take the next sixty ports
    if is_real:
        command = (str(ROOT / "infra" / "s3" / "radosgw.sh"), str(folder / "ceph"), str(port))
    else:
        command = (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port))
    env = {
        **os.environ,
        "PARLEY_S3_ACCESS_KEY": access_key("owner"),
        "PARLEY_S3_SECRET_KEY": secrets["owner"],
    }
    endpoint = f"http://127.0.0.1:{port}"
    with process(command, env, folder / "s3.log") as started:
        yield Gateway(endpoint, secrets, started.pid, is_real=is_real)


def need_gateway() -> None:
    """Skip the test where Ceph's gateway is not installed, or fail it where it must be."""
    if lacking := [program for program in PROGRAMS if shutil.which(program) is None]:
        debian = "Debian: apt-get install radosgw ceph-mon ceph-osd ceph-common"
        missing("S3", f"not installed: {', '.join(lacking)} ({debian})")


def furnish(service: Gateway, folder: Path) -> None:
    """Make users, buckets and their policies by the scripts of ``infra/``."""
    wait_for(lambda: answers_at_all(service.endpoint), 60, "the object storage")
    scripts = ROOT / "infra" / "s3"
    if service.is_real:
        keys = " ".join(f"{user}={service.secrets[user]}" for user in USERS)
        env = {**os.environ, "PARLEY_S3_KEYS": keys}
        subprocess.run((scripts / "users.sh", folder / "ceph"), env=env, check=True)
    env = {**os.environ, **service.environment("owner"), "PYTHONPATH": str(ROOT)}
    subprocess.run((sys.executable, scripts / "buckets.py", "ada"), env=env, check=True)
