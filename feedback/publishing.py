"""Publishing a review request, and reading it back verified."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from feedback.bundle import ReviewBundle, parse_bundle
from feedback.canonical import sha256_hex
from feedback.errors import DigestMismatchError, ObjectNotFoundError
from feedback.layout import DECISIONS, REVIEWS, file_key, is_request, manifest_key
from feedback.objects import ObjectStore

MAX_MANIFEST_BYTES = 64 * 2**20
"""Largest manifest that is read."""

MAX_FILE_BYTES = 64 * 2**20
"""Largest file of a bundle that is read."""

_UPLOADS = 8


def publish(store: ObjectStore, bundle: ReviewBundle, files: Mapping[str, bytes]) -> ReviewBundle:
    """Put a request before its reviewers.

    Files first, the manifest last and only once: a request that can be seen is complete, and its
    manifest never changes.

    Args:
        store: Where the request goes.
        bundle: Manifest made by ``build_bundle``.
        files: Its pictures by name.

    Returns:
        The manifest that stands: this one, or the earlier one of the same content.

    Raises:
        ValueError: If the files are not those of the manifest.
        StoreError: If the store cannot be written.
    """
    _check_files(bundle, files)
    request_id = bundle.request_id
    if store.exists(manifest_key(request_id)):
        return load_bundle(store, request_id)
    with ThreadPoolExecutor(_UPLOADS) as pool:
        # list: an exception of any upload is raised here.
        list(pool.map(lambda name: store.put(file_key(request_id, name), files[name]), files))
    store.put_if_absent(manifest_key(request_id), bundle.to_json())
    return load_bundle(store, request_id)


def begun_requests(store: ObjectStore) -> Sequence[str]:
    """List the requests of a store by their folders, whatever pictures they hold.

    Args:
        store: Where they lie.

    Returns:
        Ids, sorted; of one that is still being published the manifest is not there yet.

    Raises:
        StoreError: If the store cannot be read.
    """
    return [name for name in store.folders(REVIEWS) if is_request(name)]


def open_requests(store: ObjectStore) -> Sequence[str]:
    """List the requests of a store that have no decision, without reading any.

    Args:
        store: Where they lie.

    Returns:
        Ids, sorted; of one that is still being published the manifest is not there yet.

    Raises:
        StoreError: If the store cannot be read.
    """
    # Decisions are listed last: what is decided meanwhile is not open any more.
    names = begun_requests(store)
    decided = set(store.folders(DECISIONS))
    return [name for name in names if name not in decided]


def load_bundle(store: ObjectStore, request_id: str) -> ReviewBundle:
    """Read a request's manifest and verify it.

    Args:
        store: Where it lies.
        request_id: Which request.

    Returns:
        The manifest.

    Raises:
        ObjectNotFoundError: If there is no such request.
        ArtifactError: If what is stored is not the manifest that was published.
    """
    key = manifest_key(request_id)
    try:
        data = store.get(key, max_bytes=MAX_MANIFEST_BYTES)
    except ObjectNotFoundError:
        raise ObjectNotFoundError(
            f"expected a published request (got {request_id!r}, unknown to {store.url}); "
            "list the requests to see their ids"
        ) from None
    return parse_bundle(data, request_id)


def load_file(store: ObjectStore, bundle: ReviewBundle, name: str) -> bytes:
    """Read a picture of a request and verify it.

    Args:
        store: Where it lies.
        bundle: The request's manifest.
        name: Name in ``bundle.files``.

    Returns:
        Its bytes.

    Raises:
        KeyError: If the manifest has no such file.
        DigestMismatchError: If the stored bytes are not those that were published.
    """
    expected = bundle.files[name]
    data = store.get(file_key(bundle.request_id, name), max_bytes=MAX_FILE_BYTES)
    if sha256_hex(data) != expected:
        raise DigestMismatchError(
            f"expected {name!r} of request {bundle.request_id!r} as it was published "
            "(got other bytes); publish the request again"
        )
    return data


def verify_files(store: ObjectStore, bundle: ReviewBundle) -> None:
    """Read every picture of a request and verify it.

    Args:
        store: Where they lie.
        bundle: The request's manifest.

    Raises:
        DigestMismatchError: If one is not as it was published.
        StoreError: If one is missing.
    """
    load_files(store, bundle)


def load_files(store: ObjectStore, bundle: ReviewBundle) -> dict[str, bytes]:
    """Read every picture of a request, verified.

    Args:
        store: Where they lie.
        bundle: The request's manifest.

    Returns:
        Pictures by name, as ``publish`` takes them.

    Raises:
        DigestMismatchError: If one is not as it was published.
        StoreError: If one is missing.
    """
    with ThreadPoolExecutor(_UPLOADS) as pool:
        found = pool.map(lambda name: load_file(store, bundle, name), bundle.files)
        return dict(zip(bundle.files, found, strict=True))


def _check_files(bundle: ReviewBundle, files: Mapping[str, bytes]) -> None:
    found = {name: sha256_hex(data) for name, data in files.items()}
    if found != bundle.files:
        differ = sorted(set(found.items()) ^ set(bundle.files.items()))
        raise ValueError(f"expected the manifest's files (got a difference at {differ[0][0]!r})")
