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
from tasks.registered import load_network
from tasks.registering import logits_only, register_companions
from tasks.registry import alias_version, register_version
from tasks.stage import StageResult
from tasks.tracking import Tracker
from tasks.tracking_store import start_tracking
from tests.pickles import pickles


@pytest.fixture
def tracker(settings):
    return start_tracking(settings, "run-1", {})


def register(tracker, model, digest, shape=(2, 4), n=3):
    return register_version(
        tracker,
        lambda: model,
        name="net",
        digest=digest,
        examples={"x": shape},
        outputs={"logits": (2, n)},
        tags={"parley.arm": "original"},
    )


def files_below(uri):
    import mlflow

    folder = Path(mlflow.artifacts.download_artifacts(uri))
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_logged_classifier_gives_equal_outputs_for_any_batch_and_holds_no_code(tracker, tmp_path):
    params = ClassifierParams(arch="resnet18", width=0.125)
    model = logits_only(build_classifier(params, 3, seed=0))
    version = register(tracker, model, "d" * 64, (2, 3, 48, 48))
    # The same weights are neither logged nor even built again.
    assert register(tracker, None, "d" * 64, (2, 3, 48, 48)) == version
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


@pytest.mark.parametrize("shown", [[], ["parley"]])
def test_a_server_with_passwords_that_refuses_what_is_not_there_is_understood(shown):
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

    class Client:
        def get_model_version_by_alias(self, name, alias):
            raise MlflowException("Permission denied", error_code=PERMISSION_DENIED)

        def search_registered_models(self, filter_string, max_results):
            assert filter_string == "name = 'parley'"
            return shown

    tracker = Tracker(Client(), "", "")
    if shown:
        with pytest.raises(TrackingError, match="Permission denied"):
            alias_version(tracker, "parley", "champion")
    else:
        assert alias_version(tracker, "parley", "champion") is None
