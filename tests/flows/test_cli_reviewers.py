"""Enrolling, signing and checking from the command line, as an operator and a reviewer do."""

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feedback.policy import Policy
from feedback.publishing import publish
from feedback.store import LocalStore
from feedback.watching import watch_once
from tests.review_request import FILES, make_bundle

POLICY = Policy.model_validate({"name": "one", "roles": {"domain": {"signatures": ["own"]}}})


@pytest.fixture
def store(settings) -> LocalStore:
    found = LocalStore(Path(settings.store_url()))
    publish(found, make_bundle(author="eve"), FILES)
    return found


def one_line(result, told: str) -> None:
    code, _, error = result
    assert code == 1
    assert told in error
    assert len(error.strip().splitlines()) == 1
    assert error.startswith("parley: ")


def test_a_reviewer_is_enrolled_signs_is_heard_and_is_taken_off(parley, store, tmp_path) -> None:
    bundle = make_bundle(author="eve")
    code, out, _ = parley("reviewers", "add", "ada", "--role", "domain", "--generate", "ada.key")
    assert (code, "enrolled person ada" in out) == (0, True)
    assert stat.S_IMODE((tmp_path / "ada.key").stat().st_mode) == 0o600
    assert "ada" in parley("reviewers", "list")[1]

    assert parley("review", "show", bundle.request_id, "--template", "a.json")[0] == 0
    answer = json.loads((tmp_path / "a.json").read_text())
    (tmp_path / "a.json").write_text(json.dumps({**answer, "reviewer": "ada"}))
    code, out, _ = parley("review", "submit", bundle.request_id, "a.json", "--key", "ada.key")
    assert (code, "handed in as inbox/" in out) == (0, True)
    (decision,) = watch_once(store, POLICY, datetime.now(UTC)).decisions
    assert decision.state.value == "APPROVED"

    code, out, _ = parley("audit", "verify")
    assert (code, "2 entries, unbroken" in out) == (0, True)
    assert parley("reviewers", "revoke", "ada", "--why", "left")[0] == 0
    assert "3 entries" in parley("audit", "verify", "--store", store.root)[1]
    assert "off since" in parley("reviewers", "list")[1]


def test_an_answer_is_signed_off_the_network_and_handed_in_later(parley, store, tmp_path) -> None:
    bundle = make_bundle(author="eve")
    parley("reviewers", "add", "ada", "--role", "domain", "--generate", "ada.key")
    parley("review", "show", bundle.request_id, "--template", "a.json")
    text = (tmp_path / "a.json").read_text().replace("your-name", "ada")
    (tmp_path / "a.json").write_text(text)
    assert parley("review", "sign", "a.json", "--key", "ada.key", "--out", "s.json")[0] == 0
    assert parley("review", "submit", bundle.request_id, "s.json")[0] == 0
    assert len(watch_once(store, POLICY, datetime.now(UTC)).decisions) == 1


def test_one_changed_byte_of_the_log_is_named_in_one_line(parley, store, tmp_path) -> None:
    for name in ("ada", "bob"):
        parley("reviewers", "add", name, "--role", "domain")
    (path,) = (store.root / "audit").glob("*/00000002.json")
    data = bytearray(path.read_bytes())
    data[data.index(b"bob")] ^= 1
    path.write_bytes(data)
    one_line(parley("audit", "verify"), "00000002.json")
    one_line(parley("reviewers", "add", "cyd", "--role", "ml"), "00000002.json")
    assert not store.exists("reviewers/cyd.json")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["reviewers", "add", "a/b", "--role", "ml"], "for id"),
        (["reviewers", "add", "ada"], "give --role"),
        (["reviewers", "add", "ada", "--role", "m l"], "for roles"),
        (["reviewers", "add", "ada", "--role", "ml", "--public-key", "AAAA"], "32 bytes"),
        (["reviewers", "add", "page", "--page"], "with a key and without roles"),
        (["reviewers", "add", "ada", "--role", "ml", "--generate", "no/k"], "another file"),
        (["reviewers", "revoke", "nobody", "--why", "x"], "reviewers list"),
        (["review", "sign", "none.json", "--key", "k", "--out", "o"], "check the path"),
        (["audit", "verify", "--store", "none"], "check --store"),
        (["audit", "verify", "--head", "0" * 64], "entries are missing"),
    ],
)
def test_refusals_are_one_line(parley, store, arguments, told) -> None:
    one_line(parley(*arguments), told)
