import pytest
from flask.testing import FlaskClient

from feedback.bundle import ReviewBundle
from feedback.canonical import sha256_hex
from feedback.errors import IdentityError, ParamsError
from feedback.layout import file_key
from review.app import create_app
from review.settings import PageSettings, who_asks
from tests.feedback.memory import MemoryStore
from tests.review.conftest import FILES

PICTURE = sha256_hex(FILES["graph.png"])


def test_a_picture_is_served_by_its_digest_and_kept_for_ever(
    client: FlaskClient, request_bundle: ReviewBundle
) -> None:
    url = f"/pictures/{request_bundle.request_id}/{PICTURE}"
    answer = client.get(url)
    assert (answer.status_code, answer.data) == (200, FILES["graph.png"])
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    again = client.get(url, headers={"If-None-Match": f'"{PICTURE}"'})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "{request}/graph.png",
        "{request}/..%2F..%2Fmanifest.json",
        "{request}/../manifest.json",
        "..%2Freviews%2F{request}/" + PICTURE,
        "%2e%2e/" + PICTURE,
        "{request}/" + PICTURE.upper(),
        "{request}/" + PICTURE + "%00",
        "{request}/" + PICTURE + "%0a",
        "{request}/" + "0" * 64,
        "nobody/" + PICTURE,
    ],
)
def test_nothing_but_pictures_of_the_bundle_is_served(
    client: FlaskClient, request_bundle: ReviewBundle, path: str
) -> None:
    answer = client.get("/pictures/" + path.format(request=request_bundle.request_id))
    assert b"PNG" not in answer.data
    assert request_bundle.digest.encode() not in answer.data
    assert b"base_cscg" not in answer.data
    # What is no picture's address may be the page itself, which reads it as an address of its own.
    assert answer.status_code == 404 or answer.data.startswith(b"<!DOCTYPE html>")


def test_a_file_that_is_no_picture_is_not_served(
    client: FlaskClient, request_bundle: ReviewBundle
) -> None:
    digest = sha256_hex(FILES["page.html"])
    assert client.get(f"/pictures/{request_bundle.request_id}/{digest}").status_code == 415


def test_a_picture_that_was_changed_in_the_store_is_not_served(
    client: FlaskClient, request_bundle: ReviewBundle, store: MemoryStore
) -> None:
    store.put(file_key(request_bundle.request_id, "graph.png"), FILES["concepts/a_k0.png"])
    assert client.get(f"/pictures/{request_bundle.request_id}/{PICTURE}").status_code == 404


def test_every_answer_forbids_frames_and_foreign_scripts(client: FlaskClient) -> None:
    for path in ("/", "/pictures/x/y", "/_dash-layout"):
        headers = client.get(path).headers
        policy = dict(
            part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";")
        )
        assert headers["X-Frame-Options"] == "DENY"
        assert policy["frame-ancestors"] == policy["default-src"] == "'none'"
        assert "unsafe" not in policy["script-src"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:8050"}, 403),
        ({"Host": "evil.example", "Sec-Fetch-Site": "same-origin"}, 421),
    ],
)
def test_messages_of_other_sites_are_refused(
    client: FlaskClient, headers: dict[str, str], status: int
) -> None:
    answer = client.post("/_dash-update-component", json={}, headers=headers)
    assert answer.status_code == status


def test_a_large_message_is_refused(client: FlaskClient) -> None:
    answer = client.post(
        "/_dash-update-component",
        data=b" " * (9 * 2**20),
        content_type="application/json",
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code in (400, 413)


def header(name: str | None):
    return lambda _, missing: missing if name is None else name


def test_the_proxy_names_the_reviewer() -> None:
    settings = PageSettings(identity_header="X-Forwarded-User")
    assert who_asks(settings, header("ada@example.org"), "127.0.0.1") == "ada@example.org"


@pytest.mark.parametrize(
    ("name", "remote"),
    [
        (None, "127.0.0.1"), ("", "::1"), ("ada,bob", "::1"), ("../bob", "::1"),
        ("ada", "10.0.0.7"), ("ada", None), ("ada\nbob", "::1"), ("a" * 81, "::1"),
    ],
)  # fmt: skip
def test_nobody_is_taken_for_a_reviewer_without_the_proxy(
    name: str | None, remote: str | None
) -> None:
    settings = PageSettings(identity_header="X-Forwarded-User")
    with pytest.raises(IdentityError, match="got"):
        who_asks(settings, header(name), remote)


def test_a_page_behind_a_proxy_answers_nobody_without_a_name(store: MemoryStore) -> None:
    server = create_app(store, PageSettings(identity_header="X-Forwarded-User")).server
    assert server.test_client().get("/").status_code == 401
    named = {"X-Forwarded-User": "ada"}
    assert server.test_client().get("/", headers=named).status_code == 200


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"reviewer": "ada", "identity_header": "X-Forwarded-User"},
        {"reviewer": "ada", "host": "0.0.0.0"},
        {"reviewer": "../ada"},
        {"identity_header": "X: y"},
    ],
)
def test_settings_under_which_anybody_could_answer_are_refused(values: dict[str, str]) -> None:
    with pytest.raises(ParamsError, match="got"):
        PageSettings(**values)  # type: ignore[arg-type]
