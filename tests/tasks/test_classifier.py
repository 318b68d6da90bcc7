import pytest
import torch

import tasks.checkpoints as checkpoints
from models.params import ClassifierParams, TrainingParams
from tasks.classifier import load_classifier, predict, train_classifier
from tasks.dataset.opening import open_dataset
from tasks.workplace import open_workplace
from tests.shapes import N_POOL, N_TEST, N_TRAIN

CLASSIFIER = ClassifierParams(arch="resnet18", width=0.125, concept_layer="layer2")
TRAINING = TrainingParams(image_size=48, epochs=3, batch_size=8, validation_share=0.2)


def train(workplace, dataset, **changes):
    values = {"classifier": CLASSIFIER, "training": TRAINING, "weights_sha256": "", "seed": 0}
    return train_classifier.fn(workplace, dataset=dataset, **values | changes)


@pytest.fixture
def dataset(workplace, shapes_dir):
    return open_dataset(workplace, shapes_dir, unversioned="refuse", training=TRAINING)


def test_a_fitted_classifier_is_rebuilt_from_its_artifacts_and_predicts(workplace, dataset):
    fitted = train(workplace, dataset)
    assert fitted.facts["epochs"] == 3
    history = workplace.artifacts.load_list(fitted.outputs["history"])
    assert [row["epoch"] for row in history] == [1, 2, 3]
    split = workplace.artifacts.load_tensors(fitted.outputs["split"])
    assert set(split["train"].tolist()).isdisjoint(split["validation"].tolist())
    assert len(split["train"]) + len(split["validation"]) == 3 * N_TRAIN
    model = load_classifier(workplace.artifacts, fitted)
    assert not model.training
    predicted = predict.fn(workplace, dataset=dataset, classifier=fitted, training=TRAINING)
    assert predicted.facts == {"train": 3 * N_TRAIN, "test": 3 * N_TEST, "pool": N_POOL}
    logits = workplace.artifacts.load_tensors(predicted.outputs["logits"])
    assert logits["test"].shape == (3 * N_TEST, 3)
    assert torch.isfinite(logits["pool"]).all()


def test_a_killed_training_goes_on_from_its_checkpoint_to_the_same_weights(
    workplace, dataset, tmp_path, monkeypatch
):
    whole = train(workplace, dataset)
    other = open_workplace(workplace.settings.model_copy(update={"home": tmp_path / "other"}))
    write, epochs = checkpoints.save_checkpoint, []

    def die_after_two(folder, state, history=None):
        path = write(folder, state, history)
        epochs.append(state.epoch)
        if epochs == [1, 2]:
            raise KeyboardInterrupt
        return path

    monkeypatch.setattr(checkpoints, "save_checkpoint", die_after_two)
    with pytest.raises(KeyboardInterrupt):
        train(other, dataset)
    assert list(other.objects.list("stages/")) == []
    resumed = train(other, dataset)
    assert epochs == [1, 2, 3]
    assert resumed.outputs["model"] == whole.outputs["model"]
    assert resumed.outputs["history"] == whole.outputs["history"]
    assert not other.scratch_folder(resumed.key).exists()
