"""Apache under ``infra/proxy/parley.conf``, what it stands before, and browsers that come to it."""

import contextlib
import json
import os
import shutil
import socket
import ssl
import tempfile
from collections.abc import Iterator
from http.cookiejar import Cookie
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.e2e.listening import listening, make_certificate
from tests.e2e.needed import missing
from tests.e2e.oidc import CLIENT, SECRET, Provider, serve
from tests.e2e.servers import ROOT, free_port, process, wait_for

DOMAIN = "parley.test"
PAGES = ("review", "prefect", "mlflow")
MODULE = Path("/usr/lib/apache2/modules/mod_auth_openidc.so")
# What browsers say of an address that a person opens, and of what a page's own script asks for.
OPENING = {
    "Accept": "text/html,*/*;q=0.8",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}
ASKING = {"Accept": "application/json", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}


class Echo:
    """A page behind the proxy that tells what it was asked.

    Attributes:
        seen: Method, address and headers of each request, headers as they came.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, list[tuple[str, str]]]] = []

    def names(self, request: int = -1) -> list[str]:
        """Return whom a request named."""
        _, _, headers = self.seen[request]
        return [value for name, value in headers if name.lower() == "x-forwarded-user"]

    def listening(self):
        """Serve it for the length of a block."""
        echo = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                return

            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                echo.seen.append((self.command, self.path, list(self.headers.items())))
                body = json.dumps({"path": self.path}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

        return listening(Handler)


class Browser:
    """Somebody's browser: cookies by host, certificates checked, no redirect followed unseen."""

    def __init__(self, proxy: "Proxy") -> None:
        self._client = httpx.Client(transport=_Resolved(proxy), timeout=30)

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def jar(self, page: str) -> list[Cookie]:
        """Return the cookies that a page set."""
        return [one for one in self._client.cookies.jar if one.domain == f"{page}.{DOMAIN}"]

    def open(self, page: str, path: str = "/", headers=(), **kept) -> httpx.Response:
        """Open an address of a page; headers may come twice, or in place of the browser's own."""
        return self.ask(f"https://{page}.{DOMAIN}{path}", [*OPENING.items(), *headers], **kept)

    def ask(self, url: str, headers=(), method: str = "GET", **kept) -> httpx.Response:
        """Send one request and return what came back, be it a redirect."""
        return self._client.request(method, url, headers=list(headers), **kept)

    def sign_in(self, page: str, name: str, path: str = "/", headers=()) -> httpx.Response:
        """Open a page, sign in at the provider, and follow back to what the page answers.

        The headers go with each request to the page.
        """
        form = self.open(page, path, headers)
        assert form.status_code == 302, form.text
        back = self.ask(form.headers["Location"], method="POST", data={"user": name})
        assert back.status_code == 303, back.text
        both = [*OPENING.items(), *headers]
        landed = self.ask(back.headers["Location"], both)
        if landed.status_code != 302:
            return landed  # the proxy takes this person for nobody
        assert landed.headers["Location"] == f"https://{page}.{DOMAIN}{path}"
        return self.ask(landed.headers["Location"], both)


