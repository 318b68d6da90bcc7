"""The feedback bank while a stage adds to it: what was last said of each image, by its content."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from feedback.channels.saliency_grid import CellMarks, is_abstention
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
    """

    marks: Entries = field(default_factory=dict)
    doubts: Entries = field(default_factory=dict)
    queue: Entries = field(default_factory=dict)
    carried: Entries = field(default_factory=dict)

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
        review: str = "",
    ) -> None:
        """Put an answer in the place of an earlier one; one that says nothing replaces none.

        Args:
            answer: The answer.
            name: Image, as named in the dataset.
            weights: Weights of the cells of the grid of now.
            doubts: What is doubtful about it.
            review: Review of an earlier run that it comes from; empty for one of this run.
        """
        image = answer.image
        about: Mapping[str, JsonValue] = {"image": image, "name": name}
        if not is_abstention(answer):
            for entries in (self.marks, self.doubts, self.queue, self.carried):
                entries.pop(image, None)
            if review:
                self.carried[image] = {**about, "review": review}
        if set(answer.flags) - {"skip"}:
            self.queue[image] = {
                **about,
                "flags": " ".join(answer.flags),
                "artefact": answer.artefact or "",
                "comment": answer.comment,
            }
        if doubts:
            self.doubts[image] = {**about, "doubts": list(doubts)}
        if any(map(any, weights)) and not SETTLED_ELSEWHERE & set(answer.flags):
            self.marks[image] = {**about, "weights": [list(row) for row in weights]}

    def save(self, work: Work) -> dict[str, JsonValue]:
        """Store every part as an output, and return their sizes."""
        for name in type(self).__dataclass_fields__:
            work.save_json(name, list(getattr(self, name).values()))
        return {
            "marked_images": len(self.marks),
            "flagged": len(self.queue),
            "doubted": len(self.doubts),
            "carried_images": len(self.carried),
        }


def entries_of(work: Work, result: StageResult, output: str) -> list[dict[str, JsonValue]]:
    """Return the JSON objects that a stage stored as a list."""
    stored = work.load_json(result, output)
    return [
        entry for entry in (stored if isinstance(stored, list) else []) if isinstance(entry, dict)
    ]
