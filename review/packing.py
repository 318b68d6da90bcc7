"""Answers of the page's server packed with gzip: over a slow link the page's scripts come first."""

import gzip
from functools import lru_cache

from flask import Flask, Response, request

_SMALL = 1024
"""Bytes; what is smaller fits into a packet or two anyhow."""
_TEXTS = frozenset(
    {
        "application/javascript",
        "application/json",
        "image/svg+xml",
        "text/css",
        "text/html",
        "text/javascript",
    }
)


def pack_answers(server: Flask) -> None:
    """Pack what is text and large, for browsers that take it packed.

    Args:
        server: The page's server.
    """

    @server.after_request
    def pack(response: Response) -> Response:
        if response.mimetype not in _TEXTS or response.status_code != 200:
            return response
        response.vary.add("Accept-Encoding")
        takes = request.accept_encodings["gzip"] > 0 and "Content-Encoding" not in response.headers
        if not takes or request.method not in ("GET", "POST"):
            return response
        # A file of the disk is sent past Python unless it is asked for its bytes.
        response.direct_passthrough = False
        data = response.get_data()
        if len(data) < _SMALL:
            return response
        # Scripts and styles are the same for everybody; an answer is packed once, and fast.
        response.set_data(_packed(data) if request.method == "GET" else gzip.compress(data, 1))
        response.headers["Content-Encoding"] = "gzip"
        etag, _ = response.get_etag()
        if etag:
            # Other bytes than those that the tag was made for, which mean the same.
            response.set_etag(etag, weak=True)
        return response


@lru_cache(maxsize=64)
def _packed(data: bytes) -> bytes:
    return gzip.compress(data, 6, mtime=0)
