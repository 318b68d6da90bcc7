"""What comes over the link is small, and the same once it is unpacked."""

import gzip

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from review.packing import pack_answers

TEXT = b"the same words again and again; " * 200


@pytest.fixture
def client() -> FlaskClient:
    server = Flask(__name__)
    pack_answers(server)

    @server.route("/<kind>/<int:length>", methods=["GET", "POST"])
    def answer(kind: str, length: int) -> Response:
        response = Response(TEXT[:length], content_type=kind.replace("-", "/", 1))
        response.set_etag("abc")
        return response

    return server.test_client()


PACKED = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_text_is_packed_for_who_takes_it(client: FlaskClient, method: str) -> None:
    answer = client.open("/application-json/6000", method=method, headers=PACKED)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.data) == TEXT[:6000]
    assert int(answer.headers["Content-Length"]) == len(answer.data) < 600
    assert answer.headers["ETag"] == 'W/"abc"'
    assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.parametrize("takes", ["", "br", "gzip;q=0, br", "identity"])
def test_who_does_not_take_it_gets_it_plain(client: FlaskClient, takes: str) -> None:
    answer = client.get("/text-css/6000", headers={"Accept-Encoding": takes})
    assert "Content-Encoding" not in answer.headers
    assert answer.data == TEXT[:6000]


@pytest.mark.parametrize("path", ["/image-png/6000", "/text-css/900"])
def test_pictures_and_what_is_small_stay_as_they_are(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers=PACKED)
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["ETag"] == '"abc"'


def test_scripts_styles_and_the_page_itself_come_packed(store, settings) -> None:
    from review.app import create_app

    with create_app(store, settings).server.test_client() as client:
        page = client.get("/", headers=PACKED)
        html = gzip.decompress(page.data).decode()
        assert "Parley" in html
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        paths = [part.split('"')[0] for part in html.split('src="')[1:] + html.split('href="')[1:]]
        sizes = {}
        for path in paths:
            plain = client.get(path, buffered=True)
            packed = client.get(path, headers=PACKED, buffered=True)
            if packed.headers.get("Content-Encoding") == "gzip":
                assert gzip.decompress(packed.data) == plain.data
                assert packed.headers["Cache-Control"] == plain.headers["Cache-Control"]
            sizes[path] = (len(plain.data), len(packed.data))
    assert sum(plain for plain, _ in sizes.values()) > 1_000_000
    assert sum(packed for _, packed in sizes.values()) < 700_000
