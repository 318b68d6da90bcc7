"""How fast the review page is with 37 classes and 100 candidates each, in Chromium on loopback.

    python -m benchmarks.page          # with --link over a slow link, see page_link.py

Targets: first view of such a request under 2 s, an edit under 100 ms, from the click to the page
that shows it. Needs Playwright (``pip install 'parley[dev]'``) and a Chromium, at
``/usr/bin/chromium`` or where ``PARLEY_TEST_CHROMIUM`` says.
"""

import argparse
import logging
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from werkzeug.serving import make_server

from benchmarks.page_request import N_CANDIDATES, N_CLASSES, N_EXAMPLES, large_request
from benchmarks.report import spread, write_part, write_result
from feedback.publishing import publish
from feedback.store import LocalStore

CHROMIUM = os.environ.get("PARLEY_TEST_CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
COLD = {
    "the inbox, of a page just started": "",
    "the request by its address, of a page just started": "requests/{}",
}
UNTIL = """async (happened) => {
  const start = performance.now();
  while (!happened()) {
    await new Promise((next) => setTimeout(next, 1));
    if (performance.now() - start > 9000) throw new Error("nothing changed");
  }
  return performance.now() - start;
}"""
EDITS = f"""async (rounds) => {{
  const until = {UNTIL};
  const pause = () => new Promise((next) => setTimeout(next, 500));
  const cut = () => document.querySelectorAll(".edge.removed").length;
  const first = () => document.querySelector(".slot strong").textContent;
  const times = {{"remove an edge": [], "undo": [], "replace a concept": []}};
  for (let k = 0; k < rounds; k++) {{
    document.querySelectorAll(".edge")[k].click();
    await until(() => document.querySelector("#edge-removed")); await pause();
    const before = cut();
    document.querySelector("#edge-removed").click();
    times["remove an edge"].push(await until(() => cut() > before)); await pause();
    document.querySelector("#undo").click();
    times["undo"].push(await until(() => cut() === before)); await pause();
    const found = [...document.querySelectorAll(".candidate")].filter((one) => !one.hidden);
    found[k].click();
    await until(() => document.querySelector("#put") &&
                      found[k].getAttribute("aria-pressed") === "true");
    await pause();
    const slot = first();
    document.querySelector("#put").click();
    times["replace a concept"].push(await until(() => first() !== slot)); await pause();
  }}
  return times;
}}"""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the page over a folder, and yield its address."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    from review.app import create_app
    from review.settings import PageSettings

    app = create_app(LocalStore(folder), PageSettings(reviewer="ada"))
    server = make_server("127.0.0.1", 0, app.server, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def measure_cold(address: str) -> float:
    """Return the seconds until an address shows, of a page that has read nothing yet."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        started = time.perf_counter()
        page.goto(address)
        page.wait_for_selector(".request-link, #class-title", timeout=60_000)
        took = time.perf_counter() - started
        browser.close()
    return took


def measure(address: str, edits: int) -> dict[str, list[float]]:
    """Open the request as a person does, edit it, and return seconds by act."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(60_000)
        page.goto(address)
        page.wait_for_selector(".request-link")
        started = time.perf_counter()
        page.click(".request-link")
        page.wait_for_selector("#class-title")
        first = time.perf_counter() - started
        page.wait_for_timeout(1000)
        started = time.perf_counter()
        page.locator(".class-entry").first.click()
        page.wait_for_selector(".slots")
        one_class = time.perf_counter() - started
        page.wait_for_timeout(1500)
        acts: dict[str, list[float]] = page.evaluate(EDITS, edits)
        browser.close()
    times = {name: [value / 1000 for value in values] for name, values in acts.items()}
    return {
        "first view of the request, from the inbox": [first],
        "first view of a class": [one_class],
        **times,
    }


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="pages opened")
    parser.add_argument("--edits", type=int, default=4, help="edits of a kind per page")
    parser.add_argument("--link", action="store_true", help="only over a slow link, 400 px wide")
    asked = parser.parse_args()
    if asked.link:
        return write_part("page", "slow link, 400 px", _over_link(asked.edits))
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        bundle, files = large_request()
        publish(LocalStore(Path(folder)), bundle, files)
        for _ in range(asked.repeats):
            # A page of its own each time: what one has read is not there for the next.
            for name, place in COLD.items():
                with served(Path(folder)) as address:
                    seconds = measure_cold(address + place.format(bundle.request_id))
                found.setdefault(name, []).append(seconds)
            with served(Path(folder)) as address:
                for name, values in measure(address, asked.edits).items():
                    found.setdefault(name, []).extend(values)
    settings = {"edits": asked.edits, "repeats": asked.repeats}
    write_result("page", {**_result(found), "settings": settings})


def _over_link(edits: int) -> dict[str, Any]:
    from benchmarks.page_link import measure_link

    with tempfile.TemporaryDirectory() as folder:
        bundle, files = large_request()
        publish(LocalStore(Path(folder)), bundle, files)
        with served(Path(folder)) as address:
            return measure_link(address, bundle.request_id, edits)


def _result(found: dict[str, list[float]]) -> dict[str, Any]:
    result: dict[str, Any] = {name: spread(values) for name, values in found.items()}
    edits = {"remove an edge", "undo", "replace a concept"}
    rows = [
        [name, _told(result[name]["median"]), _told(result[name]["max"]), target]
        for name in found
        for target in ["≤ 100 ms" if name in edits else "≤ 2 s"]
    ]
    table = {
        "header": [
            f"{N_CLASSES} classes, {N_CANDIDATES} candidates each, {N_EXAMPLES} examples",
            "median",
            "slowest",
            "target",
        ]
    }
    return {**result, "table": {**table, "rows": rows}}


def _told(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"


if __name__ == "__main__":
    main()
