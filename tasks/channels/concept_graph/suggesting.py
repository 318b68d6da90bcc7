"""Stage: which classes are worth a reviewer's time."""

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from feedback.errors import ParamsError
from models.params import TrainingParams
from tasks.classifier import load_split
from tasks.dataset.reference import DatasetRef
from tasks.stage import StageResult, Work, stage


@task(name="suggest-classes", cache_policy=NO_CACHE)
@stage("suggest_classes", version=1)
def suggest_classes(
    work: Work,
    *,
    dataset: DatasetRef,
    training: TrainingParams,
    classifier: StageResult,
    predictions: StageResult,
    named: tuple[str, ...],
    n_classes: int,
) -> dict[str, JsonValue]:
    """Take the classes that were named, or the group that the classifier confuses most.

    Confusion is read off validation images and the unlabelled pool; test labels are never looked
    at.

    Args:
        work: What the stage may touch.
        dataset: The images.
        training: Image size and shape.
        classifier: Knows which images were carved out for validation.
        predictions: Its logits.
        named: Classes chosen by the user; empty asks for a suggestion.
        n_classes: How many to suggest.

    Returns:
        ``class_ids`` in ascending order, and the confused ``pairs`` with their scores.

    Raises:
        ParamsError: If a named class does not exist, or more classes are asked for than there are.
    """
    from models.concept_graph.suggestion import suggest_classes as most_confused
    from models.metrics import pool_confusion, soft_confusion

    check_classes(dataset.classes, named, n_classes)
    if named:
        return {"class_ids": [*sorted(dataset.classes.index(name) for name in named)], "pairs": []}
    logits = work.load_tensors(predictions, "logits")
    carved = work.load_tensors(classifier, "split")["validation"]
    labels = load_split(work, dataset, "train", training).labels[carved]
    pool = pool_confusion(logits["pool"].softmax(dim=1)) if "pool" in logits else None
    found = most_confused(
        soft_confusion(logits["train"][carved].softmax(dim=1), labels), pool, n_classes
    )
    return {
        "class_ids": [*found.class_ids],
        "pairs": [
            {
                "first": dataset.classes[pair.first],
                "second": dataset.classes[pair.second],
                "confusion": pair.combined if pair.combined == pair.combined else None,
            }
            for pair in found.pairs
        ],
    }


def check_classes(classes: tuple[str, ...], named: tuple[str, ...], n_classes: int) -> None:
    """Refuse classes that a dataset does not have.

    Args:
        classes: Classes of the dataset.
        named: Classes chosen by the user; empty asks for a suggestion.
        n_classes: How many to suggest.

    Raises:
        ParamsError: If a named class does not exist, or more classes are asked for than there are.
    """
    unknown = [name for name in named if name not in classes]
    if unknown:
        raise ParamsError(
            f"expected concept_graph.classes among {', '.join(classes)} (got {unknown[0]!r}); "
            "name folders of train/"
        )
    if n_classes > len(classes):
        raise ParamsError(
            f"expected at most {len(classes)} concept_graph.n_classes (got {n_classes}); "
            "the dataset has no more"
        )
