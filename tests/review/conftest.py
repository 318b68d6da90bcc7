"""A published request with real pictures, a page over it, and a client of its server."""

import json
import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from dash.development.base_component import Component
from flask.testing import FlaskClient
from plotly.utils import PlotlyJSONEncoder

from feedback.bundle import BaseVersion, ReviewBundle
from feedback.channels.concept_graph import (
    AddEdge,
    CarriedEdit,
    GraphOp,
    LostEdit,
    RemoveEdge,
    ReplaceConcept,
    pack_evidence,
)
from feedback.publishing import publish
from feedback.since import ComparedAccuracy, Difference, SinceChampion
from review.actions import Action, read_action
from review.app import create_app
from review.desk import Desk
from review.draft import Draft, ItemDraft
from review.editing import apply
from review.pieces import Keyed, Ready
from review.settings import PageSettings
from review.shown import AnyShown
from tests.feedback.memory import MemoryStore
from tests.review_request import make_bundle, make_evidence


def text_of(part: object) -> str:
    """Return what a part of the page shows as JSON."""
    content = part.make() if isinstance(part, Keyed) else part
    if isinstance(content, list):
        content = [one.described if isinstance(one, Ready) else one for one in content]
    return json.dumps(content, cls=PlotlyJSONEncoder, ensure_ascii=False)


def find(part: object, kind: str) -> Iterator[Component]:
    """Yield the elements of a kind in a part of the page, in the order of reading."""
    if isinstance(part, list | tuple):
        for child in part:
            yield from find(child, kind)
    elif isinstance(part, Component):
        if type(part).__name__ == kind:
            yield part
        yield from find(getattr(part, "children", None), kind)


def words(part: object) -> str:
    """Return the text of a part of the page, without its markup."""
    if isinstance(part, list | tuple):
        return " ".join(filter(None, map(words, part)))
    return (
        words(getattr(part, "children", None)) if isinstance(part, Component) else str(part or "")
    )


def make_png(shade: int, side: int = 8) -> bytes:
    """Return a grey square as PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(b"\0" + bytes([shade]) * side for _ in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


FILES = {
    "concepts/a_k0.png": make_png(90),
    "graph.png": make_png(160),
    "page.html": b"<script>alert(1)</script>",
}


def publish_request(
    store: MemoryStore,
    *,
    base: BaseVersion | None = None,
    since: SinceChampion | None = None,
    **changes: object,
) -> ReviewBundle:
    now = datetime.now(UTC)
    values = {"files": FILES, "created_at": now, "deadline": now + timedelta(days=2)}
    bundle = make_bundle(**{**values, **changes})
    return publish(store, bundle.model_copy(update={"base": base, "since": since}), FILES)


CHAMPION = BaseVersion(name="parley", version="3", digest="e" * 64)
SINCE = SinceChampion(
    dataset_md5="1" * 32 + ".dir",
    accuracies=(
        ComparedAccuracy(name="classes under review", is_group=True, champion=0.75, shown=0.5),
        ComparedAccuracy(name="all classes", is_group=True, shown=0.75),
        ComparedAccuracy(name="carrier", champion=0.9, shown=0.95),
    ),
    differences=(
        Difference(
            target="carrier", part="slot 1", champion="carrier/k03", shown="carrier/k00",
            reason="the sea is no part of a ship",
        ),
        Difference(
            target="carrier", part="edge carrier/k03 → carrier/k01", champion="cut",
            shown="not in the graph",
        ),
        Difference(
            target="tank", part="slot 2", champion="tank/k09 (mined anew)", shown="tank/k01",
        ),
    ),
)  # fmt: skip


OPS: tuple[GraphOp, ...] = (
    ReplaceConcept(slot=0, from_="carrier/k00", to="carrier/k03", reason="all <sea>"),
    RemoveEdge(src=1, dst=0, reason="chance"),
    AddEdge(src=1, dst=2, bidirectional=True),
)
"""What an earlier review said of carriers, in the concepts of now."""


def carried(op: GraphOp) -> CarriedEdit:
    return CarriedEdit(
        op=op,
        was="old/k1 replaced by old/k2",
        request_id="concept_graph-old",
        decided_at=datetime.now(UTC),
        similarity=0.87,
    )


def publish_proposals(store: MemoryStore) -> ReviewBundle:
    """Publish a request that proposes ``OPS`` again, and has lost one more edit."""
    was, why = "edge old/a → old/b removed", "no concept is like old/a"
    lost = LostEdit(was=was, why=why, request_id="concept_graph-old")
    given = make_evidence()
    first = given.classes[0].model_copy(
        update={"carried": tuple(map(carried, OPS)), "lost": (lost,)}
    )
    told = given.model_copy(update={"classes": (first, *given.classes[1:])})
    evidence, items = pack_evidence(told, {})
    return publish_request(store, evidence=evidence, items=items)


def read(shown: AnyShown, message: object) -> Action:
    return read_action(message, shown.panel.LOOK, shown.panel.ACTIONS)


def edited(shown: AnyShown, *messages: object, draft: Draft[ItemDraft] | None = None) -> Draft:
    """Return a draft, an empty one if none is given, after messages of the browser."""
    draft = shown.empty_draft() if draft is None else draft
    for message in messages:
        draft = apply(draft, read(shown, message), shown)  # type: ignore[arg-type]
    return draft


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def request_bundle(store: MemoryStore) -> ReviewBundle:
    return publish_request(store)


@pytest.fixture
def settings() -> PageSettings:
    return PageSettings(reviewer="ada")


@pytest.fixture
def desk(store: MemoryStore, settings: PageSettings) -> Desk:
    return Desk(store, settings.policy)


@pytest.fixture
def shown(desk: Desk, request_bundle: ReviewBundle) -> AnyShown:
    return desk.open(request_bundle.request_id)


@pytest.fixture
def client(store: MemoryStore, settings: PageSettings) -> Iterator[FlaskClient]:
    with create_app(store, settings).server.test_client() as client:
        yield client
