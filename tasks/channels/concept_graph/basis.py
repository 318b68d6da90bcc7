"""What every later stage of the channel stands on: dataset, classifier and segments."""

from pydantic import BaseModel, ConfigDict, JsonValue

from models.params import TrainingParams
from tasks.dataset.reference import DatasetRef
from tasks.stage import StageResult, describe_input


class Basis(BaseModel):
    """References to what was computed before a stage, passed around as one.

    Attributes:
        dataset: The images.
        training: Image size and shape.
        class_ids: Classes under review.
        classifier: The network that is explained.
        predictions: Its logits on every image.
        segmented: Images that graphs are about, and their segments.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: DatasetRef
    training: TrainingParams
    class_ids: tuple[int, ...]
    classifier: StageResult
    predictions: StageResult
    segmented: StageResult

    def content_key(self) -> JsonValue:
        """Return the content of every part, for the key of a stage that stands on it."""
        return {name: describe_input(getattr(self, name)) for name in type(self).model_fields}

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes under review."""
        return tuple(self.dataset.classes[class_id] for class_id in self.class_ids)
