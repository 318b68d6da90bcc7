"""An open request of squares: tank, ship and jet, in this order."""

from collections.abc import Callable

import pytest

from review.desk import Desk
from review.shown import AnyShown
from tests.feedback.memory import MemoryStore
from tests.saliency_request import publish_squares


@pytest.fixture
def squares_of(store: MemoryStore, desk: Desk) -> Callable[..., AnyShown]:
    """Open a request whose evidence differs from the usual one."""

    def opened(**changes: object) -> AnyShown:
        return desk.open(publish_squares(store, **changes).request_id)

    return opened


@pytest.fixture
def squares(squares_of: Callable[..., AnyShown]) -> AnyShown:
    return squares_of()
