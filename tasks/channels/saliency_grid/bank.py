"""The feedback bank while a stage adds to it: what was last said of each image, by its content."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from feedback.channels.saliency_grid import CellMarks, is_abstention
from tasks.channels.saliency_grid.queueing import TABLES
from tasks.stage import StageResult, Work

Entries = dict[str, dict[str, JsonValue]]
"""JSON objects by the digest of the image that they are about."""

SETTLED_ELSEWHERE = frozenset({"label_suspect", "unusable"})
"""Flags of images whose marks are not trained on until somebody has looked at the image itself."""


@dataclass
class Bank:
    """What people have said of images; stored as one output per attribute.

    Attributes:
        marks: Image, name and weights of the cells, of the images that are trained on.
        doubts: What is doubtful about an answer.
        queue: Flagged images.
        carried: Review of an earlier run that has the last word on an image.
        agreement: How far the reviewers of an image agree, where there were several.
    """

    marks: Entries = field(default_factory=dict)
    doubts: Entries = field(default_factory=dict)
    queue: Entries = field(default_factory=dict)
    carried: Entries = field(default_factory=dict)
    agreement: Entries = field(default_factory=dict)

    @classmethod
    def load(cls, work: Work, result: StageResult | None) -> "Bank":
        """Return a bank as a stage left it; an empty one for None."""
        if result is None:
            return cls()
        return cls(
            **{
                name: {str(entry["image"]): entry for entry in entries_of(work, result, name)}
                for name in cls.__dataclass_fields__
            }
        )

    def take(
        self,
        answer: CellMarks,
        *,
        name: str,
        weights: Sequence[Sequence[float]],
        doubts: Sequence[str],
        agreement: Mapping[str, JsonValue],
        review: str = "",
    ) -> None:
        """Put an answer in the place of an earlier one; one that says nothing replaces none.

        Args:
            answer: The answer.
            name: Image, as named in the dataset.
            weights: Weights of the cells of the grid of now.
            doubts: What is doubtful about it.
            agreement: How far its reviewers agree; empty where there was one.
            review: Review of an earlier run that it comes from; empty for one of this run.
        """
        image = answer.image
        about: Mapping[str, JsonValue] = {"image": image, "name": name}
        if not is_abstention(answer):
            for entries in (
                self.marks,
                self.doubts,
                self.queue,
                self.carried,
                self.agreement,
            ):
                entries.pop(image, None)
            if review:
                self.carried[image] = {**about, "review": review, "grid": answer.grid.g}
        if set(answer.flags) - {"skip"}:
            # What is there still is of somebody whom this answer does not replace.
            self.queue[image] = _joined(
                self.queue.get(image, {}),
                {
                    **about,
                    "flags": " ".join(answer.flags),
                    "artefact": answer.artefact or "",
                    "comment": answer.comment,
                },
            )
        if agreement:
            self.agreement[image] = {**about, **agreement}
        if doubts:
            self.doubts[image] = {**about, "doubts": list(doubts)}
        if any(map(any, weights)) and not SETTLED_ELSEWHERE & set(answer.flags):
            self.marks[image] = {**about, "weights": [list(row) for row in weights]}

    def save(self, work: Work) -> dict[str, JsonValue]:
        """Store every part, and what people have to look at as tables; return their sizes."""
        for name in type(self).__dataclass_fields__:
            work.save_json(name, list(getattr(self, name).values()))
        # Of every round, not only of a run that comes to its end: somebody has to look.
        for file, (part, as_table) in TABLES.items():
            work.save_text(file, as_table([*getattr(self, part).values()]))
        return {
            "marked_images": len(self.marks),
            "flagged": len(self.queue),
            "doubted": len(self.doubts),
            "carried_images": len(self.carried),
            **_measured([*self.agreement.values()]),
        }


def _joined(
    earlier: Mapping[str, JsonValue], later: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """Unite two rows of the label queue: every flag, and what was said first where it was said."""
    flags = dict.fromkeys(f"{earlier.get('flags', '')} {later['flags']}".split())
    said = {name: earlier.get(name) or later[name] for name in ("artefact", "comment")}
    return {**later, "flags": " ".join(flags), **said}


def _measured(compared: Sequence[Mapping[str, JsonValue]]) -> dict[str, JsonValue]:
    """Sum up how far reviewers agree, over the images that several of them answered."""

    def mean(name: str) -> float | None:
        values = [one[name] for one in compared]
        known = [value for value in values if isinstance(value, int | float)]
        return round(sum(known) / len(known), 6) if known else None

    contradicted = [one["contradicted"] for one in compared]
    return {
        "compared_images": len(compared),
        "mean_overlap": mean("overlap"),
        "mean_kappa": mean("kappa"),
        "contradicted_cells": sum(len(cells) for cells in contradicted if isinstance(cells, list)),
        "low_agreement": sum(one["is_low"] is True for one in compared),
    }


def entries_of(work: Work, result: StageResult, output: str) -> list[dict[str, JsonValue]]:
    """Return the JSON objects that a stage stored as a list."""
    stored = work.load_json(result, output)
    return [
        entry for entry in (stored if isinstance(stored, list) else []) if isinstance(entry, dict)
    ]
