"""Data under DVC on S3: imported here, found again in a fresh clone, and no secret in between."""

import os
import subprocess

import pytest

from tasks.dataset import version
from tests.e2e.gateway import BUCKET, gateway
from tests.e2e.servers import PARLEY, ROOT, answers_at_all, wait_for
from tests.shapes import write_shapes

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]
KEY = "k" * 40


def git(folder, *arguments):
    identity = ("-c", "user.name=ada", "-c", "user.email=ada@example.org")
    command = ("git", "-C", str(folder), *identity, *arguments)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("s3")
    with gateway(folder / "service", {"owner": KEY}) as made:
        wait_for(lambda: answers_at_all(made.endpoint), 90, "the object storage")
        made.client().create_bucket(Bucket=BUCKET)
        yield made


@pytest.mark.parametrize("given", ["flag", "variable"])
def test_imported_data_are_pulled_from_s3_in_a_fresh_clone(service, tmp_path, monkeypatch, given):
    for name, value in service.environment("owner").items():
        monkeypatch.setenv(name, value)
    here, there = tmp_path / "here", tmp_path / "there"
    git(tmp_path, "init", "--quiet", str(here))
    write_shapes(tmp_path / "photos")
    remote = f"s3://{BUCKET}/dvc-{given}"
    if given == "variable":
        monkeypatch.setenv("PARLEY_DVC_REMOTE", remote)
    flags = ("--remote", remote) if given == "flag" else ()
    command = ("data", "import", str(tmp_path / "photos"), *flags)
    done = subprocess.run(
        (*PARLEY, *command),
        cwd=here, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    md5 = version.read_md5(here / "data.dvc")
    listed = service.client().list_objects_v2(Bucket=BUCKET, Prefix=f"dvc-{given}/")
    assert listed["KeyCount"] > 10
    git(here, "add", "data.dvc", ".dvc/config", ".gitignore")
    git(here, "commit", "--quiet", "-m", "data")
    for name in git(here, "ls-files").split():
        text = (here / name).read_text()
        assert KEY not in text
        assert service.endpoint not in text
    git(tmp_path, "clone", "--quiet", str(here), str(there))
    assert not (there / "data").exists()
    version.pull(there / "data")
    assert version.verify_working_data(there / "data", there / "data.dvc") == md5
    assert version.folder_md5(here / "data") == md5
