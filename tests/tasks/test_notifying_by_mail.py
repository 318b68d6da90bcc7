"""Telling people by e-mail: what a mail server is handed, and what becomes of what it refuses."""

import html
import logging
from datetime import UTC, datetime

import pytest

from feedback.decision import Decision
from feedback.notices import Notice
from feedback.states import ReviewState
from tasks.notifying import ADDRESSES, ATTEMPTS, open_notifier
from tests.tasks.smtp_sink import Sink

# apprise reads pictures with a module that Python 3.13 drops.
pytestmark = pytest.mark.filterwarnings("ignore:.imghdr. is deprecated")
OPENED = Notice(
    id="opened",
    request_id="r-1",
    kind="opened",
    to=("domain", "lead"),
    due_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
    deadline=datetime(2026, 11, 22, 12, tzinfo=UTC),
    text="waiting for 1 x <domain> & 1 x lead",
)
DECIDED = Decision(
    request_id="r-1",
    bundle_sha256="a" * 64,
    channel="concept_graph",
    state=ReviewState.APPROVED,
    policy="single",
    reason='approved by <a href="http://elsewhere.example">Łucja</a>',
    decided_at=datetime(2026, 11, 21, 13, tzinfo=UTC),
)
PAGE = "http://127.0.0.1:8050/requests/r-1"


@pytest.fixture
def sink(monkeypatch):
    # Six seconds between two mails, out of courtesy to their server.
    monkeypatch.setattr("apprise.plugins.email.NotifyEmail.request_rate_per_sec", 0)
    made = Sink()
    yield made
    made.close()


@pytest.fixture
def notifier(sink):
    address = f"mailto://127.0.0.1:{sink.port}?from=parley@example.org&to=ada@example.org"
    address += "&user=parley&pass=s3cr3t"
    return open_notifier("http://127.0.0.1:8050/", {ADDRESSES: address})


def parts(mail):
    """Return the words of a mail as programs show them that show plain text, and HTML."""
    plain, rich = (mail.get_body((kind,)).get_content().strip() for kind in ("plain", "html"))
    # Nothing but the ends of lines is markup.
    shown = rich.replace("<br/>", "\n")
    assert "<" not in shown
    return "\n".join(plain.splitlines()), html.unescape(shown).replace("\N{NO-BREAK SPACE}", " ")


def test_an_open_request_goes_out_as_a_mail_with_its_deadline_and_its_page(sink, notifier):
    assert notifier.tell([OPENED], []) == 1
    (mail,) = sink.mails
    assert sink.envelopes == [("parley@example.org", ("ada@example.org",))]
    assert sink.logins == [("parley", "s3cr3t")]
    assert mail["From"] == "parley@example.org"
    assert mail["To"] == "ada@example.org"
    assert mail["Subject"] == "Review wanted: r-1"
    words = (
        "waiting for 1 x <domain> & 1 x lead\n"
        "Deadline: 2026-11-22 12:00 UTC\nFor: domain, lead\n" + PAGE
    )
    assert parts(mail) == (words, words)


def test_a_decision_goes_out_as_a_mail_without_markup_of_others(sink, notifier):
    assert notifier.tell([OPENED], [DECIDED]) == 2
    assert [mail["Subject"] for mail in sink.mails] == ["Review wanted: r-1", "APPROVED: r-1"]
    words = f"{DECIDED.reason}\n{PAGE}"
    assert parts(sink.mails[1]) == (words, words)


@pytest.mark.parametrize(
    "refusal",
    [
        ("HELLO", "421 ada@example.org must wait"),
        ("AUTH", "535 parley may not log in with s3cr3t"),
        ("MAIL", "451 parley@example.org must wait"),
        ("RCPT", "550 no ada@example.org here"),
        ("DATA", "452 no room for ada@example.org"),
    ],
)
def test_what_the_server_refuses_is_left_to_the_next_round(sink, notifier, caplog, capfd, refusal):
    caplog.set_level(logging.DEBUG)
    sink.refusals.append(refusal)
    assert notifier.tell([OPENED], []) == 0
    assert (sink.mails, sink.seen.count(refusal[0])) == ([], 1)
    assert notifier.tell([], [DECIDED]) == 2
    assert notifier.tell([], []) == 0
    assert [mail["Subject"] for mail in sink.mails] == ["Review wanted: r-1", "APPROVED: r-1"]
    assert "telling by apprise failed" in caplog.text
    told = caplog.text + "".join(capfd.readouterr())
    assert not any(word in told for word in ("example.org", "s3cr3t", f":{sink.port}"))


def test_a_server_that_is_gone_is_given_up_after_some_rounds(sink, notifier, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    sink.close()
    assert [notifier.tell([OPENED], []), *(notifier.tell([], []) for _ in range(ATTEMPTS))] == [
        0
    ] * (ATTEMPTS + 1)
    assert caplog.text.count("telling by apprise failed") == ATTEMPTS
    assert caplog.text.count("gave up telling by apprise: Review wanted: r-1") == 1
    told = caplog.text + "".join(capfd.readouterr())
    assert not any(word in told for word in ("example.org", "s3cr3t", f":{sink.port}"))
