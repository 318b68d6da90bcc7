"""How fast the review page is with 37 classes and 100 candidates each, in Chromium on loopback.

    python -m benchmarks.page          # with --link over a slow link, see page_link.py

Targets: first view of such a request under 2 s, an edit under 100 ms, from the click to the page
that shows it. Needs Playwright (``pip install 'parley[dev]'``) and a Chromium, at
``/usr/bin/chromium`` or where ``PARLEY_TEST_CHROMIUM`` says.
"""

import argparse
import io
import logging
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from werkzeug.serving import make_server

from benchmarks.report import spread, write_part, write_result
from feedback.bundle import DatasetVersion, ModelVersion, ReviewBundle, build_bundle
from feedback.canonical import sha256_hex
from feedback.channels.concept_graph import (
    ClassEvidence,
    ConceptCard,
    EdgeEvidence,
    Exemplar,
    GraphEvidence,
    pack_evidence,
)
from feedback.publishing import publish
from feedback.store import LocalStore

N_CLASSES, N_CANDIDATES, N_SLOTS, N_PICTURES = 37, 100, 4, 300
CHROMIUM = os.environ.get("PARLEY_TEST_CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
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


def large_request() -> tuple[ReviewBundle, dict[str, bytes]]:
    """Make a request of the size that the page promises to bear."""
    rng = np.random.default_rng(0)
    files = {f"crops/{number:03d}.png": _picture(rng) for number in range(N_PICTURES)}
    names = [f"breed_{number:02d}" for number in range(N_CLASSES)]
    pictures = list(files)

    def card(name: str, number: int) -> ConceptCard:
        shown = rng.choice(pictures, 4, replace=False)
        return ConceptCard(
            concept_id=f"{name}/k{number:02d}",
            class_name=name,
            tcav_score=0.8,
            tcav_low=0.7,
            tcav_high=0.9,
            tcav_magnitude=1.5,
            p_value=0.01,
            significant=True,
            detection_rate=float(rng.random()),
            background_share=float(rng.random()),
            n_images=20,
            popular=True,
            uniqueness=float(2 * rng.random()),
            exemplars=tuple(
                Exemplar(image=f"{file}.jpg", box=(0, 0, 48, 48), file=file) for file in shown
            ),
        )

    classes = tuple(
        ClassEvidence(
            class_name=name,
            base_cscg=sha256_hex(name.encode()),
            slots=tuple(f"{name}/k{slot:02d}" for slot in range(N_SLOTS)),
            edges=tuple(
                EdgeEvidence(src=i, dst=j, contribution=float(rng.normal()))
                for i in range(N_SLOTS)
                for j in range(N_SLOTS)
                if i != j
            ),
            candidates=tuple(card(name, number) for number in range(N_CANDIDATES)),
        )
        for name in names
    )
    evidence = GraphEvidence(
        agreement=0.91,
        l1=0.1,
        confusion=tuple(
            tuple(20 if i == j else int(rng.integers(0, 3)) for j in range(N_CLASSES))
            for i in range(N_CLASSES)
        ),
        classes=classes,
    )
    shown, items = pack_evidence(evidence, {name: float(rng.random()) for name in names})
    now = datetime.now(UTC)
    bundle = build_bundle(
        channel="concept_graph",
        model=ModelVersion(name="benchmark", digest="d" * 64),
        dataset=DatasetVersion(md5="0" * 32 + ".dir", classes=tuple(names)),
        items=items,
        evidence=shown,
        files=files,
        created_at=now,
        deadline=now + timedelta(days=2),
    )
    return bundle, files


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
    return {"first view of the request": [first], "first view of a class": [one_class], **times}


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
    targets = {"first view of the request": "≤ 2 s", "first view of a class": "≤ 2 s"}
    rows = [
        [name, _told(result[name]["median"]), _told(result[name]["max"]), target]
        for name in found
        for target in [targets.get(name, "≤ 100 ms")]
    ]
    table = {"header": ["37 classes, 100 candidates each", "median", "slowest", "target"]}
    return {**result, "table": {**table, "rows": rows}}


def _told(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"


def _picture(rng: np.random.Generator) -> bytes:
    coarse = rng.integers(0, 255, (6, 6, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize((96, 96), Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()


if __name__ == "__main__":
    main()
