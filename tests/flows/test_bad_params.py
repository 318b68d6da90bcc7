"""Parameters, weights and places that ``parley run`` refuses before any work."""

import pytest
import torch
from safetensors.torch import save_file

from models.classifier import build_classifier
from models.params import ClassifierParams

GROUP = "unknown parameter"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "training.epoch=3"], "unknown parameter 'training.epoch'"),
        (["--set", "trainin.epochs=3"], "trainin"),
        (["--set", "concept_graph.n_clases=3"], "unknown parameter 'concept_graph.n_clases'"),
        (["--set", "concept_graph.graph.k=3"], "unknown parameter 'concept_graph.graph.k'"),
        (["--set", "training.epochs=-1"], "training.epochs"),
        (["--set", "training.lr=.inf"], "training.lr"),
        (["--set", "training.lr=.nan"], "training.lr"),
        (["--set", "training.epochs=many"], "(got 'many')"),
        (["--set", "training.validation_share=1"], "training.validation_share"),
        (["--set", "training=3"], "training"),
        (["--set", "training.image_size=100000"], "training.image_size"),
        (["--set", "concept_graph.segments.n_segments=[]"], "concept_graph.segments.n_segments"),
        (["--set", "concept_graph.graph.n_concepts=1"], "concept_graph.graph.n_concepts"),
        (["--set", "concept_graph.classes=[bars, spheres]"], "'spheres'"),
        (["--set", "concept_graph.classes=[bars, bars]"], "each of classes once"),
        (["--set", "concept_graph.n_classes=9"], "at most 3"),
        (["--set", "distillation.transfer=sea"], "'train', 'pool' or 'both'"),
        (["--set", "classifier.arch=alexnet"], "classifier.arch"),
        (["--set", "classifier.concept_layer=layer9"], "layer9"),
        (["--set", "classifier.frozen_until=layer9"], "layer9"),
        (["--set", "nonsense"], "--set key=value"),
        (["--set", "seed={"], "YAML value"),
        (["--channel", "telepathy"], "no channel named 'telepathy'"),
        (["--channel", "../models"], "name of a channel"),
        (["--set", "channels.telepathy.x=1"], "no channel named 'telepathy'"),
        (["--params", "none.yaml"], "check --params"),
        (["--params", "."], "check --params"),
        (["--params", "noise.yaml"], "YAML"),
        (["--params", "list.yaml"], "a mapping"),
        (["--weights", "none.safetensors"], "classifier.weights"),
        (["--weights", "noise.safetensors"], "safetensors"),
        (["--weights", "noise.pt"], "plain tensors"),
        (["--weights", "."], "classifier.weights"),
        (["--reviewer", "nobody"], "review.reviewer"),
        (["--reviewer", "file:none.json"], "check the path"),
        (["--set", "review.wait=suspend"], "expected review.wait=auto or poll"),
        (["--report", "no/folder/r.json"], "create it first"),
        (["--report", "."], "got a folder"),
    ],
)
def test_bad_arguments_are_refused(run_refused, shapes_dir, tmp_path, arguments, message):
    for name in ("noise.yaml", "noise.safetensors", "noise.pt"):
        (tmp_path / name).write_bytes(bytes(range(256)))
    (tmp_path / "list.yaml").write_text("- 1\n")
    run_refused("--data", shapes_dir, *arguments, message=message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: {"conv1.weight": torch.zeros(3, 3)}, "no bn1.weight"),
        (lambda state: state | {"conv1.weight": torch.zeros(8, 3, 3, 3)}, "conv1.weight of shape"),
        (lambda state: state | {"conv9.weight": torch.zeros(1)}, "unknown conv9.weight"),
        (lambda state: {k: v for k, v in state.items() if k != "conv1.weight"}, "no conv1.weight"),
        (
            lambda state: build_classifier(
                ClassifierParams(arch="squeezenet1_1", width=1), 3
            ).state_dict(),
            "set classifier.arch",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused(run_refused, shapes_dir, tmp_path, change, message):
    network = build_classifier(ClassifierParams(arch="resnet18", width=0.125), 3)
    save_file(change(network.state_dict()), tmp_path / "w.safetensors")
    run_refused("--data", shapes_dir, "--weights", "w.safetensors", message=message)


def test_a_checkpoint_with_code_in_it_is_not_run(run_refused, shapes_dir, tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    torch.save({"conv1.weight": Trap()}, tmp_path / "w.pt")
    run_refused("--data", shapes_dir, "--weights", "w.pt", message="convert it to safetensors")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ["2024", "no", "null", "a: b", "[x]"])
def test_names_that_yaml_would_read_otherwise_stay_names(run_refused, name):
    run_refused("--data", name, message=f"expected a dataset at {name} ")
