"""Telling people: what is sent, what is tried again, and that no address is ever told on."""

import json
import logging
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from feedback.errors import ParamsError
from feedback.notices import Notice
from tasks.notifying import ADDRESSES, ATTEMPTS, WEBHOOK, Notifier, open_notifier

# apprise reads pictures with a module that Python 3.13 drops.
pytestmark = pytest.mark.filterwarnings("ignore:.imghdr. is deprecated")
NOTICE = Notice(
    id="reminder-1",
    request_id="r-1",
    kind="reminder",
    to=("domain", "lead"),
    due_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
    deadline=datetime(2026, 11, 22, 12, tzinfo=UTC),
    text="waiting for 1 x <domain>",
)


class Hook:
    """A webhook on loopback that answers with given statuses and keeps what it gets."""

    def __init__(self):
        self.bodies, self.statuses = [], []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                hook.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(hook.statuses.pop(0) if hook.statuses else 200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/services/T0/s3cr3t"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()


@pytest.fixture
def hook():
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()
    made.thread.join(10)


def test_a_webhook_gets_slack_s_json_with_a_link_and_no_markup_of_others(hook):
    notifier = open_notifier("http://127.0.0.1:8050/", {WEBHOOK: hook.address})
    assert notifier.tell([NOTICE], []) == 1
    assert hook.bodies == [
        {
            "text": "*Reminder: r-1*\nwaiting for 1 x &lt;domain&gt;\n"
            "Deadline: 2026-11-22 12:00 UTC\nFor: domain, lead\nhttp://127.0.0.1:8050/requests/r-1"
        }
    ]


def test_what_did_not_go_out_is_tried_again_and_its_address_is_not_logged(hook, caplog):
    caplog.set_level(logging.DEBUG)
    hook.statuses = [500, 503]
    notifier = open_notifier("", {WEBHOOK: hook.address})
    assert [notifier.tell([NOTICE], []), *(notifier.tell([], []) for _ in range(3))] == [0, 0, 1, 0]
    assert len(hook.bodies) == 3
    assert "telling by webhook failed" in caplog.text
    assert "s3cr3t" not in caplog.text


def test_a_way_that_never_works_is_given_up_and_holds_up_no_other(caplog):
    seen = []

    def dead(title, text):
        raise OSError("smtp://user:s3cr3t@host refused")

    notifier = Notifier({"dead": dead, "good": lambda title, text: not seen.append(title)})
    assert [notifier.tell([NOTICE], [])] + [notifier.tell([], []) for _ in range(ATTEMPTS)] == [
        1,
        *[0] * ATTEMPTS,
    ]
    assert seen == ["Reminder: r-1"]
    assert caplog.text.count("gave up") == 1
    assert "s3cr3t" not in caplog.text


@pytest.mark.parametrize(
    "environment", [{WEBHOOK: "ftp://s3cr3t/x"}, {ADDRESSES: "json://localhost s3cr3t@nowhere"}]
)
def test_an_address_that_cannot_be_read_is_refused_without_being_told(environment, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ParamsError, match="expected") as refused:
        open_notifier("", environment)
    assert "s3cr3t" not in str(refused.value) + caplog.text + "".join(capsys.readouterr())


def test_apprise_sends_to_its_addresses(hook):
    address = hook.address.replace("http://", "json://")
    assert open_notifier("", {ADDRESSES: address}).tell([NOTICE], []) == 1
    assert hook.bodies[0]["title"] == "Reminder: r-1"


def test_nobody_to_tell_is_fine():
    assert open_notifier("", {}).tell([NOTICE], []) == 0
