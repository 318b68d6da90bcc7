"""Artifacts: content-addressed bytes in object storage, verified on every read.

Tensors travel as safetensors, everything else as canonical JSON or the bytes of an image; nothing
is pickled.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from feedback.canonical import canonical_json, sha256_hex
from feedback.errors import ArtifactError, DigestMismatchError, ObjectNotFoundError
from feedback.store import ObjectStore

if TYPE_CHECKING:
    from torch import Tensor

Kind = Literal["tensors", "json", "png", "text"]


class ArtifactRef(BaseModel):
    """Where an artifact lies and what its bytes must hash to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str
    sha256: str
    bytes: int
    kind: Kind


@dataclass(frozen=True)
class ArtifactStore:
    """Artifacts below ``artifacts/`` of an object store, named by their sha256."""

    objects: ObjectStore

    def save_tensors(self, tensors: Mapping[str, "Tensor"]) -> ArtifactRef:
        """Store named tensors as safetensors.

        Args:
            tensors: Tensors of any shape and device; copied to the CPU.

        Returns:
            The reference to read them back.
        """
        from safetensors.torch import save

        return self._put(
            save({k: v.detach().cpu().contiguous() for k, v in tensors.items()}), "tensors"
        )

    def load_tensors(self, ref: ArtifactRef) -> dict[str, "Tensor"]:
        """Return the tensors that ``ref`` names, after checking their digest."""
        from safetensors.torch import load

        tensors: dict[str, Tensor] = load(self.load_bytes(ref))
        return tensors

    def save_json(self, value: JsonValue) -> ArtifactRef:
        """Store a JSON value in canonical form."""
        return self._put(canonical_json(value), "json")

    def load_json(self, ref: ArtifactRef) -> JsonValue:
        """Return the JSON value that ``ref`` names, after checking its digest."""
        value: JsonValue = json.loads(self.load_bytes(ref))
        return value

    def load_list(self, ref: ArtifactRef) -> list[JsonValue]:
        """Return the JSON list that ``ref`` names.

        Raises:
            ArtifactError: If it is something else.
        """
        value = self.load_json(ref)
        if not isinstance(value, list):
            raise ArtifactError(f"expected a list in {ref.uri} (got {type(value).__name__})")
        return value

    def save_png(self, data: bytes) -> ArtifactRef:
        """Store the bytes of a PNG picture."""
        return self._put(data, "png")

    def save_text(self, text: str) -> ArtifactRef:
        """Store text for people or other programs, such as CSV."""
        return self._put(text.encode(), "text")

    def load_text(self, ref: ArtifactRef) -> str:
        """Return the text that ``ref`` names, after checking its digest."""
        return self.load_bytes(ref).decode()

    def load_bytes(self, ref: ArtifactRef) -> bytes:
        """Return the bytes that ``ref`` names.

        Raises:
            ArtifactError: If the object is gone.
            DigestMismatchError: If its bytes changed since they were stored.
            StoreError: If the store does not answer, which says nothing of the artifact.
        """
        try:
            data = self.objects.get(ref.uri)
        except ObjectNotFoundError as error:
            raise ArtifactError(
                f"expected the artifact {ref.uri} in the store ({error}); "
                "delete the stage record that names it, or run again with --fresh"
            ) from error
        if sha256_hex(data) != ref.sha256:
            raise DigestMismatchError(
                f"expected {ref.uri} to hash to {ref.sha256[:12]} (got {sha256_hex(data)[:12]}); "
                "its bytes were changed after it was stored: restore the store, or run again with "
                "--fresh"
            )
        return data

    def _put(self, data: bytes, kind: Kind) -> ArtifactRef:
        digest = sha256_hex(data)
        uri = f"artifacts/{digest[:2]}/{digest}"
        # Same content, same name: a second writer has nothing to add. A damaged object of that name
        # is replaced.
        if (
            not self.objects.put_if_absent(uri, data)
            and sha256_hex(self.objects.get(uri)) != digest
        ):
            self.objects.put(uri, data)
        return ArtifactRef(uri=uri, sha256=digest, bytes=len(data), kind=kind)
