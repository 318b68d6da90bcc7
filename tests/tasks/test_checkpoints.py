import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from feedback.errors import ArtifactError
from models.training import TrainingState
from tasks.checkpoints import load_latest, save_checkpoint


def state(epoch):
    values = torch.full((3, 2), float(epoch))
    return TrainingState(
        epoch=epoch,
        model={"fc.weight": values, "bn.num_batches_tracked": torch.tensor(epoch)},
        optimizer={"exp_avg.fc.weight": values / 3, "step.fc.weight": float(epoch)},
        metrics={"loss": 1 / 3, "lr": 1e-5},
    )


def test_a_checkpoint_comes_back_bit_for_bit(tmp_path):
    save_checkpoint(tmp_path / "fit", state(3), [{"epoch": 3, "loss": 0.1}])
    loaded = load_latest(tmp_path / "fit")
    assert loaded.history == [{"epoch": 3, "loss": 0.1}]
    assert loaded.state.epoch == 3
    assert loaded.state.metrics == state(3).metrics
    assert torch.equal(loaded.state.model["fc.weight"], state(3).model["fc.weight"])
    assert loaded.state.model["bn.num_batches_tracked"].dtype == torch.int64
    assert loaded.state.optimizer["step.fc.weight"] == 3.0
    assert torch.equal(
        loaded.state.optimizer["exp_avg.fc.weight"], state(3).optimizer["exp_avg.fc.weight"]
    )


def test_only_the_newest_two_stay(tmp_path):
    for epoch in (1, 2, 3, 10):
        save_checkpoint(tmp_path, state(epoch))
    assert sorted(path.name[:12] for path in tmp_path.iterdir()) == ["epoch-000003", "epoch-000010"]
    assert load_latest(tmp_path).state.epoch == 10


def test_there_is_none_in_an_empty_or_missing_folder(tmp_path):
    assert load_latest(tmp_path) is None
    assert load_latest(tmp_path / "missing") is None


@pytest.mark.parametrize("n_bytes", [0, 7, 100, -1])
def test_a_torn_file_is_passed_over_for_the_one_before(tmp_path, n_bytes, caplog):
    save_checkpoint(tmp_path, state(1))
    newest = save_checkpoint(tmp_path, state(2))
    newest.write_bytes(newest.read_bytes()[:n_bytes])
    assert load_latest(tmp_path).state.epoch == 1
    assert "damaged checkpoint epoch-000002" in caplog.text


def test_a_flipped_bit_is_noticed(tmp_path):
    path = save_checkpoint(tmp_path, state(1))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    assert load_latest(tmp_path) is None


def test_leftovers_of_a_killed_write_are_ignored_and_cleared(tmp_path):
    torn = tmp_path / ".0123abcd.part"
    torn.write_bytes(b"half")
    assert load_latest(tmp_path) is None
    save_checkpoint(tmp_path, state(1))
    assert not torn.exists()


def test_a_failed_write_says_the_remedy_and_keeps_the_older_checkpoint(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, state(1))

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ArtifactError, match=r"got No space left on device\); free space"):
        save_checkpoint(tmp_path, state(2))
    assert [path.name[:12] for path in tmp_path.iterdir()] == ["epoch-000001"]


_WRITER = """
import sys, torch
from pathlib import Path
from models.training import TrainingState
from tasks.checkpoints import save_checkpoint
for epoch in range(1, 100000):
    values = {"w": torch.full((500, 500), float(epoch))}
    save_checkpoint(Path(sys.argv[1]), TrainingState(epoch, values, {}, {}))
"""


def test_a_checkpoint_is_there_when_the_writer_is_killed(tmp_path):
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)])
    deadline = time.monotonic() + 100
    while not any(tmp_path.glob("epoch-*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.05)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    state = load_latest(tmp_path).state
    assert torch.equal(state.model["w"], torch.full((500, 500), float(state.epoch)))
