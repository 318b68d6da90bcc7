"""Stage: which images the graphs are about, and their SLIC segments.

Graphs are matched for labelled images of the classes under review and for every other image,
labelled or not, on which the classifier gives these classes a share that is not negligible. The
rest keeps the classifier's word.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from models.concept_graph.params import SegmentParams
from models.params import TrainingParams
from tasks.channels.concept_graph.basis import Basis
from tasks.classifier import load_split
from tasks.dataset.reference import DatasetRef
from tasks.stage import StageResult, Work, stage

if TYPE_CHECKING:
    from torch import Tensor

    from models.concept_graph.segments import SegmentSet
    from models.imageset import ImageSet

SPLITS: Final = ("train", "pool")
"""Order of the splits in the universe; never that of a dictionary read back from safetensors, which
has none."""


@task(name="segment-images", cache_policy=NO_CACHE)
@stage("segment_images", version=1)
def segment_relevant_images(
    work: Work,
    *,
    dataset: DatasetRef,
    predictions: StageResult,
    class_ids: tuple[int, ...],
    segments: SegmentParams,
    training: TrainingParams,
    skip_below: float,
    workers: int,
) -> dict[str, JsonValue]:
    """Segment the images that graphs will be matched to.

    Args:
        work: What the stage may touch.
        dataset: The images.
        predictions: The classifier's logits on them.
        class_ids: Classes under review.
        segments: How SLIC is run.
        training: Image size and shape.
        skip_below: Smallest share of the classes under review, at temperature 1, that makes an
            image relevant.
        workers: Threads; 0 takes one per core.

    Returns:
        Counts of images and segments; outputs ``rows`` (positions per split) and ``segments``.
    """
    import torch

    from models.concept_graph.segments import segment_images

    logits = work.load_tensors(predictions, "logits")
    rows: dict[str, Tensor] = {}
    for split in SPLITS:
        if split not in logits:
            rows[split] = torch.zeros(0, dtype=torch.int64)
            continue
        share = torch.softmax(logits[split], dim=1)[:, list(class_ids)].sum(dim=1)
        relevant = share >= skip_below
        if split == "train":
            labels = load_split(work, dataset, split, training).labels
            relevant |= torch.isin(labels, torch.tensor(class_ids))
        rows[split] = relevant.nonzero().flatten()
    universe = _select(work, dataset, training, rows)
    found = segment_images(
        universe.images,
        segments,
        workers,
        on_progress=lambda done, total: work.progress(done, total),
    )
    work.save_tensors("rows", rows)
    work.save_tensors("segments", vars(found))
    return {
        "train_images": len(rows["train"]),
        "pool_images": len(rows["pool"]),
        "segments": len(found),
    }


@dataclass(frozen=True)
class Universe:
    """The images that graphs are about, with their segments.

    Attributes:
        images: Relevant training images, then relevant pool images.
        segments: Their segments.
        rows: Positions of the relevant images in each split, by split.
        validation: True for labelled images that were carved out for validation (B,).
        class_ids: Classes under review.
    """

    images: "ImageSet"
    segments: "SegmentSet"
    rows: "dict[str, Tensor]"
    validation: "Tensor"
    class_ids: tuple[int, ...]

    @property
    def labelled(self) -> "Tensor":
        """True for images with a label (B,)."""
        return self.images.labels >= 0

    @property
    def under_review(self) -> "Tensor":
        """True where the label is one of the classes under review (B,)."""
        import torch

        return torch.isin(self.images.labels, torch.tensor(self.class_ids))

    @property
    def local_labels(self) -> "Tensor":
        """Position of each label among the classes under review, -1 elsewhere (B,)."""
        import torch

        local = torch.full_like(self.images.labels, -1)
        for position, class_id in enumerate(self.class_ids):
            local[self.images.labels == class_id] = position
        return local


def load_universe(work: Work, basis: Basis) -> Universe:
    """Return the segmented images with everything that later stages ask of them."""
    import torch

    from models.concept_graph.segments import SegmentSet

    rows = work.load_tensors(basis.segmented, "rows")
    carved = work.load_tensors(basis.classifier, "split")["validation"]
    validation = torch.cat(
        [torch.isin(rows["train"], carved), torch.zeros(len(rows["pool"]), dtype=torch.bool)]
    )
    return Universe(
        images=_select(work, basis.dataset, basis.training, rows),
        segments=SegmentSet(**work.load_tensors(basis.segmented, "segments")),
        rows=rows,
        validation=validation,
        class_ids=basis.class_ids,
    )


def universe_logits(work: Work, basis: Basis, universe: Universe) -> "Tensor":
    """Return the classifier's logits on the images of the universe (B, N)."""
    import torch

    logits = work.load_tensors(basis.predictions, "logits")
    return torch.cat([logits[split][universe.rows[split]] for split in SPLITS if split in logits])


def _select(
    work: Work, dataset: DatasetRef, training: TrainingParams, rows: "dict[str, Tensor]"
) -> "ImageSet":
    from models.imageset import concatenate

    parts = [
        load_split(work, dataset, split, training).select(rows[split])
        for split in SPLITS
        if len(rows[split])
    ]
    return concatenate(parts)
