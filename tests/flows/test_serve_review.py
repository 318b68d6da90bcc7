"""``parley review serve`` refuses settings under which anybody could answer as anybody."""

import pytest

from feedback.errors import ParamsError
from feedback.signing import generate_key, save_key
from flows.commands.serve_review import page_settings
from tasks.settings import Settings


def test_the_page_is_served_for_one_person_or_behind_a_proxy(tmp_path, monkeypatch) -> None:
    alone = page_settings(Settings(), host="127.0.0.1", port=8050, reviewer="ada")
    assert (alone.reviewer, alone.identity_header, alone.key) == ("ada", None, None)
    key = generate_key()
    save_key(key, tmp_path / "page.key")
    monkeypatch.setenv("PARLEY_PAGE_IDENTITY_HEADER", "X-Forwarded-User")
    monkeypatch.setenv("PARLEY_PAGE_PROXIES", "10.0.0.2, 10.0.0.3")
    monkeypatch.setenv("PARLEY_PAGE_HOSTS", "review.example.org")
    monkeypatch.setenv("PARLEY_PAGE_KEY", str(tmp_path / "page.key"))
    behind = page_settings(Settings(), host="0.0.0.0", port=80, reviewer=None)
    assert behind.proxies == ("10.0.0.2", "10.0.0.3")
    assert behind.hosts == ("review.example.org",)
    assert behind.key is not None
    assert behind.key.key_id == key.key_id


@pytest.mark.parametrize("flags", [(), ("--reviewer", "ada", "--host", "0.0.0.0")])
def test_a_page_without_an_identity_is_not_opened(parley, flags) -> None:
    code, out, error = parley("review", "serve", *flags)
    assert (code, out) == (1, "")
    assert error.startswith("parley: expected")
    assert "got" in error


def test_both_ways_to_name_a_reviewer_exclude_each_other(monkeypatch) -> None:
    monkeypatch.setenv("PARLEY_PAGE_IDENTITY_HEADER", "X-Forwarded-User")
    with pytest.raises(ParamsError, match="got both"):
        page_settings(Settings(), host="127.0.0.1", port=8050, reviewer="ada")


def test_the_page_closes_by_the_policy_that_it_is_told(tmp_path, monkeypatch) -> None:
    def rule(policy=""):
        given = {"host": "127.0.0.1", "port": 8050, "reviewer": "ada", "policy": policy}
        return page_settings(Settings(), **given).policy.name

    assert rule() == "single"
    monkeypatch.setenv("PARLEY_POLICY", "signed")
    assert (rule(), rule("single")) == ("signed", "single")
