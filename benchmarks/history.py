"""What a step of the watcher and a look at the inbox ask of the store, by the number of reviews.

    python -m benchmarks.history

Counts calls, not seconds: a service bills and answers them one by one, and they do not depend on
the machine. A listing counts once per 1,000 keys, as S3 answers it. ``--s3`` asks a test double of
S3 (moto) and counts what goes over its connection, which must be the same.
"""

import argparse
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.counting import CountingStore
from benchmarks.report import write_result
from feedback.audit import AuditLog
from feedback.bundle import DatasetVersion, ModelVersion, ReviewBundle, build_bundle
from feedback.canonical import sha256_hex
from feedback.channels.concept_graph import (
    ClassEvidence,
    ConceptCard,
    EdgeEvidence,
    GraphEvidence,
    pack_evidence,
)
from feedback.document import FeedbackDocument
from feedback.exchange import list_requests
from feedback.inbox import submit
from feedback.kept import Kept
from feedback.layout import file_key
from feedback.objects import ObjectStore
from feedback.policy import single_policy
from feedback.publishing import publish
from feedback.states import ReviewState
from feedback.store import LocalStore
from feedback.watching import watch_once
from review.catalogue import Catalogue
from review.desk import Desk
from review.inbox import read_inbox

CLASSES = ("carrier", "tank")
N_PICTURES = 5


def make_request(number: int, now: datetime) -> ReviewBundle:
    """Make a small request, another one for every number."""
    evidence = GraphEvidence(
        agreement=0.9,
        l1=0.1,
        classes=tuple(
            ClassEvidence(
                class_name=name,
                base_cscg=sha256_hex(name.encode()),
                slots=(f"{name}/k0", f"{name}/k1"),
                edges=(
                    EdgeEvidence(src=0, dst=1, contribution=0.1),
                    EdgeEvidence(src=1, dst=0, contribution=0.1),
                ),
                candidates=tuple(_card(name, k) for k in range(2)),
            )
            for name in CLASSES
        ),
    )
    shown, items = pack_evidence(evidence, {})
    return build_bundle(
        channel="concept_graph",
        model=ModelVersion(name="benchmark", digest="d" * 64),
        dataset=DatasetVersion(md5="0" * 32 + ".dir", classes=CLASSES),
        items=items,
        evidence=shown,
        created_at=now,
        deadline=now + timedelta(days=2),
        notes=f"number {number}",
    )


def fill(store: ObjectStore, closed: int, now: datetime) -> None:
    """Publish, answer and decide requests, and let one more of them be open."""
    for number in range(closed):
        _publish(store, number, now, answered=True)
    log, kept = AuditLog(store), Kept(store, most=closed + 1)
    watch_once(store, single_policy(), now, log=log, kept=kept)
    _publish(store, closed, now, answered=False)
    watch_once(store, single_policy(), now, log=log, kept=kept)


def measure(store: ObjectStore, now: datetime) -> dict[str, dict[str, int]]:
    """Count what the first and a later step, and the first and a later look, ask of a store."""
    counted = CountingStore(store)
    log, kept = AuditLog(counted), Kept(counted)
    catalogue = Catalogue(Desk(counted, single_policy()))

    def step() -> object:
        return watch_once(counted, single_policy(), now, log=log, kept=kept)

    def look() -> object:
        return read_inbox(catalogue, "ada", now)

    def listed() -> object:
        return list_requests(counted, ReviewState.OPEN)

    return {
        name: _count(counted, act)
        for name, act in (
            ("first step of a watcher", step),
            ("a later step", step),
            ("first look at the inbox", look),
            ("a later look", look),
            ("parley review list", listed),
        )
    }


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--closed", type=int, nargs="+", default=[20, 2000])
    parser.add_argument("--s3", action="store_true", help="a test double of S3 too")
    parser.add_argument("--name", default="history", help="name of the result's file")
    asked = parser.parse_args()
    found: dict[str, Any] = {}
    now = datetime.now(UTC)
    for closed in asked.closed:
        with tempfile.TemporaryDirectory() as folder:
            fill(LocalStore(Path(folder)), closed, now)
            found[f"local, {closed} closed"] = measure(LocalStore(Path(folder)), now)
            if asked.s3:
                found[f"S3, {closed} closed"] = _on_s3(Path(folder), now)
    write_result(asked.name, {"calls": found, "settings": vars(asked), "table": _table(found)})


def _publish(store: ObjectStore, number: int, now: datetime, *, answered: bool) -> None:
    bundle = publish(store, make_request(number, now), {})
    for picture in range(N_PICTURES):
        # Not named in the manifest: they stand for the keys that a listing would pass.
        store.put(file_key(bundle.request_id, f"crops/{picture:03d}.png"), b"")
    if answered:
        document = FeedbackDocument(
            request_id=bundle.request_id, bundle_sha256=bundle.digest, channel=bundle.channel,
            reviewer="bob", nonce=f"nonce-{number:06d}", verdict="approve", created_at=now,
        )  # fmt: skip
        submit(store, bundle.request_id, "bob", document.nonce, document.to_json())


def _card(class_name: str, number: int) -> ConceptCard:
    return ConceptCard(
        concept_id=f"{class_name}/k{number}", class_name=class_name, tcav_score=0.8, tcav_low=0.7,
        tcav_high=0.9, tcav_magnitude=1.5, p_value=0.01, significant=True, detection_rate=0.5,
        background_share=0.1, n_images=20, popular=True, uniqueness=1.4,
    )  # fmt: skip


def _count(store: CountingStore, act: Callable[[], object]) -> dict[str, int]:
    before, read = store.calls.copy(), store.bytes_read
    act()
    return {**(store.calls - before), "bytes read": store.bytes_read - read}


def _on_s3(folder: Path, now: datetime) -> dict[str, dict[str, int]]:
    """Copy a folder's objects to a test double of S3, and count there, on the connection too."""
    import logging
    import os

    from feedback.s3 import S3Store
    from tests.s3_double import owner_client, s3_server

    os.environ |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with s3_server() as endpoint, owner_client(endpoint) as client:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            key = path.relative_to(folder).as_posix()
            client.put_object(Bucket="parley", Key=key, Body=path.read_bytes())
        store, sent = S3Store("parley", endpoint=endpoint), []
        store._client.meta.events.register("before-send.s3", lambda **_: sent.append(1))
        calls = measure(store, now)
        counted = sum(n for kinds in calls.values() for kind, n in kinds.items() if kind.isupper())
        calls["on the connection"] = {"sent": len(sent), "counted": counted}
    return calls


def _table(found: dict[str, Any]) -> dict[str, Any]:
    kinds = ("GET", "LIST", "PUT")
    rows = [
        [where, act, *(str(calls.get(kind, 0)) for kind in kinds), f"{calls['bytes read']:,}"]
        for where, acts in found.items()
        for act, calls in acts.items()
        if "bytes read" in calls
    ]
    return {"header": ["store", "act", *kinds, "bytes read"], "rows": rows}


if __name__ == "__main__":
    main()
