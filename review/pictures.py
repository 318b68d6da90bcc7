"""Pictures of a bundle over HTTP, named by their digest and never by a path."""

import re
from http import HTTPStatus

from flask import Blueprint, Response, abort, request

from feedback.errors import ParleyError
from feedback.publishing import load_file
from review.desk import Desk
from review.shown import AnyShown

MAX_PICTURE_BYTES = 16 * 2**20
"""Largest picture that is handed to a browser."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_REQUEST = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,79}")
# What the bytes are decides, not what the file is called. SVG is left out: it can hold scripts.
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"RIFF", "image/webp"),
)


def picture_url(shown: AnyShown, name: str) -> str:
    """Return where the page serves a file of a bundle; empty when the bundle has none."""
    digest = shown.bundle.files.get(name)
    return f"/pictures/{shown.bundle.request_id}/{digest}" if digest else ""


def picture_routes(desk: Desk) -> Blueprint:
    """Make the route that serves pictures.

    Args:
        desk: Where requests are read.

    Returns:
        Routes to register with the server.
    """
    routes = Blueprint("pictures", __name__)

    @routes.get("/pictures/<request_id>/<digest>")
    def picture(request_id: str, digest: str) -> Response:
        if not _REQUEST.fullmatch(request_id) or not _DIGEST.fullmatch(digest):
            abort(HTTPStatus.NOT_FOUND)
        if request.if_none_match.contains(digest):
            return _kept(Response(status=HTTPStatus.NOT_MODIFIED), digest)
        try:
            shown = desk.open(request_id)
            data = load_file(desk.store, shown.bundle, shown.names[digest])
        except (KeyError, ParleyError):
            abort(HTTPStatus.NOT_FOUND)
        kind = content_type(data)
        if kind is None or len(data) > MAX_PICTURE_BYTES:
            abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        return _kept(Response(data, content_type=kind), digest)

    return routes


def content_type(data: bytes) -> str | None:
    """Tell what kind of picture bytes are; None for anything else."""
    kinds = [kind for start, kind in _SIGNATURES if data.startswith(start)]
    if kinds == ["image/webp"] and data[8:12] != b"WEBP":
        return None
    return kinds[0] if kinds else None


def _kept(response: Response, digest: str) -> Response:
    # The name is the content's digest, so it never changes; private, since requests are not public.
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    response.set_etag(digest)
    return response
