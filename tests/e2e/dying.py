"""One process of an office whose processes are killed all the time: ``python -m tests.e2e.dying``.

    dying.py ROLE STORE FOLDER

Roles: ``publisher`` puts requests up, ``watcher`` judges and decides, ``promoter`` says what became
of approvals, a reviewer's name hands in that one's answers. FOLDER holds the reviewers' keys, a
ledger for each of what they were told is handed in, and how many requests there shall be.
"""

import contextlib
import hashlib
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from feedback.audit import AuditLog
from feedback.bundle import ModelVersion
from feedback.document import parse_document
from feedback.entering import enter_decisions
from feedback.errors import AuditError, ClosedRequestError, ParleyError, StoreError
from feedback.inbox import submit
from feedback.layout import request_of
from feedback.policy import Policy
from feedback.publishing import load_bundle, publish
from feedback.recording import load_decision, record_transition
from feedback.signing import load_key, sign_document
from feedback.states import ReviewState
from feedback.store import ObjectStore, open_store
from feedback.upload import SignedDocument
from feedback.watching import watch_once
from tests.review_request import BASES, FILES, make_bundle

POLICY = Policy.model_validate(
    {"name": "two", "roles": {"reviewer": {"approvals": 2, "signatures": ["own"]}}}
)
REVIEWERS = ("ada", "bob", "cyd")
PAUSE = 0.05


def bundle_of(number: int):
    """Return the n-th request of the office."""
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return make_bundle(author="grace", model=ModelVersion(name="resnet18", digest=digest))


def verdict_of(request_id: str, name: str) -> str:
    """Return what a reviewer thinks of a request; it is the same whenever they are asked."""
    dice = hashlib.sha256(f"{request_id} {name}".encode()).digest()[0]
    return "reject" if dice < 40 else "approve"


def publish_all(store: ObjectStore, folder: Path) -> None:
    wanted = int((folder / "wanted").read_text())
    for number in range(wanted):
        publish(store, bundle_of(number), FILES)
    (folder / "published").touch()


def hand_in(store: ObjectStore, folder: Path, name: str) -> None:
    """Answer every request once, twice when killed between the upload and the ledger."""
    ledger = folder / f"{name}.ledger"
    done = {line.split()[0] for line in ledger.read_text().splitlines()} if ledger.exists() else ()
    key = load_key(folder / f"{name}.key")
    for info in store.list("reviews/"):
        request_id = request_of(info.key)
        if not info.key.endswith("/manifest.json") or request_id in done:
            continue
        bundle, verdict = load_bundle(store, request_id), verdict_of(request_id, name)
        now, nonce = datetime.now(UTC), f"n-{os.urandom(8).hex()}"
        edit = {
            "type": "graph_edit", "version": 1, "class_name": "carrier",
            "base_cscg": BASES["carrier"],
            "ops": [{"op": "remove_edge", "src": 0, "dst": 1, "reason": "why not"}],
        }  # fmt: skip
        document = parse_document(
            json.dumps(
                {
                    "schema_version": 1, "request_id": request_id, "bundle_sha256": bundle.digest,
                    "channel": "concept_graph", "reviewer": name, "nonce": nonce,
                    "verdict": verdict, "responses": [edit] if verdict == "approve" else [],
                    "created_at": now.isoformat(),
                }
            ).encode()
        )  # fmt: skip
        signed = SignedDocument(
            document=document, signature=sign_document(document, key, signed_at=now)
        )
        with contextlib.suppress(ClosedRequestError):
            submit(store, request_id, name, nonce, signed.to_json())
            note(ledger, f"{request_id} {nonce}")
            continue
        note(ledger, f"{request_id} closed")


def note(ledger: Path, line: str) -> None:
    with ledger.open("a") as out:
        out.write(line + "\n")
        out.flush()
        os.fsync(out.fileno())


def promote(store: ObjectStore) -> None:
    """Record as a run does that an approval was carried out."""
    now, log = datetime.now(UTC), AuditLog(store)
    log.refresh()
    for request_id in {request_of(info.key) for info in store.list("decisions/")}:
        decision = load_decision(store, request_id, policies=[POLICY])
        if decision is not None and decision.state is ReviewState.APPROVED:
            record_transition(store, request_id, ReviewState.PROMOTED, reason="v", now=now)
            enter_decisions(store, log, request_id, now)
        elif decision is not None and decision.state is ReviewState.PROMOTED:
            # One that died in between has promoted and not entered it.
            enter_decisions(store, log, request_id, now)


def main(role: str, url: str, folder: Path) -> None:
    store, log = open_store(url, probe=False), None
    while True:
        try:
            match role:
                case "publisher":
                    publish_all(store, folder)
                case "watcher":
                    log = log or AuditLog(store)
                    watch_once(store, POLICY, datetime.now(UTC), log=log)
                case "promoter":
                    promote(store)
                case _:
                    hand_in(store, folder, role)
        except (StoreError, AuditError) as error:
            log = None
            print(f"{role}: {error}", flush=True)
        except ParleyError as error:
            # Nothing else may happen to an office that is only killed.
            print(f"UNEXPECTED {role}: {type(error).__name__} {error}", flush=True)
        time.sleep(PAUSE)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
