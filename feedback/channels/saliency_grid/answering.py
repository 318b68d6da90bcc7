"""An answer on one image of a request: what was said, beside what was shown."""

from collections.abc import Iterable

from feedback.channels.saliency_grid.evidence import ImageEvidence, SaliencyEvidence
from feedback.channels.saliency_grid.marks import CellMarks, MarkedCell


def answer_on(
    evidence: SaliencyEvidence,
    shown: ImageEvidence,
    cells: Iterable[MarkedCell] = (),
    **said: object,
) -> CellMarks:
    """Make the answer on an image, which quotes what its reviewer was shown.

    Args:
        evidence: What is shown.
        shown: The image, one of the evidence's.
        cells: Marked cells.
        **said: What else is said, fields of ``CellMarks`` such as ``flags``.

    Raises:
        ValidationError: If what is said does not follow the schema.
    """
    return CellMarks.model_validate(
        {
            "image": shown.image,
            "model_version": evidence.model_version,
            "epoch": evidence.epoch,
            "explainer": evidence.explainer,
            "grid": evidence.grid,
            "cells": tuple(cells),
            "shown": tuple((cell.r, cell.c) for cell in shown.shown),
            **said,
        }
    )
