import logging
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from feedback.errors import WeightsError
from models.classifier import build_classifier
from models.params import ClassifierParams
from tasks.weights import load_weights, resolve_preprocess

SHARED = Path(__file__).parents[3] / "shared" / "weights"
SQUEEZENET = SHARED / "squeezenet1_1_imagenet_fp16.safetensors"


def network(n_classes=4, seed=1, **changes):
    params = ClassifierParams(**{"arch": "squeezenet1_1", "width": 0.125} | changes)
    return build_classifier(params, n_classes, seed=seed)


@pytest.fixture
def saved(tmp_path):
    """A file of half-precision weights and the network they come from."""
    source = build_classifier(ClassifierParams(arch="squeezenet1_1", width=0.125), 4, seed=9)
    path = tmp_path / "weights.safetensors"
    save_file({n: v.half() for n, v in source.state_dict().items()}, path)
    return path, source


def test_half_precision_is_cast_to_float32(saved):
    path, source = saved
    model = network()
    load_weights(model, path)
    for name, value in model.state_dict().items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, source.state_dict()[name], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("nested", [False, True])
def test_checkpoints_of_plain_tensors_load_too(tmp_path, saved, nested):
    _, source = saved
    state = source.state_dict()
    torch.save({"state_dict": state} if nested else state, tmp_path / "weights.pth")
    model = network()
    load_weights(model, tmp_path / "weights.pth")
    assert torch.equal(model.features[0].weight, source.features[0].weight)


def test_a_head_of_another_class_count_keeps_its_random_weights_and_the_log_says_so(saved, caplog):
    caplog.set_level(logging.INFO)
    model = network(n_classes=7)
    head = model.classifier[1].weight.clone()
    load_weights(model, saved[0])
    assert torch.equal(model.classifier[1].weight, head)
    assert "another number of classes" in caplog.text


def test_other_shapes_are_refused_with_the_first_differences(saved):
    model = network(width=0.25)
    before = model.features[0].weight.clone()
    with pytest.raises(WeightsError, match=r"features\.0\.weight of shape.*set classifier\.arch"):
        load_weights(model, saved[0])
    assert torch.equal(model.features[0].weight, before)


def test_missing_and_unknown_names_are_refused(tmp_path):
    state = network().state_dict()
    state["extra.weight"] = state.pop("features.0.bias")
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match=r"no features\.0\.bias; an unknown extra\.weight"):
        load_weights(network(), tmp_path / "w.safetensors")


def test_weights_of_another_architecture_are_refused_by_their_metadata(tmp_path, saved):
    path = tmp_path / "w.safetensors"
    save_file(network().state_dict(), path, metadata={"arch": "squeezenet1_1"})
    with pytest.raises(WeightsError, match=r"set classifier\.arch to squeezenet1_1"):
        load_weights(network(arch="resnet18"), path)


def test_a_missing_counter_of_batches_is_no_difference(tmp_path):
    source = network(arch="resnet18", seed=5)
    state = {n: v for n, v in source.state_dict().items() if "num_batches" not in n}
    save_file(state, tmp_path / "w.safetensors")
    model = network(arch="resnet18")
    load_weights(model, tmp_path / "w.safetensors")
    assert torch.equal(model.fc.weight, source.fc.weight)


@pytest.mark.parametrize("content", [b"", b"not weights", b"PK\x03\x04broken"])
@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_unreadable_files_are_refused_in_one_line(tmp_path, content, suffix):
    path = tmp_path / f"w.{suffix}"
    path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        load_weights(network(), path)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path):
    torch.save({"model": network()}, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="convert it to safetensors"):
        load_weights(network(), tmp_path / "w.pth")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"check classifier\.weights"):
        load_weights(network(), tmp_path / "none.safetensors")


def test_auto_preprocessing_follows_the_metadata_then_the_names(tmp_path):
    state = network().state_dict()
    said, caffe, plain = (tmp_path / f"{name}.safetensors" for name in ("said", "caffe", "plain"))
    save_file(state, said, metadata={"preprocess": "symmetric"})
    save_file({n.replace("classifier.1.", "classifier."): v for n, v in state.items()}, caffe)
    save_file(state, plain)
    for path, kind in ((said, "symmetric"), (caffe, "caffe_bgr"), (plain, "imagenet")):
        model = network()
        load_weights(model, path)
        assert model.preprocess == kind
        assert resolve_preprocess(ClassifierParams(weights=str(path))).preprocess == kind
    assert resolve_preprocess(ClassifierParams()).preprocess == "imagenet"
    asked = network(preprocess="symmetric")
    load_weights(asked, caffe)
    assert asked.preprocess == "symmetric"


@pytest.mark.skipif(not SQUEEZENET.is_file(), reason="needs the shared SqueezeNet weights")
def test_the_published_squeezenet_loads_with_its_own_preprocessing():
    model = network(n_classes=1000, width=1.0)
    load_weights(model, SQUEEZENET)
    assert model.preprocess == "caffe_bgr"
    model.eval()
    with torch.no_grad():
        logits = model(torch.zeros(1, 3, 227, 227)).logits
    assert torch.isfinite(logits).all()
    assert logits.std() > 0.1
