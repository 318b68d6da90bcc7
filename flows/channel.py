"""The channel protocol, and the discovery of channels by file name.

A channel is one name with one file (or folder) per layer. Nothing lists channels by hand: every
module in ``flows/channels`` is one, and a fifth is added by adding files only.
"""

import importlib
import importlib.util
from collections.abc import Sequence
from typing import NamedTuple, Protocol, cast

from feedback.bundle import ReviewBundle
from feedback.decision import Decision
from feedback.discovery import available_modules
from feedback.document import FeedbackDocument
from feedback.errors import IncompleteChannelError, UnknownChannelError
from feedback.fields import JsonObject
from feedback.previews import Effect
from feedback.since import Scores
from flows.context import RunContext
from flows.context import Stages as Stages
from models.params import Params, TrainingParams
from tasks.dataset.reference import DatasetRef
from tasks.evaluation import Evaluation
from tasks.stage import StageResult

LAYERS = ("flows.channels.{}", "tasks.channels.{}", "models.{}.params", "feedback.channels.{}")
FUNCTIONS = (
    "check", "rounds", "explain", "bundle", "measure", "respond", "preview", "correct",
    "evaluate",
)  # fmt: skip


class Rounds(NamedTuple):
    """How often a run asks."""

    number: int = 1
    """Rounds of explaining, asking and correcting, at least 1."""
    wait: bool = True
    """Whether every round waits for its decision; else only the last one does, and decisions are
    taken up in the round in which they are known."""


class Channel(Protocol):
    """What a channel supplies; publishing, waiting and promoting are the same for all."""

    def check(self, params: Params, dataset: DatasetRef, training: TrainingParams) -> None:
        """Refuse parameters of the channel that do not fit, before any work is done."""

    def rounds(self, params: Params) -> Rounds:
        """Say how often people are asked in one run, and whether each answer is waited for."""

    def explain(self, run: RunContext, classifier: StageResult) -> Stages:
        """Compute the evidence that people will see in this round."""

    def bundle(self, run: RunContext, explained: Stages) -> tuple[ReviewBundle, dict[str, bytes]]:
        """Freeze the evidence into a review bundle and its pictures."""

    def measure(self, run: RunContext, explained: Stages) -> Scores:
        """Measure the network that is explained, to set it beside the champion."""

    def respond(self, run: RunContext, explained: Stages, bundle: ReviewBundle) -> FeedbackDocument:
        """Answer as the simulated reviewer, from the bundle and the dataset's masks alone."""

    def preview(self, run: RunContext, explained: Stages, edits: Sequence[JsonObject]) -> Effect:
        """Compute within seconds what a reviewer's edits would do; decides nothing."""

    def correct(self, run: RunContext, explained: Stages, decisions: Sequence[Decision]) -> Stages:
        """Carry decisions back into the network, those that no earlier round took up.

        All of them approve. Where every round waits there is one, this round's.
        """

    def evaluate(self, run: RunContext, explained: Stages, corrected: Stages) -> Evaluation:
        """Compare the corrected network with what was there before."""


def available_channels() -> tuple[str, ...]:
    """Return the names of all channels, in alphabetical order."""
    return available_modules(importlib.import_module("flows.channels"))


def missing_parts(name: str) -> tuple[str, ...]:
    """Return what a channel lacks: layers without its file, then functions without a definition.

    Args:
        name: Name of a discovered channel.
    """
    lacking = [layer.format(name) for layer in LAYERS if not _exists(layer.format(name))]
    if lacking:
        return tuple(lacking)
    module = importlib.import_module(f"flows.channels.{name}")
    return tuple(f"flows.channels.{name}.{part}" for part in FUNCTIONS if not hasattr(module, part))


def load_channel(name: str) -> Channel:
    """Import a channel's flow.

    Args:
        name: Name of its file.

    Returns:
        The module, which has the functions of ``Channel``.

    Raises:
        UnknownChannelError: If there is no such channel.
        IncompleteChannelError: If one of its files or functions is missing.
    """
    names = available_channels()
    if name not in names:
        raise UnknownChannelError(
            f"expected one of {', '.join(names)} (got {name!r}); `parley channels` lists them"
        )
    lacking = missing_parts(name)
    if lacking:
        raise IncompleteChannelError(
            f"expected a complete channel {name!r} (got none of: {', '.join(lacking)}); "
            "add what is missing"
        )
    return cast(Channel, importlib.import_module(f"flows.channels.{name}"))


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
