"""The frozen review bundle: all that reviewers of one request are shown, named by its content.

The request's id is derived from what is shown, so publishing the same evidence twice makes one
request. The digest of the manifest is what a feedback document must quote.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    Field,
    ValidationError,
    model_validator,
)
from pydantic.main import IncEx

from feedback.canonical import canonical_json, canonical_object, sha256_hex
from feedback.errors import ArtifactError, DigestMismatchError
from feedback.fields import (
    Comment,
    Exchanged,
    FileName,
    Grown,
    Identifier,
    JsonObject,
    Name,
    Sha256,
    StoredDocument,
    Timestamp,
)
from feedback.follow_up import FollowUp
from feedback.since import SinceChampion

SCHEMA_VERSION = 1
"""Version of the manifest that this Parley writes and reads."""

# Circumstances of publishing, not part of what is shown: the same evidence is the same request.
_CIRCUMSTANCES = frozenset(
    {"request_id", "created_at", "deadline", "author", "run", "base", "since"}
)

_OF_AN_ITEM: IncEx = {"evidence"}
_EVIDENCE: dict[str, IncEx | bool] = {"evidence": True, "items": {"__all__": _OF_AN_ITEM}}


class ModelVersion(Exchanged):
    """The model that the evidence explains."""

    name: Name
    """Registered name or architecture."""
    version: Name | None = None
    """Registered version; None for one that is not registered."""
    digest: Sha256
    """Digest of its weights."""


class BaseVersion(Exchanged):
    """The champion that a request was made against; only its successor may be promoted by it."""

    name: Name
    """Registered name."""
    version: Name
    """Registered version."""
    digest: Sha256 | None = None
    """Digest of its weights; None for a version that Parley did not register."""
    request_id: Identifier | None = None
    """Review by which it was promoted; None when it was not."""
    earlier: tuple[Identifier, ...] = Field(default=(), max_length=1000)
    """Reviews of earlier rounds of the run that made it."""


class DatasetVersion(Exchanged):
    """The dataset that the evidence was made from."""

    md5: Annotated[str, Field(pattern=r"^[0-9a-f]{32}(\.dir)?$", max_length=36)]
    """DVC's md5."""
    classes: tuple[Name, ...] = Field(min_length=2, max_length=10_000)
    """Class names by index."""
    n_train: Annotated[int, Field(ge=0)] = 0
    """Training images."""
    n_test: Annotated[int, Field(ge=0)] = 0
    """Test images."""
    n_pool: Annotated[int, Field(ge=0)] = 0
    """Unlabelled images."""


class ReviewItem(Exchanged):
    """One thing to look at; reviewers are asked about the highest priority first."""

    id: Name
    """Unique in the bundle."""
    priority: float
    """Expected gain of an answer, larger first; comparable within one bundle only."""
    title: Name
    """Heading in the queue."""
    evidence: JsonObject
    """What is shown, in the channel's own schema."""


class ReviewBundle(Grown, StoredDocument):
    """Manifest of one review request."""

    LATER: ClassVar = ("base", "since", "follows")

    schema_version: Literal[1] = 1
    """Version of this schema."""
    request_id: Identifier
    """Derived from the content."""
    channel: Identifier
    """Channel whose schema the evidence and the responses follow."""
    round: Annotated[int, Field(ge=1, le=1000)] = 1
    """How often the run has asked, from 1."""
    created_at: Timestamp
    """When it was made."""
    deadline: Timestamp | None = None
    """When an unanswered request expires; None waits for ever."""
    author: Identifier | None = None
    """Who started the run; a policy may forbid that they approve."""
    run: Name | None = None
    """Run that asks."""
    model: ModelVersion
    """Model that is explained."""
    dataset: DatasetVersion
    """Dataset that it was made from."""
    evidence: JsonObject = Field(default_factory=dict)
    """What is shown about the whole request, in the channel's own schema."""
    items: tuple[ReviewItem, ...] = Field(min_length=1, max_length=10_000)
    """What is asked about."""
    files: dict[FileName, Sha256] = Field(default_factory=dict, max_length=200_000)
    """Digest of each picture, by name."""
    notes: Comment = ""
    """Remark to the reviewers."""
    base: BaseVersion | None = None
    """Champion that the evidence is to replace; None when there was none."""
    since: SinceChampion | None = None
    """What differs from that champion; None when there was none, or nobody compared."""
    follows: FollowUp | None = None
    """The request that this one follows up; None for evidence that is shown for the first time."""

    @model_validator(mode="after")
    def _items_are_unique(self) -> Self:
        ids = [item.id for item in self.items]
        if len(set(ids)) != len(ids):
            raise ValueError("expected distinct item ids (got one twice)")
        return self

    def parts(self) -> dict[str, bytes]:
        """Return the canonical bytes of each field, by its name."""
        # Evidence is JSON already, and most of a manifest: to copy it takes as long as to write it.
        rest = self.model_dump(mode="json", exclude=_EVIDENCE)
        items = [
            canonical_object(
                {key: canonical_json(value) for key, value in shown.items()}
                | {"evidence": canonical_json(item.evidence)}
            )
            for item, shown in zip(self.items, rest.pop("items"), strict=True)
        ]
        return {
            **{key: canonical_json(value) for key, value in rest.items()},
            "evidence": canonical_json(self.evidence),
            "items": b"[" + b",".join(items) + b"]",
        }

    def to_json(self) -> bytes:
        """Return the canonical bytes, which are what is stored, signed and hashed."""
        return canonical_object(self.parts())


