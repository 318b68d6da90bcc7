"""Unlabelled images from use: who puts them under ``intake/`` is told what became of each.

Nothing is taken away from there. A receipt is named by the object's key and version, so that each
version is looked at once, whatever its name looks like and whoever dies meanwhile.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from feedback.canonical import canonical_json, sha256_hex
from feedback.fields import Exchanged, Sha256, Timestamp
from feedback.layout import INTAKE, INTAKEN, intaken_key
from feedback.objects import ObjectInfo, ObjectStore

_SHOWN = 200
"""Characters of a name or reason that a receipt repeats."""


class IntakeReceipt(Exchanged):
    """What became of one image from use."""

    schema_version: Literal[1] = 1
    """Version of this schema."""
    upload: Sha256
    """Digest of its key and version, see ``upload_digest``."""
    name: Annotated[str, Field(max_length=_SHOWN)]
    """Its key in ASCII, cut where it is long."""
    outcome: Literal["taken", "duplicate", "refused"]
    """Whether it lies in the pool now."""
    file: Annotated[str, Field(max_length=100)] | None = None
    """Where it lies in the dataset, or what has the same content there."""
    reason: Annotated[str, Field(max_length=4 * _SHOWN)] = ""
    """Why it was not taken."""
    dataset_md5: Annotated[str, Field(max_length=40)] | None = None
    """Version of the dataset that it came into."""
    at: Timestamp
    """When it was looked at."""

    def to_json(self) -> bytes:
        """Return the canonical bytes of the receipt."""
        return canonical_json(self.model_dump(mode="json"))


def unseen_uploads(store: ObjectStore) -> Sequence[ObjectInfo]:
    """List the images from use that have no receipt yet, the newest first.

    Raises:
        StoreError: If the store cannot be read.
    """
    seen = {info.key for info in store.list(INTAKEN)}
    unseen = [info for info in store.list(INTAKE) if intaken_key(upload_digest(info)) not in seen]
    # By key where two came at the same moment, so that two runs take the same ones.
    unseen.sort(key=lambda info: info.key)
    return sorted(unseen, key=lambda info: info.modified, reverse=True)


def upload_digest(info: ObjectInfo) -> str:
    """Name a version of an object: the digest of its key and the store's mark of that version."""
    # File systems hold names that are no Unicode; even those get a receipt.
    return sha256_hex(info.key.encode("utf-8", "surrogatepass") + b"\0" + info.etag.encode())


def shown_name(key: str) -> str:
    """Return an object's name as one line of ASCII that is safe to show anywhere."""
    return ascii(key.removeprefix(INTAKE))[1:-1][:_SHOWN]


def shown_reason(error: object) -> str:
    """Return a reason as one line of bounded length, in printable characters."""
    text = " ".join(str(error).split())
    return "".join(c if c.isprintable() else "?" for c in text)[: 4 * _SHOWN]


def give_receipts(store: ObjectStore, receipts: Sequence[IntakeReceipt]) -> None:
    """Write receipts, each once; one that stands is left as it is.

    Raises:
        StoreError: If the store cannot be written.
    """
    for receipt in receipts:
        store.put_if_absent(intaken_key(receipt.upload), receipt.to_json())
