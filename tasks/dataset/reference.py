"""A checked dataset as stages see it: where it lies now, and the md5 that says what it is."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue


class DatasetRef(BaseModel):
    """A dataset version.

    Attributes:
        path: Folder of the dataset on this machine.
        md5: DVC's md5 of the folder, ending in ``.dir``.
        classes: Class names in index order.
        n_train: Labelled training images.
        n_test: Labelled test images.
        n_pool: Unlabelled images.
        has_masks: Whether any training image has a foreground mask.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    md5: str
    classes: tuple[str, ...]
    n_train: int
    n_test: int
    n_pool: int
    has_masks: bool

    def content_key(self) -> JsonValue:
        """Return what a stage's key holds of the dataset: its content, not where it lies."""
        return {"md5": self.md5}
