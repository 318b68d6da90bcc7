"""A second channel of the page, added as anybody would add one: by files alone."""

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedback.bundle import DatasetVersion, ModelVersion, ReviewBundle, ReviewItem, build_bundle
from feedback.publishing import publish
from tests.feedback.memory import MemoryStore
from tests.review.conftest import FILES

TOY = "toy_tiles"
_SOURCES = {"feedback.channels": "documents.py", "review.panels": "panel.py"}


@pytest.fixture
def add_toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Put the toy channel's files on the paths of the packages that are searched for channels."""

    def add(*, without: tuple[str, ...] = ()) -> None:
        for package, source in _SOURCES.items():
            folder = tmp_path / package
            folder.mkdir()
            if package not in without:
                shutil.copy(Path(__file__).parent / TOY / source, folder / f"{TOY}.py")
            module = importlib.import_module(package)
            monkeypatch.setattr(module, "__path__", [*module.__path__, str(folder)])

    yield add
    for package in _SOURCES:
        sys.modules.pop(f"{package}.{TOY}", None)
        vars(sys.modules[package]).pop(TOY, None)


def publish_tiles(store: MemoryStore, n_images: int = 3, *, side: object = 2) -> ReviewBundle:
    """Publish a request of pictures ``p0``, ``p1``, ...; the last is worth most."""
    items = tuple(
        ReviewItem(
            id=f"p{n}",
            priority=float(n),
            title=f"picture {n}",
            evidence={"image": f"p{n}", "predicted": "wolf", "file": "graph.png"},
        )
        for n in range(n_images)
    )
    now = datetime.now(UTC)
    bundle = build_bundle(
        channel=TOY,
        model=ModelVersion(name="resnet18", digest="d" * 64),
        dataset=DatasetVersion(md5="0" * 32 + ".dir", classes=("husky", "wolf")),
        evidence={"side": side},
        items=items,
        files=FILES,
        created_at=now,
        deadline=now + timedelta(days=1),
    )
    return publish(store, bundle, FILES)
