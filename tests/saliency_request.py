"""A published request of squares with pictures, for the page."""

from datetime import UTC, datetime, timedelta

from feedback.bundle import DatasetVersion, ModelVersion, ReviewBundle, build_bundle
from feedback.channels.saliency_grid import pack_evidence
from feedback.publishing import publish
from feedback.since import SinceChampion
from tests.feedback.channels.saliency_grid.images import DIGESTS, make_evidence
from tests.feedback.memory import MemoryStore
from tests.review.conftest import CHAMPION, make_png

SHIP, TANK, JET = DIGESTS["ship.png"], DIGESTS["tank.png"], DIGESTS["jet.png"]
FILES = {
    f"{kind}/{name}": make_png(shade + 20 * n)
    for kind, shade in (("images", 60), ("overlays", 160))
    for n, name in enumerate(DIGESTS)
}


def publish_squares(
    store: MemoryStore, *, since: SinceChampion | None = None, round: int = 1, **changes: object
) -> ReviewBundle:
    """Publish a request of three images; the tank is worth most, then come ship and jet.

    Args:
        store: Where it goes.
        since: What changed since the champion, if there is one.
        round: How often the run has asked.
        **changes: Other evidence than ``make_evidence`` has.
    """
    evidence, items = pack_evidence(make_evidence(**changes), {TANK: 1.5, SHIP: 1.0})
    now = datetime.now(UTC)
    bundle = build_bundle(
        channel="saliency_grid",
        model=ModelVersion(name="resnet18", digest="d" * 64),
        dataset=DatasetVersion(md5="0" * 32 + ".dir", classes=("ship", "tank")),
        evidence=evidence,
        items=items,
        files=FILES,
        round=round,
        created_at=now,
        deadline=now + timedelta(days=1),
    )
    if since is not None:
        bundle = bundle.model_copy(update={"base": CHAMPION, "since": since})
    return publish(store, bundle, FILES)
