"""A disk that fills up during a run: one line, nothing half-written, and on from there."""

import subprocess

import pytest

from tests.e2e.conftest import Command

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]
DISK = 80
"""Megabytes: enough for a tiny run, and quickly filled."""


@pytest.fixture
def disk(tmp_path):
    """A disk of its own, in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may not mount a disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(path):
    """Take every byte that is left."""
    with path.open("wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(2**16))
        except OSError:
            return


def test_a_run_whose_disk_fills_up_ends_in_one_line_and_goes_on_when_there_is_room(
    disk, tmp_path, shapes_dir
):
    command = Command(disk / "home", shapes_dir, training__epochs="40")
    process = command.start()
    command.wait_until(lambda: max(command.checkpoints(), default=0) >= 2, process)
    fill(disk / "ballast")
    _, error = process.communicate(timeout=120)
    assert process.returncode == 1
    lines = error.strip().splitlines()
    assert len(lines) == 1, error
    assert lines[0].startswith("parley: expected to write")
    assert "free" in lines[0]
    assert command.record("train_classifier") is None
    unfinished = [p for p in (command.home / "store/.unfinished").rglob("*") if p.is_file()]
    assert unfinished == []
    assert list(command.home.glob("work/*/.epoch-*")) == []
    done = max(command.checkpoints())
    (disk / "ballast").unlink()
    report, _ = command.finish()
    assert done >= 2
    assert report["arms"] is not None


def test_a_run_on_a_full_disk_does_not_start(disk, shapes_dir):
    fill(disk / "ballast")
    process = Command(disk / "home", shapes_dir).start()
    _, error = process.communicate(timeout=60)
    assert (process.returncode, error.count("\n")) == (1, 1), error
    assert error.startswith("parley: expected")
    assert "free" in error
    assert [path for path in (disk / "home").rglob("*") if path.is_file()] == []
