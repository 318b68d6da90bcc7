"""A small review request of the concept-graph channel, and answers to it."""

import json
from datetime import UTC, datetime

from feedback.bundle import DatasetVersion, ModelVersion, ReviewBundle, build_bundle
from feedback.channels.concept_graph import (
    ClassEvidence,
    ConceptCard,
    EdgeEvidence,
    Exemplar,
    GraphEvidence,
    pack_evidence,
)
from feedback.fields import JsonObject

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
FILES = {"concepts/a_k0.png": b"picture 0", "graph.png": b"picture 1"}
BASES = {"carrier": "a" * 64, "Flugzeugträger": "b" * 64, "tank": "c" * 64}
CUT: JsonObject = {"op": "remove_edge", "src": 0, "dst": 1}


def make_card(class_name: str, number: int, **changes: object) -> ConceptCard:
    values: dict[str, object] = {
        "concept_id": f"{class_name}/k{number:02d}",
        "class_name": class_name,
        "tcav_score": 0.8,
        "tcav_low": 0.7,
        "tcav_high": 0.9,
        "tcav_magnitude": 1.5,
        "p_value": 0.01,
        "significant": True,
        "detection_rate": 0.6,
        "background_share": 0.1,
        "n_images": 20,
        "popular": True,
        "uniqueness": 1.4,
        "exemplars": (Exemplar(image="a.png", box=(0, 0, 8, 8), file="concepts/a_k0.png"),),
    }
    return ConceptCard.model_validate({**values, **changes})


def make_class(class_name: str, cards: tuple[ConceptCard, ...]) -> ClassEvidence:
    return ClassEvidence(
        class_name=class_name,
        base_cscg=BASES[class_name],
        slots=tuple(f"{class_name}/k{slot:02d}" for slot in range(3)),
        edges=tuple(
            EdgeEvidence(src=i, dst=j, contribution=0.1)
            for i in range(3)
            for j in range(3)
            if i != j
        ),
        candidates=cards,
    )


def make_evidence() -> GraphEvidence:
    cards = {name: tuple(make_card(name, k) for k in range(4)) for name in BASES}
    cards["carrier"] += (
        make_card("carrier", 4, detection_rate=0.19),
        make_card("carrier", 5, closest_other="tank/k00", closest_other_cosine=0.951),
        make_card("carrier", 6, closest_other="tank/k03", closest_other_cosine=0.99),
        make_card("tank", 0),
    )
    return GraphEvidence(
        agreement=0.97,
        l1=0.08,
        confusion=((5, 1, 0), (0, 6, 0), (1, 0, 5)),
        classes=tuple(make_class(name, cards[name]) for name in BASES),
    )


def make_bundle(**changes: object) -> ReviewBundle:
    evidence, items = pack_evidence(make_evidence(), {"carrier": 2.0, "tank": 1.0})
    values: dict[str, object] = {
        "channel": "concept_graph",
        "model": ModelVersion(name="resnet18", digest="d" * 64),
        "dataset": DatasetVersion(md5="0" * 32 + ".dir", classes=tuple(BASES)),
        "evidence": evidence,
        "items": items,
        "files": FILES,
        "created_at": NOW,
    }
    return build_bundle(**{**values, **changes})  # type: ignore[arg-type]


def make_edit(*ops: JsonObject, class_name: str = "carrier", **changes: object) -> JsonObject:
    edit = {
        "type": "graph_edit",
        "version": 1,
        "class_name": class_name,
        # A class that was never shown comes with a graph that was.
        "base_cscg": BASES.get(class_name, BASES["carrier"]),
        "ops": list(ops),
    }
    return {**edit, **changes}  # type: ignore[dict-item]


def make_answer(bundle: ReviewBundle, **changes: object) -> bytes:
    document = {
        "schema_version": 1,
        "request_id": bundle.request_id,
        "bundle_sha256": bundle.digest,
        "channel": bundle.channel,
        "reviewer": "ada",
        "nonce": "nonce-0001",
        "verdict": "approve",
        "created_at": "2026-11-21T10:00:00Z",
    }
    return json.dumps({**document, **changes}).encode()


def make_document(
    bundle: ReviewBundle, ops: list[JsonObject] | None = None, **changes: object
) -> bytes:
    values: dict[str, object] = {
        "reviewer": "u-5",
        "nonce": "nonce-001",
        "responses": [] if ops is None else [make_edit(*ops)],
    }
    return make_answer(bundle, **{**values, **changes})
