"""The stages of the channel run once on the shapes, and results of stages made by hand."""

from dataclasses import dataclass

import pytest

from benchmarks.correction.preparing import prepare
from flows.params import PipelineParams, load_params
from models.concept_graph.params import ConceptGraphParams
from tasks.channels.concept_graph.basis import Basis
from tasks.channels.concept_graph.reasoning import fit_teacher
from tasks.dataset.opening import open_dataset
from tasks.dataset.reference import DatasetRef
from tasks.progress import Progress
from tasks.settings import Settings
from tasks.stage import StageResult, Work
from tasks.workplace import Workplace, open_workplace
from tests.shapes import tiny_overrides
from tests.tasks.channels.concept_graph.mined_again import after as after  # a fixture
from tests.tasks.channels.concept_graph.mined_again import approved as approved  # a fixture
from tests.tasks.channels.concept_graph.mined_again import before as before  # a fixture

REVIEWED = (0, 2)
"""Bars and squares; discs are left to the classifier."""


@dataclass
class Staged:
    """What the stages left behind; read only."""

    workplace: Workplace
    work: Work
    params: PipelineParams
    channel: ConceptGraphParams
    dataset: DatasetRef
    basis: Basis
    concepts: StageResult
    reasoner: StageResult

    def save(self, name, *, tensors=None, json=None, **facts):
        """Make the result of a stage by hand, with one output per given name."""
        outputs = {k: self.work.artifacts.save_tensors(v) for k, v in (tensors or {}).items()}
        outputs |= {k: self.work.artifacts.save_json(v) for k, v in (json or {}).items()}
        return StageResult(name=name, key=name, outputs=outputs, facts=facts, seconds=0.0)

    def tensors(self, result, name):
        return self.work.load_tensors(result, name)

    def teacher(self, graphs):
        """Fit a teacher that reasons with other class graphs."""
        return fit_teacher.fn(
            self.workplace,
            basis=self.basis,
            concepts=self.concepts,
            graphs=[graph.to_json() for graph in graphs],
            params=self.channel,
            seed=0,
        )


def stage_shapes(home, shapes_dir, **changes) -> Staged:
    """Run the stages that come before anybody is asked."""
    params = load_params(None, tiny_overrides(**changes))
    channel = ConceptGraphParams.model_validate(params.of_channel())
    workplace = open_workplace(Settings(home=home))
    dataset = open_dataset(workplace, shapes_dir, unversioned="refuse", training=params.training)
    prepared = prepare(workplace, dataset, params, channel, REVIEWED, seed=0)
    work = Work(workplace.artifacts, home / "scratch", workplace.cache_folder(), Progress("test"))
    return Staged(workplace, work, params, channel, dataset, *prepared)


@pytest.fixture(scope="session")
def staged(tmp_path_factory, shapes_dir):
    return stage_shapes(tmp_path_factory.mktemp("staged"), shapes_dir)
