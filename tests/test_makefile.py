"""What ``make clean`` and ``make purge`` remove, and what they must leave alone."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tasks.dataset.version import DEFAULT_REMOTE
from tasks.settings import Settings
from tasks.stage import Work, stage
from tasks.workplace import open_workplace

MAKEFILE = Path(__file__).parents[1] / "Makefile"
LASTING = (
    ".parley/mlflow.db",
    ".parley/mlflow-artifacts/1/model.safetensors",
    ".parley/prefect/prefect.db",
    ".parley/running/run.json",
    ".parley/store/inbox/rq-1/ada/nonce-001.json",
    ".parley/store/reviews/rq-1/manifest.json",
    ".parley/store/decisions/rq-1/0001.json",
    ".parley/store/audit/start.json",
    ".parley/store/promotions/parley/0001.json",
    ".parley/store/runs/run-1/report.json",
    f"{DEFAULT_REMOTE}/files/md5/00/1",
)
OUTSIDE = ("data/train/a/0.png", "data.dvc", ".venv/bin/python", ".dvc/cache/files/md5/00/1")


@stage("count", version=1)
def count(work: Work) -> dict:
    work.save_json("rows", [1, 2])
    return {}


@pytest.fixture
def make(tmp_path):
    """Call a target in a folder that holds all that runs and tools leave behind."""
    if shutil.which("make") is None:
        pytest.skip("no make on this machine")
    for name in (*LASTING, *OUTSIDE, ".mypy_cache/a"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("kept")

    def call(target):
        command = ["make", "-f", str(MAKEFILE), target]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
        return {
            path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
        }

    return call


def test_clean_removes_what_is_computed_again_and_nothing_else(make, tmp_path):
    workplace = open_workplace(Settings(home=tmp_path / ".parley"))
    first = count(workplace)
    workplace.digest_memory().write_text("{}")
    workplace.scratch_folder(first.key).mkdir(parents=True)
    (workplace.scratch_folder(first.key) / "epoch.safetensors").write_text("half")
    assert make("clean") == {*LASTING, *OUTSIDE}
    again = count(workplace)
    assert (again.reused, again.digest()) == (False, first.digest())


def test_purge_removes_all_that_runs_left_and_neither_data_nor_environment(make):
    assert make("purge") == set(OUTSIDE)
