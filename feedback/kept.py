"""What a process that looks again and again need not read twice: manifests, receipts.

Nothing here is a truth of its own. A manifest never changes once it is published, and an upload
that has a receipt keeps it, so a step costs what is open and not what there ever was.
"""

from collections.abc import Iterable

from cachetools import LRUCache

from feedback.bundle import ReviewBundle
from feedback.objects import ObjectStore
from feedback.publishing import load_bundle

MOST_KEPT = 16
"""Manifests that are kept at most; a large one takes tens of megabytes in memory."""


class Kept:
    """What was read of a store, for the life of a process."""

    def __init__(self, store: ObjectStore, *, most: int = MOST_KEPT) -> None:
        """Begin with nothing.

        Args:
            store: Where requests lie.
            most: How many manifests are kept; the one that was asked for longest ago goes first.
        """
        self._store = store
        self._bundles: LRUCache[str, ReviewBundle] = LRUCache(most)
        self._accepted: set[str] = set()

    def bundle(self, request_id: str) -> ReviewBundle:
        """Read a request's manifest, verified, or return the one that was read before.

        Raises:
            ObjectNotFoundError: If there is no such request.
            ArtifactError: If what is stored is not the manifest that was published.
            StoreError: If the store cannot be read.
        """
        bundle = self._bundles.get(request_id)
        if bundle is None:
            bundle = self._bundles[request_id] = load_bundle(self._store, request_id)
        return bundle

    def forget(self, request_id: str) -> None:
        """Drop the manifest of a request that was closed."""
        self._bundles.pop(request_id, None)

    def note_accepted(self, keys: Iterable[str]) -> None:
        """Note uploads that have a receipt."""
        self._accepted.update(keys)

    def is_accepted(self, key: str) -> bool:
        """Tell whether an upload is known to have a receipt."""
        return key in self._accepted