class Proxy:
    """The proxy, up.

    Attributes:
        port: Where it listens.
        certificate: Whom it says it is.
        provider: Where people sign in.
    """

    def __init__(self, port: int, certificate: Path, provider: Provider, log: Path) -> None:
        self.port, self.certificate, self.provider, self._log = port, certificate, provider, log

    def told(self) -> str:
        """Return what it wrote, requests and errors."""
        return self._log.read_text()

    def is_up(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def need_proxy() -> None:
    """Skip the test where Apache or its module is not installed, or fail it where it must be."""
    if shutil.which("apache2") is None or not MODULE.exists():
        debian = "Debian: apt-get install apache2-bin libapache2-mod-auth-openidc"
        missing("PROXY", f"no Apache with OpenID Connect ({debian})")


@contextlib.contextmanager
def proxy(people: dict[str, dict[str, object]], behind: dict[str, int]) -> Iterator[Proxy]:
    """Start the proxy before the ports of the three pages, and the provider of these people."""
    need_proxy()
    folder = Path(tempfile.mkdtemp(prefix="parley-proxy-"))
    try:
        certificate, key = make_certificate(folder, ("localhost", f"*.{DOMAIN}", DOMAIN))
        callbacks = tuple(f"https://{page}.{DOMAIN}/oidc/callback" for page in PAGES)
        provider = Provider(people, callbacks)
        with serve(provider, certificate, key) as port:
            provider.issuer = f"https://localhost:{port}"
            with _apache(folder, provider, behind) as made:
                yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _apache(folder: Path, provider: Provider, behind: dict[str, int]) -> Iterator[Proxy]:
    port = free_port()
    settings, log = folder / "parley.conf", folder / "apache.log"
    settings.write_text(_moved((ROOT / "infra/proxy/parley.conf").read_text(), folder, port))
    log.touch()
    # Not root, as in its container; another user cannot look into root's folders.
    as_user: tuple[str, ...] = ()
    if os.geteuid() == 0:
        as_user = ("setpriv", "--reuid=www-data", "--regid=www-data", "--init-groups")
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "www-data", "www-data")
    env = {
        "PATH": os.environ["PATH"],
        "PARLEY_DOMAIN": DOMAIN,
        "PARLEY_OIDC_ISSUER": provider.issuer,
        "PARLEY_OIDC_CLIENT_ID": CLIENT,
        "PARLEY_OIDC_CLIENT_SECRET": SECRET,
        "PARLEY_OIDC_COOKIE_SECRET": "cookie-secret-of-the-tests",
        "PARLEY_OIDC_CLAIM": "preferred_username",
        "PARLEY_TLS": str(folder),
        **{
            variable: f"127.0.0.1:{behind[page]}"
            for variable, page in zip(
                ("PARLEY_PAGE", "PARLEY_PREFECT", "PARLEY_MLFLOW"), PAGES, strict=True
            )
        },
    }
    # The provider's certificate is checked as in use; only who vouches for it is the test's own.
    trusted = ("-c", f"OIDCCABundlePath {folder / 'tls.crt'}")
    command = (*as_user, "apache2", "-D", "FOREGROUND", "-f", str(settings), *trusted)
    made = Proxy(port, folder / "tls.crt", provider, log)
    with process(command, env, log) as started:

        def is_up() -> bool:
            assert started.poll() is None, made.told()
            return made.is_up()

        wait_for(is_up, 60, "Apache")
        yield made


def _moved(text: str, folder: Path, port: int) -> str:
    """Return the configuration for another port and folder, everything else as it is."""
    for theirs, ours in (
        ("ServerRoot /tmp\n", f"ServerRoot {folder}\n"),
        ("Mutex file:/tmp default\n", f"Mutex file:{folder} default\n"),
        ("Listen 8443\n", f"Listen 127.0.0.1:{port}\n"),
        ("<VirtualHost *:8443>\n", f"<VirtualHost *:{port}>\n"),
    ):
        assert theirs in text, theirs
        text = text.replace(theirs, ours)
    assert "8443" not in text
    return text


class _Resolved(httpx.BaseTransport):
    """Leads every name of the domain to the proxy, as DNS does, and any other to itself."""

    def __init__(self, proxy: Proxy) -> None:
        self._port = proxy.port
        trust = ssl.create_default_context(cafile=str(proxy.certificate))
        self._transport = httpx.HTTPTransport(verify=trust)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        name = urlsplit(str(request.url)).hostname or ""
        if name != DOMAIN and not name.endswith(f".{DOMAIN}"):
            return self._transport.handle_request(request)
        there = request.url.copy_with(host="127.0.0.1", port=self._port)
        return self._transport.handle_request(
            httpx.Request(
                request.method,
                there,
                headers=request.headers,  # with the Host of the name
                stream=request.stream,
                extensions={"sni_hostname": name, **request.extensions},
            )
        )

    def close(self) -> None:
        self._transport.close()
