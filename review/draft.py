"""A reviewer's draft: what was said of each item, and the steps that undo and redo walk along.

It lives in the reviewer's browser, so what comes back is read as strictly as any upload. What can
be said of one item is the panel's own model, a subclass of ``ItemDraft``.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Generic, TypeVar, cast

from pydantic import Field, ValidationError

from feedback.canonical import canonical_json
from feedback.fields import Comment, Exchanged, Name, Reason, Sha256

MAX_STEPS = 100
"""Steps that can be undone; the oldest are forgotten."""


class ItemDraft(Exchanged):
    """What a reviewer says about one item; equal drafts say the same, an empty one says nothing."""

    comment: Reason = ""
    """Remark on the item."""

    @property
    @abstractmethod
    def n_edits(self) -> int:
        """Number of edits."""

    @property
    @abstractmethod
    def speaks(self) -> bool:
        """Whether the answer holds a response on this item."""

    @property
    def mark(self) -> str:
        """What the list of items shows of it; empty while there is nothing to show."""
        if self.n_edits:
            return str(self.n_edits)
        return "✓" if self.speaks else ""


Said = TypeVar("Said", bound=ItemDraft, covariant=True)
Own = TypeVar("Own", bound=ItemDraft)


class Step(Exchanged, Generic[Said]):
    """One change of one item's draft, both ways."""

    item: Name
    """Item."""
    before: Said
    """Draft before."""
    after: Said
    """Draft after."""


class Draft(Exchanged, Generic[Said]):
    """All that a reviewer has said about one request so far."""

    bundle_sha256: Sha256
    """Digest of what was shown."""
    items: dict[Name, Said] = Field(default_factory=dict, max_length=10_000)
    """Drafts of the items that something was said about, by id."""
    past: tuple[Step[Said], ...] = Field(default=(), max_length=MAX_STEPS)
    """Steps that led here, the latest last."""
    future: tuple[Step[Said], ...] = Field(default=(), max_length=MAX_STEPS)
    """Steps that were undone, the next to redo last."""
    comment: Comment = ""
    """Remark on the whole request."""

    @property
    def n_edits(self) -> int:
        """Number of edits over all items."""
        return sum(said.n_edits for said in self.items.values())


def empty_draft(said: type[Own], bundle_sha256: str) -> Draft[Own]:
    """Return the draft of somebody who has said nothing yet.

    Args:
        said: The panel's model of what is said about one item.
        bundle_sha256: Digest of what is shown.
    """
    return _model(said)(bundle_sha256=bundle_sha256)


def step_of(item: str, before: Own, after: Own) -> Step[Own]:
    """Note a change of one item's draft."""
    model = cast("type[Step[Own]]", Step.__class_getitem__(type(before)))
    return model(item=item, before=before, after=after)


def read_draft(data: object, said: type[Own], bundle_sha256: str) -> Draft[Own] | None:
    """Read a draft that comes from a browser.

    Args:
        data: JSON value; None where there is no draft yet.
        said: The panel's model of what is said about one item.
        bundle_sha256: Digest of what is shown now.

    Returns:
        The draft; None when there is none, or it is damaged or of another request.
    """
    if not isinstance(data, Mapping):
        return None
    try:
        draft = _model(said).model_validate_json(canonical_json(dict(data)), strict=True)
    except (ValidationError, ValueError, TypeError, RecursionError):
        return None
    return draft if draft.bundle_sha256 == bundle_sha256 else None


def _model(said: type[Own]) -> type[Draft[Own]]:
    # Pydantic makes the class once for each model and keeps it.
    return cast("type[Draft[Own]]", Draft.__class_getitem__(said))
