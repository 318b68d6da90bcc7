from pathlib import Path

import pytest
import torch
from torch import nn

from feedback.errors import TrackingError
from models.classifier import build_classifier
from models.concept_graph.ensemble import ReasonerEnsemble
from models.concept_graph.graph import ClassGraph
from models.concept_graph.params import ReasonerParams
from models.concept_graph.reasoner import GraphReasoner
from models.params import ClassifierParams
from tasks.channels.concept_graph.exporting import reasoner_companion
from tasks.promotion import logits_only, register_companions, settle_aliases
from tasks.registry import (
    CANDIDATE,
    CHAMPION,
    PREVIOUS,
    alias_version,
    load_network,
    promote,
    register_version,
    set_alias,
)
from tasks.stage import StageResult
from tasks.tracking import start_tracking
from tasks.version_pages import VersionRef
from tests.pickles import pickles


@pytest.fixture
def tracker(settings):
    return start_tracking(settings, "run-1", {})


def register(tracker, model, digest, shape=(2, 4), n=3):
    return register_version(
        tracker,
        model,
        name="net",
        digest=digest,
        examples={"x": shape},
        outputs={"logits": (2, n)},
        tags={"parley.arm": "original"},
    )


@pytest.fixture
def three(tracker):
    """Three versions that cost nothing: entries without a model."""
    tracker.client.create_registered_model("net")
    made = [tracker.client.create_model_version("net", f"file:///none/{i}") for i in range(3)]
    return [VersionRef(name="net", version=str(v.version), digest="") for v in made]


def files_below(uri):
    import mlflow

    folder = Path(mlflow.artifacts.download_artifacts(uri))
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_logged_classifier_gives_equal_outputs_for_any_batch_and_holds_no_code(tracker, tmp_path):
    params = ClassifierParams(arch="resnet18", width=0.125)
    model = logits_only(build_classifier(params, 3, seed=0))
    version = register(tracker, model, "d" * 64, (2, 3, 48, 48))
    assert register(tracker, model, "d" * 64, (2, 3, 48, 48)) == version
    loaded = load_network(f"models:/net/{version.version}")
    for size in (1, 2, 5):
        images = torch.rand(size, 3, 48, 48, generator=torch.Generator().manual_seed(size))
        torch.testing.assert_close(loaded(images), model(images), rtol=1e-5, atol=1e-5)
    stored = files_below(f"models:/net/{version.version}")
    assert any(path.suffix == ".pt2" for path in stored)
    assert pickles({str(path): path.read_bytes() for path in stored}) == []


def test_a_logged_reasoner_gives_equal_outputs_for_any_batch(tracker, workplace):
    graphs = [ClassGraph(i, str(i), ("a", "b", "c"), ("auto",) * 6) for i in range(2)]
    params = ReasonerParams(node_dims=(8, 4), edge_dims=(3, 2))
    members = [GraphReasoner(graphs, 5, params, seed=seed) for seed in (1, 2)]
    reasoner = ReasonerEnsemble(members).eval()
    fitted = StageResult(
        name="imitate_classifier",
        key="k",
        outputs={
            "reasoner": workplace.artifacts.save_tensors(reasoner.state_dict()),
            "config": workplace.artifacts.save_json(reasoner.config()),
        },
        facts={},
        seconds=0.0,
    )
    companion = reasoner_companion(workplace, fitted, "reasoner")
    (version,) = register_companions.fn(tracker, [companion], name="net", tags={"a": "b"})
    assert register_companions.fn(tracker, [companion], name="net", tags={}) == [version]
    assert version.name == "net-reasoner"
    loaded = load_network(f"models:/net-reasoner/{version.version}")
    for size in (1, 2, 5):
        generator = torch.Generator().manual_seed(size)
        nodes = torch.randn(size, 2, 3, 5, generator=generator)
        present = torch.rand(size, 2, 3, generator=generator) > 0.5
        positions = torch.rand(size, 2, 3, 2, generator=generator)
        expected = reasoner(nodes, present, positions)
        found = loaded(nodes, present.float(), positions)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


# MLflow warns of type hints of its own classes when it first imports mlflow.pyfunc.
@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred")
def test_a_pickled_model_is_not_loaded(tracker):
    import mlflow

    with mlflow.start_run(run_id=tracker.run_id):
        info = mlflow.pytorch.log_model(
            nn.Linear(2, 2), name="net", serialization_format="pickle", pip_requirements=["torch"]
        )
    with pytest.raises(TrackingError, match="expected MLflow to load"):
        load_network(info.model_uri)


def test_promotion_keeps_the_champion_before_it(tracker, three):
    first, second, _ = three
    promote(tracker, first, base=None)
    promote(tracker, second, base=first)
    assert alias_version(tracker, "net", CHAMPION) == second
    assert alias_version(tracker, "net", PREVIOUS) == first
    assert alias_version(tracker, "net", CANDIDATE) is None


def test_a_moved_champion_refuses_the_promotion(tracker, three):
    first, second, third = three
    promote(tracker, first, base=None)
    set_alias(tracker, third, CHAMPION)
    with pytest.raises(TrackingError, match="stale"):
        promote(tracker, second, base=first)
    with pytest.raises(TrackingError, match="expected the champion of net to be version none"):
        promote(tracker, second, base=None)
    assert alias_version(tracker, "net", CHAMPION) == third


def test_aliases_after_a_run_follow_the_rule(tracker, three):
    original, refused, better = three

    def settle(candidate, allowed):
        return settle_aliases.fn(tracker, original=original, candidate=candidate, allowed=allowed)

    assert settle(refused, False) == (CANDIDATE, False)
    assert alias_version(tracker, "net", CHAMPION) == original
    assert settle(better, True) == (CHAMPION, True)
    assert alias_version(tracker, "net", PREVIOUS) == original
    assert settle(better, True) == (CHAMPION, True)
    assert alias_version(tracker, "net", "no-such-alias") is None
    assert alias_version(tracker, "no-such-model", CHAMPION) is None
