import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from feedback.bundle import ReviewBundle, build_bundle, parse_bundle
from feedback.canonical import canonical_json, sha256_hex
from feedback.errors import ArtifactError, DigestMismatchError

LATER = datetime(2027, 1, 1, tzinfo=UTC)


def rebuilt(bundle: ReviewBundle, **changes: object) -> ReviewBundle:
    names = ("channel", "model", "dataset", "items", "created_at", "evidence", "notes", "round")
    values = {name: getattr(bundle, name) for name in names}
    return build_bundle(**{**values, "files": {"a.png": b"1"}, **changes})  # type: ignore[arg-type]


def test_the_request_is_named_by_what_it_shows_not_by_when_or_by_whom(
    bundle: ReviewBundle,
) -> None:
    first = rebuilt(bundle)
    second = rebuilt(
        bundle, created_at=LATER, deadline=LATER + timedelta(days=1), author="u-1", run="run-7"
    )
    assert first.request_id == second.request_id
    assert first.digest != second.digest


@pytest.mark.parametrize(
    "change", [{"notes": "look"}, {"round": 2}, {"files": {"a.png": b"2"}}, {"evidence": {"x": 1}}]
)
def test_other_content_is_another_request(bundle: ReviewBundle, change: dict[str, object]) -> None:
    assert rebuilt(bundle, **change).request_id != rebuilt(bundle).request_id


def test_the_digest_is_that_of_the_canonical_manifest(bundle: ReviewBundle) -> None:
    assert bundle.to_json() == canonical_json(bundle.model_dump(mode="json"))
    assert bundle.digest == sha256_hex(canonical_json(json.loads(bundle.to_json())))


def test_a_stored_manifest_reads_back_equal(bundle: ReviewBundle) -> None:
    assert parse_bundle(bundle.to_json(), bundle.request_id) == bundle


def test_the_digest_that_is_kept_is_never_that_of_something_else(bundle: ReviewBundle) -> None:
    digest, written = bundle.digest, bundle.to_json()
    read = parse_bundle(written, bundle.request_id)
    assert read.digest == digest == sha256_hex(written)
    # What is kept is no part of the document.
    assert read.to_json() == written
    assert read == ReviewBundle.model_validate_json(written, strict=True)
    changed = read.model_copy(update={"notes": "another"})
    assert changed.digest == sha256_hex(changed.to_json()) != digest
    assert read.model_copy(deep=True).digest == digest


Change = Callable[[ReviewBundle], bytes]


@pytest.mark.parametrize(
    "change",
    [
        lambda bundle: bundle.to_json() + b"\n",
        lambda bundle: bundle.to_json().replace(b'"agreement":0.97', b'"agreement":0.98'),
        lambda bundle: rebuilt(bundle, notes="another").to_json(),
        # What is no part of the id, and means the same in other bytes.
        lambda bundle: bundle.to_json().replace(b'"author":null,', b""),
        lambda bundle: bundle.to_json().replace(b'"author":null,', b'"author":null,' * 2),
        lambda bundle: bundle.to_json().replace(b'"channel":', b'"channel" :'),
        lambda bundle: bundle.to_json().replace(b',"items":', b',"follows":null,"items":'),
        lambda bundle: bundle.to_json().replace(b"Z", b"+00:00", 1),
        lambda bundle: bundle.to_json().replace(b'"priority":0.0', b'"priority":0', 1),
        lambda bundle: bundle.to_json().replace(b"0.97", b"9.7e-1", 1),
    ],
)
def test_a_changed_manifest_is_found(bundle: ReviewBundle, change: Change) -> None:
    assert change(bundle) != bundle.to_json()
    with pytest.raises(DigestMismatchError, match=bundle.request_id):
        parse_bundle(change(bundle), bundle.request_id)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"schema_version":2}', b"\xff"])
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(ArtifactError, match="expected a manifest of schema version 1"):
        parse_bundle(data, "r-1")


@pytest.mark.parametrize(
    "name",
    ["", "/a.png", "../a.png", "a/../b", ".a", "a//b", "a b.png", "ä.png", "a/b/c/d/e", "a\n"],
)
def test_unsafe_file_names_are_refused(bundle: ReviewBundle, name: str) -> None:
    with pytest.raises(ValidationError, match="expected a file name"):
        rebuilt(bundle, files={name: b""})


def test_evidence_that_is_not_finite_json_is_refused(bundle: ReviewBundle) -> None:
    with pytest.raises(ValueError, match=r"(?i)json|nan"):
        rebuilt(bundle, evidence={"agreement": float("nan")}).to_json()
