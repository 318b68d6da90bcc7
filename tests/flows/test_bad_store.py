"""Stores and folders that cannot be written, and disks that fill up, at the command line."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from tests.flows.conftest import files_below
from tests.s3_double import s3_server
from tests.shapes import tiny_overrides

ROOT = Path(__file__).parents[2]
FLAGS = [flag for value in tiny_overrides() for flag in ("--set", value)]


@pytest.mark.parametrize("variable", ["PARLEY_STORE", "PARLEY_HOME"])
@pytest.mark.parametrize("place", ["taken", "taken/inside", "/proc/parley", "/dev/null"])
def test_a_place_that_takes_no_folder_is_told(
    run_refused, shapes_dir, tmp_path, monkeypatch, variable, place
):
    (tmp_path / "taken").write_text("a file, not a folder")
    where = place if place.startswith("/") else str(tmp_path / place)
    monkeypatch.setenv(variable, where)
    run_refused("--data", shapes_dir, message=where)


@pytest.mark.parametrize("address", ["ftp://host/x", "s3://", "s3://key:secret@bucket/x"])
def test_an_address_that_is_no_store_is_told(run_refused, shapes_dir, monkeypatch, address):
    monkeypatch.setenv("PARLEY_STORE", address)
    error = run_refused("--data", shapes_dir, message="correct the store's address")
    assert "secret" not in error


def test_a_folder_that_is_read_only_is_told(run_refused, shapes_dir, monkeypatch):
    # Even the superuser may not write where a file system is mounted read-only.
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    frozen = [m[1] for m in mounts if "ro" in m[3].split(",") and Path(m[1]).is_dir()]
    if not frozen:
        pytest.skip("nothing is mounted read-only here")
    monkeypatch.setenv("PARLEY_HOME", frozen[0])
    run_refused("--data", shapes_dir, message=frozen[0])


@pytest.fixture(scope="module")
def s3():
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def s3_environment(s3, settings, monkeypatch):
    # After ``settings``, which takes the store's address away.
    for name, value in {
        "AWS_ENDPOINT_URL_S3": s3,
        "AWS_ENDPOINT_URL_IAM": s3,
        "AWS_ACCESS_KEY_ID": "reader",
        "AWS_SECRET_ACCESS_KEY": "hunter2hunter2",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PARLEY_STORE": "s3://parley/team",
    }.items():
        monkeypatch.setenv(name, value)
    # boto3's own session remembers the first credentials that it saw.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return s3


@pytest.mark.slow
@pytest.mark.usefixtures("s3_environment")
def test_a_bucket_that_is_missing_is_told(run_refused, shapes_dir, monkeypatch):
    monkeypatch.setenv("PARLEY_STORE", "s3://nowhere/team")
    run_refused("--data", shapes_dir, message="NoSuchBucket")


@pytest.mark.slow
def test_a_bucket_that_may_be_read_only_is_told(
    run_refused, shapes_dir, s3_environment, monkeypatch
):
    """The service checks rights; the user may look into the bucket but not write."""
    import json
    import urllib.request

    iam = boto3.Session().client("iam")
    iam.create_user(UserName="looker")
    may_look = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}
    iam.put_user_policy(
        UserName="looker",
        PolicyName="look",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [may_look]}),
    )
    key = iam.create_access_key(UserName="looker")["AccessKey"]
    iam.close()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])

    def check_rights_after(requests: int) -> None:
        address, body = f"{s3_environment}/moto-api/reset-auth", str(requests).encode()
        plain = urllib.request.Request(address, body, {"Content-Type": "text/plain"})
        urllib.request.urlopen(plain).close()

    check_rights_after(0)
    try:
        error = run_refused("--data", shapes_dir, message="AccessDenied")
    finally:
        check_rights_after(1_000_000)
    assert key["SecretAccessKey"] not in error


@pytest.mark.slow
@pytest.mark.usefixtures("s3_environment")
def test_a_service_that_is_away_is_told(run_refused, shapes_dir, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("PARLEY_STORE_PATIENCE", "0.5")
    error = run_refused("--data", shapes_dir, message="the service answers")
    assert "hunter2" not in error


def limited(limit, *arguments, home):
    """Run ``parley`` in a process whose files may not grow beyond ``limit`` bytes."""

    def limit_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(
        [sys.executable, "-c", "from flows.cli import main; main()", *map(str, arguments)],
        env=os.environ | {"PARLEY_HOME": str(home), "PYTHONPATH": str(ROOT)},
        preexec_fn=limit_files,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=home.parent,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("limit", [0, 1_000, 100_000])
def test_a_run_whose_first_files_do_not_fit_ends_in_one_line(shapes_dir, tmp_path, limit):
    done = limited(limit, "run", *FLAGS, "--data", shapes_dir, home=tmp_path / "home")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert done.stderr.startswith("parley: expected")
    assert "free disk space" in done.stderr
    # The memory of digests is all that may be left, and whole.
    assert files_below(tmp_path) == {}


@pytest.mark.slow
@pytest.mark.parametrize("limit", [0, 3_000])
def test_an_import_that_does_not_fit_leaves_nothing(shapes_dir, tmp_path, limit):
    # Images of this size fit no limit of the first kind and some of the second.
    done = limited(limit, "data", "import", shapes_dir, home=tmp_path / "home")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "free disk space" in done.stderr
    assert files_below(tmp_path) == {}


@pytest.mark.slow
def test_a_demo_that_does_not_fit_leaves_nothing(tmp_path):
    done = limited(1_000, "data", "demo", home=tmp_path / "home")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "nothing was left there" in done.stderr
    assert files_below(tmp_path) == {}
