"""What a run on the shapes has before anybody is asked, and answers made by hand."""

from dataclasses import dataclass, field

import pytest

from feedback.channels.saliency_grid import CellMarks, ExplainerUsed, Grid, MarkedCell
from flows.params import PipelineParams, load_params
from models.saliency_grid.params import SaliencyGridParams
from tasks.channels.saliency_grid.basis import Basis, digest_images, load_fitted
from tasks.channels.saliency_grid.training import train_guided
from tasks.classifier import train_classifier
from tasks.dataset.opening import open_dataset
from tasks.progress import Progress
from tasks.settings import Settings
from tasks.stage import StageResult, Work
from tasks.workplace import Workplace, open_workplace
from tests.shapes import tiny_overrides

CELLS = 4


@dataclass
class Begun:
    """A dataset, a network that learned without marks, and the means to train another."""

    workplace: Workplace
    work: Work
    params: PipelineParams
    channel: SaliencyGridParams
    basis: Basis
    images: object = field(init=False)
    digests: list[str] = field(init=False)

    def __post_init__(self):
        self.images, self.digests = load_fitted(self.work, self.basis)

    def train(self, until, start=None, marks=(), workplace=None, seed=0, watched=0, **penalty):
        return train_guided.fn(
            workplace or self.workplace,
            basis=self.basis,
            classifier=self.params.classifier,
            weights_sha256="",
            start=start,
            until=until,
            marks=list(marks),
            penalty=self.channel.penalty.model_copy(update=penalty),
            seed=seed,
            watched=watched,
        )

    def mark(self, row, *cells, weight=1.0):
        """Return one entry of a bank."""
        weights = [[0.0] * CELLS for _ in range(CELLS)]
        for r, c in cells:
            weights[r][c] = weight
        return {
            "image": self.digests[row],
            "name": self.images.names[row],
            "weights": weights,
        }

    def answer(self, image, *cells, **changes):
        """Return a response as JSON."""
        values = {
            "image": image,
            "model_version": "m",
            "epoch": 1,
            "explainer": ExplainerUsed(name="deeplift"),
            "grid": Grid(g=CELLS, h=64, w=64),
            "cells": tuple(MarkedCell(r=r, c=c) for r, c in cells),
            "shown": ((0, 0), (0, 1), (1, 0), (3, 3)),
        }
        return CellMarks.model_validate({**values, **changes}).model_dump(mode="json")

    def fresh(self):
        """Return the same place without what is known."""
        place = self.workplace.detached()
        place.fresh = True
        return place

    def tensors(self, result: StageResult, name: str):
        return self.work.load_tensors(result, name)


@pytest.fixture(scope="session")
def begun(tmp_path_factory, shapes_dir):
    return begin(tmp_path_factory.mktemp("begun"), shapes_dir)


def begin(home, data, **changes):
    """Train on a dataset without marks."""
    settings = {
        "channel": "saliency_grid",
        "training__epochs": "3",
        "saliency_grid__grid__cells": str(CELLS),
        "saliency_grid__sampling__rounds": "2",
        "saliency_grid__sampling__n_images": "4",
    }
    params = load_params(None, tiny_overrides(**settings | changes))
    workplace = open_workplace(Settings(home=home))
    dataset = open_dataset(workplace, data, unversioned="refuse", training=params.training)
    classifier = train_classifier.fn(
        workplace,
        dataset=dataset,
        classifier=params.classifier,
        training=params.training,
        weights_sha256="",
        seed=0,
    )
    basis = Basis(
        dataset=dataset,
        training=params.training,
        classifier=classifier,
        digests=digest_images.fn(workplace, dataset=dataset),
    )
    work = Work(workplace.artifacts, home / "scratch", workplace.cache_folder(), Progress("test"))
    return Begun(
        workplace, work, params, SaliencyGridParams.model_validate(params.of_channel()), basis
    )
