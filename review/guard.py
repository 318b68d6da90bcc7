"""What every answer of the page's server carries, and which messages it takes at all."""

import logging
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

from feedback.errors import IdentityError
from review.settings import PageSettings, is_loopback, who_asks

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 8 * 2**20
"""Largest message: a draft with its steps, and what the browser says it shows."""

_HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def guard(server: Flask, settings: PageSettings, script_hashes: list[str]) -> None:
    """Put the guard in front of a server.

    Args:
        server: The page's server.
        settings: How the page is served.
        script_hashes: Hashes of the page's own inline scripts; no other one is run.
    """
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {' '.join(script_hashes)}",
            # Dash and Cytoscape write their own style elements; scripts stay barred.
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
    server.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES

    @server.before_request
    def check() -> None:
        if not _is_own_name(request.host, settings):
            # A foreign name that leads here is how a web site reaches a page on this machine.
            logger.info("refused a message for %s", ascii(request.host)[:80])
            abort(HTTPStatus.MISDIRECTED_REQUEST)
        if request.method not in ("GET", "HEAD") and not _is_same_origin():
            abort(HTTPStatus.FORBIDDEN)
        try:
            who_asks(settings, request.headers.get, request.remote_addr)
        except IdentityError as error:
            abort(Response(str(error), HTTPStatus.UNAUTHORIZED, content_type="text/plain"))

    @server.after_request
    def mark(response: Response) -> Response:
        response.headers.update(_HEADERS)
        response.headers["Content-Security-Policy"] = policy
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _is_own_name(host: str, settings: PageSettings) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    return is_loopback(name) or name in settings.hosts or name == settings.host


def _is_same_origin() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc == request.host