def build_bundle(
    *,
    channel: str,
    model: ModelVersion,
    dataset: DatasetVersion,
    items: Sequence[ReviewItem],
    created_at: datetime,
    evidence: JsonObject | None = None,
    files: Mapping[str, bytes] | None = None,
    round: int = 1,
    author: str | None = None,
    run: str | None = None,
    deadline: datetime | None = None,
    notes: str = "",
) -> ReviewBundle:
    """Make the manifest of a request and derive its id from what is shown.

    Args:
        channel: Channel's name.
        model: Model that is explained.
        dataset: Dataset that it was made from.
        items: What is asked about.
        created_at: Now, with a time zone.
        evidence: What is shown about the whole request.
        files: Pictures by name.
        round: How often the run has asked, from 1.
        author: Who started the run.
        run: Run that asks.
        deadline: When an unanswered request expires.
        notes: Remark to the reviewers.

    Returns:
        The manifest; equal content gives an equal ``request_id`` whenever it is made.

    Raises:
        ValidationError: If something does not follow the schema.
    """
    draft = ReviewBundle(
        request_id="draft",
        channel=channel,
        round=round,
        created_at=created_at,
        deadline=deadline,
        author=author,
        run=run,
        model=model,
        dataset=dataset,
        evidence=evidence or {},
        items=tuple(items),
        files={name: sha256_hex(data) for name, data in (files or {}).items()},
        notes=notes,
    )
    return draft.model_copy(update={"request_id": derive_request_id(draft)})


def derive_request_id(bundle: ReviewBundle) -> str:
    """Name a request by the digest of what it shows.

    Args:
        bundle: Manifest, with any id.

    Returns:
        The channel's name and the first 20 digits of the digest.
    """
    return _name(bundle.channel, bundle.parts())


def parse_bundle(data: bytes, request_id: str) -> ReviewBundle:
    """Read a stored manifest and verify that it is the one of that request.

    Args:
        data: Stored bytes.
        request_id: Id under which they were stored.

    Returns:
        The manifest.

    Raises:
        ArtifactError: If it is not a manifest of a version that this Parley reads.
        DigestMismatchError: If the bytes are not those that were published.
    """
    try:
        bundle = ReviewBundle.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise ArtifactError(
            f"expected a manifest of schema version {SCHEMA_VERSION} for request {request_id!r} "
            f"(got {error.error_count()} fields that do not fit); publish the request again"
        ) from error
    # Written once, for a large one takes long, and the id and both digests are of these bytes.
    parts = bundle.parts()
    names = {bundle.request_id, _name(bundle.channel, parts)}
    if canonical_object(parts) != data or names != {request_id}:
        raise DigestMismatchError(
            f"expected the manifest that was published as {request_id!r} (got changed bytes); "
            "publish the request again"
        )
    return bundle.read_from(data)


def _name(channel: str, parts: Mapping[str, bytes]) -> str:
    shown = canonical_object({key: parts[key] for key in parts.keys() - _CIRCUMSTANCES})
    return f"{channel}-{sha256_hex(shown)[:20]}"
