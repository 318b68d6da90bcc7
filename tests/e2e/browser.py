"""Pages in Chromium over stores in memory."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from review.app import create_app
from review.settings import PageSettings
from tests.e2e.needed import missing
from tests.feedback.memory import MemoryStore

CHROMIUM = Path(os.environ.get("PARLEY_TEST_CHROMIUM", "/usr/bin/chromium"))
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def need_chromium() -> None:
    """Skip the test where there is no browser, or fail it where there must be one."""
    if not CHROMIUM.exists():
        missing("BROWSER", f"no Chromium at {CHROMIUM} (Debian: apt-get install chromium)")


@pytest.fixture(scope="module")
def page_of() -> Iterator[object]:
    """Serve stores and open pages on them; every page must be free of errors at the end."""
    need_chromium()
    from playwright.sync_api import sync_playwright

    servers = []
    troubles: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)

        def open_page(store: MemoryStore, *, width: int = 1280, context=None):
            server = make_server(
                "127.0.0.1",
                0,
                create_app(store, PageSettings(reviewer="ada")).server,
                threaded=True,
            )
            servers.append(server)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            context = context or browser.new_context(viewport={"width": width, "height": 900})
            page = context.new_page()
            page.set_default_timeout(20_000)
            page.on("pageerror", lambda error: troubles.append(str(error)))
            page.on(
                "console",
                lambda message: troubles.append(message.text) if message.type == "error" else None,
            )
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            return page

        yield open_page
        browser.close()
    for server in servers:
        server.shutdown()
        server.server_close()
    assert troubles == []
