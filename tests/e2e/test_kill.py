"""A run that is killed at any moment goes on from there when the same command is given again."""

import json

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]
EPOCHS = 12


def history(command):
    uri = command.record("train_classifier")["outputs"]["history"]["uri"]
    return json.loads((command.home / "store" / uri).read_text())


def test_a_killed_training_continues_from_its_checkpoint_to_the_same_weights(command):
    whole = command("whole", training__epochs=str(EPOCHS))
    whole.kill_when(lambda: whole.record("train_classifier"))
    broken = command("broken", training__epochs=str(EPOCHS))
    broken.kill_when(lambda: max(broken.checkpoints(), default=0) >= 3)
    assert broken.record("train_classifier") is None
    left = broken.checkpoints()
    # The second process writes no epoch again: of all it writes, it writes only later ones.
    written = {}

    def trained():
        written.update(
            {epoch: when for epoch, when in broken.checkpoints().items() if left.get(epoch) != when}
        )
        return broken.record("train_classifier")

    broken.kill_when(trained)
    assert written, "the second process was seen training"
    assert min(written) == max(left) + 1
    assert [row["epoch"] for row in history(broken)] == list(range(1, EPOCHS + 1))
    # Content-addressed: equal digests are equal bits.
    mine, theirs = (each.record("train_classifier") for each in (broken, whole))
    assert mine["key"] == theirs["key"]
    for output in ("model", "history", "split", "spec"):
        assert mine["outputs"][output]["sha256"] == theirs["outputs"][output]["sha256"]


def test_a_killed_run_goes_on_stage_by_stage_to_the_numbers_of_one_that_was_not(command):
    expected, _ = command("whole").finish()
    broken = command("broken")
    for stage in ("predict", "mine_class", "distil"):
        broken.kill_when(lambda stage=stage: broken.record(stage))
        assert not broken.report.exists()
    found, _ = broken.finish()
    reused = {stage["name"] for stage in found["stages"] if stage["reused"]}
    assert {"train_classifier", "predict", "choose_concepts", "fit_teacher", "distil"} <= reused
    for part in ("arms", "paired", "edits", "reasoner", "decision", "request", "edited_classes"):
        assert found[part] == expected[part]
    assert found["model"]["version"] == expected["model"]["version"] == "2"
    assert not list(broken.home.glob("work/*/epoch-*"))
