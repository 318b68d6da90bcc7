"""A provider of OpenID Connect on loopback: people, their claims, and ID tokens signed with RS256.

It takes what the protocol asks of a client and no less: a known address to come back to, a code
that is good once, the client's secret, and the verifier of PKCE.
"""

import base64
import hashlib
import json
import secrets
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from tests.e2e.listening import listening

CLIENT, SECRET = "parley", "client-secret"


class Provider:
    """People who can sign in, and what a client may ask about them.

    Attributes:
        issuer: Address of the provider.
        people: Claims of each, by the name that they sign in with.
        callbacks: Addresses to which the client may let people come back.
        codes: Every code that was given out, with what it stands for; None once it was used.
    """

    def __init__(self, people: dict[str, dict[str, object]], callbacks: tuple[str, ...]) -> None:
        self.issuer = ""
        self.people, self.callbacks = people, callbacks
        self.codes: dict[str, dict[str, str] | None] = {}
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def metadata(self) -> dict[str, object]:
        """Tell a client where everything is."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
        }

    def jwks(self) -> dict[str, object]:
        """Return the public key of the tokens."""
        numbers = self._key.public_key().public_numbers()
        parts = {
            name: _encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))
            for name, number in (("n", numbers.n), ("e", numbers.e))
        }
        return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1", **parts}]}

    def sign_in(self, asked: dict[str, str], name: str) -> str | None:
        """Return where somebody goes who signed in; None when the client's request is wrong."""
        is_fit = (
            name in self.people
            and asked.get("client_id") == CLIENT
            and asked.get("response_type") == "code"
            and asked.get("redirect_uri") in self.callbacks
            and asked.get("code_challenge_method") == "S256"
            and "openid" in asked.get("scope", "").split()
        )
        if not is_fit:
            return None
        code = secrets.token_urlsafe(24)
        self.codes[code] = {**asked, "name": name}
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def exchange(self, given: dict[str, str], authorization: str) -> dict[str, object] | None:
        """Return the tokens for a code; None when client, code or verifier is wrong."""
        asked = self.codes.get(given.get("code", ""))
        known = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if asked is None or authorization != known:
            return None
        self.codes[given["code"]] = None
        challenge = _encode(hashlib.sha256(given.get("code_verifier", "").encode()).digest())
        if (challenge, given.get("redirect_uri")) != (
            asked["code_challenge"],
            asked["redirect_uri"],
        ):
            return None
        claims = dict(self.people[asked["name"]])
        if "groups" not in asked["scope"].split():
            claims.pop("groups", None)
        now = int(time.time())
        token = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, **claims}
        token["nonce"] = asked["nonce"]
        return {
            "access_token": secrets.token_urlsafe(24),
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self._sign(token),
        }

    def _sign(self, claims: dict[str, object]) -> str:
        header = {"alg": "RS256", "typ": "JWT", "kid": "1"}
        text = ".".join(_encode(json.dumps(part).encode()) for part in (header, claims))
        return f"{text}.{_encode(self._key.sign(text.encode(), padding.PKCS1v15(), SHA256()))}"


def serve(provider: Provider, certificate: Path, key: Path):
    """Serve a provider on loopback under its certificate for the length of a block."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

        def do_GET(self) -> None:
            told = {
                "/.well-known/openid-configuration": provider.metadata,
                "/jwks": provider.jwks,
            }.get(urlsplit(self.path).path)
            self._tell(told() if told else None)

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            given = dict(parse_qsl(self.rfile.read(size).decode()))
            address = urlsplit(self.path)
            if address.path == "/token":
                self._tell(provider.exchange(given, self.headers.get("Authorization", "")))
            elif address.path == "/authorize":
                asked = dict(parse_qsl(address.query))
                self._lead(provider.sign_in(asked, given.get("user", "")))
            else:
                self._tell(None)

        def _lead(self, target: str | None) -> None:
            if target is None:
                self._tell(None)
                return
            self.send_response(303)
            self.send_header("Location", target)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _tell(self, document: dict[str, object] | None) -> None:
            body = json.dumps(document or {"error": "invalid_request"}).encode()
            self.send_response(200 if document else 400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return listening(Handler, certificate, key)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
