"""People who answer every request: by an upload of their own, or over the page's own messages."""

import hashlib
import logging
import secrets
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import httpx

from feedback.bundle import ReviewBundle
from feedback.document import FeedbackDocument
from feedback.errors import ClosedRequestError, FeedbackError, ParleyError
from feedback.exchange import ReviewState, list_requests, load_bundle
from feedback.fields import JsonObject
from feedback.inbox import submit
from feedback.layout import upload_key
from feedback.objects import ObjectStore
from feedback.signing import SigningKey, sign_document
from feedback.upload import SignedDocument

logger = logging.getLogger(__name__)


def verdict_of(request_id: str, name: str) -> str:
    """Return what a person thinks of a request; it is the same whenever they are asked."""
    dice = hashlib.sha256(f"{request_id} {name}".encode()).digest()[0]
    return "reject" if dice < 32 else "approve"


class Person(threading.Thread, ABC):
    """Somebody who looks what is open and answers it once, and tries again until it is taken.

    Attributes:
        taken: Request and key of every answer that this person was told is handed in.
    """

    def __init__(self, name: str, reader: ObjectStore) -> None:
        super().__init__(name=name, daemon=True)
        self._reader, self._leaves = reader, threading.Event()
        self._done: set[str] = set()
        self.taken: list[tuple[str, str]] = []

    def run(self) -> None:
        while not self._leaves.wait(1.0):
            try:
                for request in list_requests(self._reader, ReviewState.OPEN):
                    if request.request_id not in self._done:
                        self._answer(load_bundle(self._reader, request.request_id))
            except (ParleyError, httpx.HTTPError) as error:
                # What they use is killed all the time; the next look tries again.
                logger.info("%s: %s", self.name, error)

    def leave(self) -> None:
        self._leaves.set()
        self.join(60)

    def _answer(self, bundle: ReviewBundle) -> None:
        try:
            key = self.hand_in(bundle, verdict_of(bundle.request_id, self.name))
        except FeedbackError as error:
            # Closed meanwhile: there is nothing left to say.
            logger.info("%s: %s", self.name, error)
        else:
            self.taken.append((bundle.request_id, key))
        self._done.add(bundle.request_id)

    @abstractmethod
    def hand_in(self, bundle: ReviewBundle, verdict: str) -> str:
        """Hand an answer in and return its key."""


class Uploader(Person):
    """Signs with a key of their own and writes to the store with rights to their inbox alone."""

    def __init__(
        self,
        name: str,
        reader: ObjectStore,
        writer: ObjectStore,
        key: SigningKey,
        edits_of: Callable[[ReviewBundle], Sequence[JsonObject]] = lambda bundle: (),
    ) -> None:
        super().__init__(name, reader)
        self._writer, self._key, self._edits_of = writer, key, edits_of

    def hand_in(self, bundle: ReviewBundle, verdict: str) -> str:
        now = datetime.now(UTC)
        # An attempt may have arrived although nobody said so: the next one is another answer.
        nonce = f"n-{secrets.token_hex(8)}"
        document = FeedbackDocument(
            request_id=bundle.request_id, bundle_sha256=bundle.digest, channel=bundle.channel,
            reviewer=self.name, nonce=nonce, verdict=verdict,
            comment="no" if verdict == "reject" else "", created_at=now,
            responses=() if verdict == "reject" else self._edits_of(bundle),
        )  # fmt: skip
        signature = sign_document(document, self._key, signed_at=now)
        data = SignedDocument(document=document, signature=signature).to_json()
        return submit(self._writer, bundle.request_id, self.name, nonce, data)


class Visitor(Person):
    """Sends to the page what the browser of somebody sends who opens a request and answers."""

    def __init__(self, name: str, reader: ObjectStore, page_url: str, header: str) -> None:
        super().__init__(name, reader)
        headers = {header: name, "Sec-Fetch-Site": "same-origin"}
        self._page = httpx.Client(base_url=page_url, headers=headers, timeout=30)

    def hand_in(self, bundle: ReviewBundle, verdict: str) -> str:
        done = [
            {"kind": "comment", "text": "as seen"},
            {"kind": "verdict", "verdict": verdict},
            {"kind": "send"},
        ]
        draft = {"role": "draft", "digest": bundle.digest}
        asked = [
            [{"id": draft, "property": "data"}],
            {"id": "view", "property": "data"},
            {"id": "screen", "property": "data"},
            [],
        ]
        told = self._page.post(
            "/_dash-update-component",
            json={
                "output": self._output(),
                "outputs": asked,
                "inputs": [
                    {"id": "action", "property": "data", "value": {"do": done, "n": 1, "drawn": {}}}
                ],
                "changedPropIds": ["action.data"],
                "state": [
                    [{"id": draft, "property": "data", "value": None}],
                    {"id": "view", "property": "data", "value": None},
                    {"id": "opened", "property": "data", "value": None},
                    {"id": "address", "property": "pathname",
                     "value": f"/requests/{bundle.request_id}"},
                ],
            },
        ).raise_for_status()  # fmt: skip
        sent = told.json()["response"].get("view", {}).get("data", {}).get("sent")
        if sent is None:
            raise ClosedRequestError(
                f"expected the page to take an answer (got {told.text[-500:]})"
            )
        return upload_key(bundle.request_id, self.name, sent)

    def _output(self) -> str:
        known = self._page.get("/_dash-dependencies").raise_for_status().json()
        return next(
            str(one["output"]) for one in known
            if [given["id"] for given in one["inputs"]] == ["action"]
        )  # fmt: skip
