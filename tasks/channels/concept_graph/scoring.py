"""Stage: how the network does before its correction, class by class."""

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from models.params import TrainingParams
from tasks.classifier import load_split
from tasks.dataset.reference import DatasetRef
from tasks.stage import StageResult, Work, stage


@task(name="score-classes", cache_policy=NO_CACHE)
@stage("score_classes", version=1)
def score_classes(
    work: Work, *, dataset: DatasetRef, predictions: StageResult, training: TrainingParams
) -> dict[str, JsonValue]:
    """Measure the accuracy on the test images of every class.

    Args:
        work: What the stage may touch.
        dataset: The images.
        predictions: The network's logits on them.
        training: Image size and shape.

    Returns:
        ``per_class``: accuracy by class name, of the classes that have test images.
    """
    from models.metrics import per_class_accuracy

    labels = load_split(work, dataset, "test", training).labels
    accuracies = per_class_accuracy(work.load_tensors(predictions, "logits")["test"], labels)
    known = (~accuracies.isnan()).tolist()
    return {
        "per_class": {
            name: value
            for name, value, is_known in zip(
                dataset.classes, accuracies.tolist(), known, strict=True
            )
            if is_known
        }
    }
