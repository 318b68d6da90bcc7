"""Items are listed by names that are told apart, with their full titles at hand."""

from feedback.bundle import ReviewItem, build_bundle
from feedback.publishing import publish
from review.desk import Desk
from review.rail_view import rail, short_names
from tests.feedback.memory import MemoryStore
from tests.review.conftest import edited, text_of
from tests.toy_channel import add_toy, publish_tiles

__all__ = ["add_toy"]


def test_a_path_is_named_by_its_end() -> None:
    assert short_names(("train/Bengal/Bengal_158.jpg", "carrier")) == {
        "train/Bengal/Bengal_158.jpg": "Bengal_158.jpg",
        "carrier": "carrier",
    }


def test_paths_that_end_alike_are_told_apart() -> None:
    assert short_names(("train/bars/00.png", "train/discs/00.png", "train/discs/01.png")) == {
        "train/bars/00.png": "bars/00.png",
        "train/discs/00.png": "discs/00.png",
        "train/discs/01.png": "01.png",
    }
    assert short_names(("b/c", "a/b/c", "c")) == {"b/c": "b/c", "a/b/c": "a/b/c", "c": "c"}


def test_titles_without_an_end_stay_as_they_are() -> None:
    assert short_names(("sea/", "/", "land//", "")) == {
        "sea/": "sea/", "/": "/", "land//": "land//", "": "",
    }  # fmt: skip


def test_the_rail_shows_the_end_and_keeps_the_title(
    add_toy, store: MemoryStore, desk: Desk
) -> None:
    add_toy()
    plain = publish_tiles(store)
    titles = ("train/Bengal/Bengal_158.jpg", "train/Sphynx/Sphynx_3.jpg", "picture 2")
    values = {name: getattr(plain, name) for name in ("channel", "model", "dataset", "evidence")}
    items = tuple(
        ReviewItem(**{**item.model_dump(), "title": title})
        for item, title in zip(plain.items, titles, strict=True)
    )
    bundle = build_bundle(**values, items=items, created_at=plain.created_at)
    shown = desk.open(publish(store, bundle, {}).request_id)
    told = text_of(rail(shown, edited(shown)))
    assert '"title": "train/Bengal/Bengal_158.jpg"' in told
    assert '"Bengal_158.jpg"' in told
    assert told.count("train/Bengal/") == 1
