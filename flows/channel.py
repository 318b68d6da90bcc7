"""The channel protocol, and the discovery of channels by file name.

A channel is one name with one file (or folder) per layer. Nothing lists channels by hand: every module in
``flows/channels`` is one, and a fifth is added by adding files only.
"""

import importlib
import pkgutil
from typing import Protocol, cast

from feedback.bundle import ReviewBundle
from feedback.errors import IncompleteChannelError, UnknownChannelError
from feedback.exchange import Decision
from models.params import Params
from tasks.context import RunContext
from tasks.records import Record
from tasks.stage import StageResult

FUNCTIONS = ("explain", "bundle", "respond", "correct", "evaluate")
LAYERS = ("flows.channels", "tasks.channels", "models", "feedback.channels")


class Channel(Protocol):
    """What a channel supplies; publishing, waiting, registering and promoting are the same for all."""

    def explain(self, run: RunContext, classifier: StageResult) -> StageResult:
        """Compute the evidence that people will see."""

    def bundle(self, run: RunContext, explanation: StageResult) -> ReviewBundle:
        """Freeze the evidence into a review bundle, its files stored."""

    def respond(self, run: RunContext, bundle: ReviewBundle) -> bytes:
        """Answer as the simulated reviewer, from the bundle and the dataset's masks alone."""

    def correct(self, run: RunContext, explanation: StageResult, decision: Decision) -> StageResult:
        """Carry the decision back into the network."""

    def evaluate(self, run: RunContext, correction: StageResult) -> list[Record]:
        """Compare the corrected network with what was there before."""


def available_channels() -> tuple[str, ...]:
    """Return the names of all channels, in alphabetical order."""
    package = importlib.import_module("flows.channels")
    return tuple(sorted(module.name for module in pkgutil.iter_modules(package.__path__)))
