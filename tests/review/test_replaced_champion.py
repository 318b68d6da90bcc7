"""A request whose champion was replaced says so, and takes answers all the same."""

from datetime import datetime

import pytest

from feedback.bundle import BaseVersion
from feedback.layout import promotion_key
from feedback.moves import Move
from review.desk import Desk
from review.request_view import standing_view
from tests.feedback.memory import MemoryStore
from tests.review.conftest import publish_request, text_of
from tests.review_request import NOW

BASE = BaseVersion(name="resnet18", version="4")


def move(kind: str, before: str | None, version: str, request_id: str | None = None) -> Move:
    values = {"kind": kind, "model": "resnet18", "before": before, "version": version,
              "previous": before, "request_id": request_id, "at": NOW}  # fmt: skip
    return Move.model_validate(values)


@pytest.mark.parametrize(
    ("base", "moves", "replaced_by"),
    [
        (BASE, [], ""),
        (BASE, [move("first", None, "4")], ""),
        (BASE, [move("first", None, "4"), move("promote", "4", "7", "r-9")], "7"),
        # Taken back: it is the champion of before again.
        (
            BASE,
            [
                move("first", None, "4"),
                move("promote", "4", "7", "r-9"),
                move("revoke", "7", "4", "r-9"),
            ],
            "",
        ),
        # The first champion may be the very network that is explained.
        (None, [move("first", None, "1")], ""),
        (None, [move("first", None, "1"), move("promote", "1", "2", "r-9")], "2"),
    ],
)
def test_a_request_says_which_version_took_the_place_of_its_champion(
    store: MemoryStore, desk: Desk, base: BaseVersion | None, moves: list[Move], replaced_by: str
) -> None:
    bundle = publish_request(store, base=base)
    assert bundle.model.name == "resnet18"
    for number, made in enumerate(moves, 1):
        store.put(promotion_key("resnet18", number), made.model_dump_json().encode())
        store.put(f"promotions/resnet18/{number:06d}.done", b"{}")
    standing = desk.standing(desk.open(bundle.request_id), "ada", datetime.now(NOW.tzinfo))
    assert (standing.replaced_by, standing.takes_answers) == (replaced_by, True)
    told = text_of(standing_view(standing))
    assert (f"Version {replaced_by} has become champion since" in told) is bool(replaced_by)


def test_one_that_it_made_champion_itself_is_not_told(store: MemoryStore, desk: Desk) -> None:
    bundle = publish_request(store, base=BASE)
    made = move("promote", "4", "5", bundle.request_id)
    store.put(promotion_key("resnet18", 1), made.model_dump_json().encode())
    standing = desk.standing(desk.open(bundle.request_id), "ada", datetime.now(NOW.tzinfo))
    assert standing.replaced_by == ""
