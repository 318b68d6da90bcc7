"""How the review page is over a slow link and on a narrow screen, in Chromium.

    python -m benchmarks.page --link

37 classes with 100 candidates each, 400 pixels wide, 1.6 Mbit/s down, 0.75 up, 150 ms there and
back, as Chromium's own throttle makes them; nothing is cached at first. Bytes are those that came
over the link, headers included. They do not depend on the machine; the seconds do a little.
"""

import time
from dataclasses import dataclass, field
from typing import Any

from benchmarks.page import CHROMIUM, EDITS, FLAGS

WIDTH, HEIGHT = 400, 850
DOWN, UP, DELAY = 1.6e6 / 8, 0.75e6 / 8, 150
"""Bytes per second, bytes per second, milliseconds there and back."""


@dataclass
class Traffic:
    """What came over the link so far."""

    sent: dict[str, str] = field(default_factory=dict)
    n_bytes: int = 0
    n_pictures: int = 0
    picture_bytes: int = 0

    def watch(self, session: Any) -> None:
        """Listen to a session of Chromium's protocol."""
        session.on("Network.requestWillBeSent", self._asked)
        session.on("Network.loadingFinished", self._came)

    def count(self) -> dict[str, int]:
        """Return the counts so far."""
        return {
            "bytes": self.n_bytes,
            "pictures": self.n_pictures,
            "bytes of pictures": self.picture_bytes,
        }

    def _asked(self, event: Any) -> None:
        self.sent[event["requestId"]] = event["request"]["url"]

    def _came(self, event: Any) -> None:
        size = int(event["encodedDataLength"])
        self.n_bytes += size
        if "/pictures/" in self.sent.get(event["requestId"], ""):
            self.n_pictures += 1
            self.picture_bytes += size


def measure_link(address: str, request_id: str, edits: int) -> dict[str, Any]:
    """Open a request by its address, as from a notice, then a class of it, and edit.

    Args:
        address: Of the page.
        request_id: Which request.
        edits: Edits of a kind.

    Returns:
        Seconds by act, bytes and pictures that came before it could be seen, and by how many
        pixels a view is wider than its window.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.set_default_timeout(120_000)
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.send(
            "Network.emulateNetworkConditions",
            {
                "offline": False,
                "latency": DELAY,
                "downloadThroughput": DOWN,
                "uploadThroughput": UP,
            },
        )
        traffic = Traffic()
        traffic.watch(session)
        found: dict[str, Any] = {}

        def see(name: str, selector: str) -> None:
            before, started = traffic.count(), time.perf_counter()
            steps[name]()
            page.wait_for_selector(selector)
            seconds = time.perf_counter() - started
            after = traffic.count()
            found[name] = {"seconds": round(seconds, 3), "wider by": page.evaluate(_WIDER)}
            found[name] |= {kind: after[kind] - before[kind] for kind in after}

        steps = {
            "request, nothing cached": lambda: page.goto(
                f"{address}requests/{request_id}", wait_until="commit"
            ),
            "class": lambda: page.locator(".class-entry").first.click(),
            "request, opened again": lambda: page.reload(wait_until="commit"),
        }
        see("request, nothing cached", "#class-title")
        page.wait_for_load_state("networkidle")
        see("class", ".slots")
        # Long enough for all that is asked for without scrolling: 52 pictures are 2 s of the link.
        page.wait_for_timeout(_PATIENCE)
        shown = page.evaluate("document.images.length")
        found["pictures of the class"] = {
            "on the page": shown,
            "loaded without scrolling": traffic.n_pictures,
        }
        acts: dict[str, list[float]] = page.evaluate(EDITS, edits)
        found["edits"] = {name: [round(ms / 1000, 4) for ms in acts[name]] for name in acts}
        see("request, opened again", "#class-title")
        browser.close()
    return found


_PATIENCE = 10_000
"""Milliseconds."""
_WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
