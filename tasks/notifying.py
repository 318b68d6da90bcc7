"""Telling people of requests, by webhook and by whatever apprise reaches, e-mail first of all.

Addresses hold secrets. They come from the environment alone, and never reach a log, an artifact or
an error:

* ``PARLEY_NOTIFY_WEBHOOK``: posted to as JSON ``{"text": ...}``, which Slack and its kin read
* ``PARLEY_NOTIFY_URLS``: apprise addresses with blanks between, e.g. ``mailtos://user:pass@host``
"""

import json
import logging
import os
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote, urlsplit

from feedback.decision import Decision
from feedback.errors import ParamsError
from feedback.notices import Notice

logger = logging.getLogger(__name__)

WEBHOOK, ADDRESSES = "PARLEY_NOTIFY_WEBHOOK", "PARLEY_NOTIFY_URLS"
TIMEOUT_SECONDS = 10.0
ATTEMPTS = 5
"""How often one message is tried; then it is dropped, since the page shows all of it anyway."""
MOST_WAITING = 500

Send = Callable[[str, str], bool]
"""Takes a title and a text and tells whether they went out."""


class Notifier:
    """Sends messages, and keeps those that did not go out for the next round."""

    def __init__(self, ways: Mapping[str, Send], page_url: str = "") -> None:
        """Take the ways to tell people.

        Args:
            ways: How to send, by a name that may be logged.
            page_url: Address of the review page; empty leaves links out.
        """
        self._ways = dict(ways)
        self._page = page_url.rstrip("/")
        self._waiting: deque[tuple[str, str, str, int]] = deque(maxlen=MOST_WAITING)

    def tell(self, notices: Sequence[Notice], decisions: Sequence[Decision]) -> int:
        """Send what fell due now and what did not go out before.

        Args:
            notices: Reminders and escalations.
            decisions: Requests that were just decided.

        Returns:
            Messages that went out.
        """
        messages = [_of_notice(notice) for notice in notices] + [_of_decision(d) for d in decisions]
        for request_id, title, text in messages:
            linked = f"{text}\n{self._link(request_id)}".strip()
            self._waiting.extend((way, title, linked, 1) for way in self._ways)
        sent = 0
        for _ in range(len(self._waiting)):
            way, title, text, attempt = self._waiting.popleft()
            if self._is_sent(way, title, text):
                sent += 1
            elif attempt < ATTEMPTS:
                self._waiting.append((way, title, text, attempt + 1))
            else:
                logger.error("gave up telling by %s: %s", way, title)
        return sent

    def _is_sent(self, way: str, title: str, text: str) -> bool:
        try:
            sent = self._ways[way](title, text)
        # Whatever a provider's library raises, the watcher goes on; its words may hold the address.
        except Exception as error:
            logger.warning("telling by %s failed (%s)", way, type(error).__name__)
            return False
        if not sent:
            logger.warning("telling by %s failed", way)
        return sent

    def _link(self, request_id: str) -> str:
        return f"{self._page}/requests/{quote(request_id, safe='')}" if self._page else ""


def open_notifier(page_url: str = "", environment: Mapping[str, str] = os.environ) -> Notifier:
    """Open the ways to tell people that the environment names; none is fine.

    Args:
        page_url: Address of the review page.
        environment: Holds the addresses.

    Returns:
        The notifier.

    Raises:
        ParamsError: If an address cannot be understood.
    """
    ways: dict[str, Send] = {}
    webhook = environment.get(WEBHOOK, "").strip()
    if webhook:
        parts = urlsplit(webhook)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ParamsError(f"expected an http(s) address in {WEBHOOK} (got none); correct it")
        ways["webhook"] = lambda title, text: _post(webhook, title, text)
    addresses = environment.get(ADDRESSES, "").split()
    if addresses:
        ways["apprise"] = _apprise(addresses)
    return Notifier(ways, page_url)


def _post(address: str, title: str, text: str) -> bool:
    # urllib, since other clients log the address of every call.
    body = f"*{_escaped(title)}*\n{_escaped(text)}"
    request = urllib.request.Request(
        address,
        data=json.dumps({"text": body}).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        return bool(200 <= answer.status < 300)


def _apprise(addresses: Sequence[str]) -> Send:
    from apprise import Apprise, NotifyFormat

    # It logs addresses, those that it cannot read in full.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    target = Apprise()
    for number, address in enumerate(addresses, 1):
        if not target.add(address):
            raise ParamsError(
                f"expected apprise addresses in {ADDRESSES} (got something else as number "
                f"{number}); see apprise's list of services"
            )
    # Without a format a text is taken for HTML in mails: what others wrote would be markup, and all
    # that follows an angle bracket would be lost, the deadline and the link among it.
    plain = NotifyFormat.TEXT
    return lambda title, text: bool(target.notify(body=text, title=title, body_format=plain))


def _of_notice(notice: Notice) -> tuple[str, str, str]:
    heads = {"opened": "Review wanted", "reminder": "Reminder", "escalation": "Escalation"}
    lines = [notice.text]
    if notice.deadline is not None:
        lines.append(f"Deadline: {notice.deadline:%Y-%m-%d %H:%M %Z}")
    if notice.to:
        lines.append(f"For: {', '.join(notice.to)}")
    title = f"{heads[notice.kind]}: {notice.request_id}"
    return notice.request_id, title, "\n".join(line for line in lines if line)


def _of_decision(decision: Decision) -> tuple[str, str, str]:
    return decision.request_id, f"{decision.state.value}: {decision.request_id}", decision.reason


def _escaped(text: str) -> str:
    # As Slack asks; nobody's name or reason becomes a link or a mention.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
