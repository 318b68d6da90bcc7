"""Taking a promotion back: who gives way to whom, and what is recorded."""

import pytest

from feedback.audit_check import verify
from feedback.errors import TrackingError
from feedback.recording import load_decision
from feedback.states import ReviewState
from tasks.promotion import revoke_version
from tests.tasks.promoting import aliases, approve, promote, states


def test_a_revoked_version_gives_way_to_the_one_before_and_is_not_promoted_again(
    workplace, registry, four
):
    decision = approve(workplace, registry)
    promote(workplace, registry, four[0], four[1], decision)
    back = revoke_version(workplace, registry, name="parley", version="2", why="carriers got worse")
    assert back == "1"
    assert aliases(registry) == ("1", None)
    last = load_decision(workplace.objects, decision.request_id)
    assert (last.state, last.reason) == (ReviewState.REVOKED, "carriers got worse")
    assert not last.is_approved
    # Saying it twice is saying it once.
    revoke_version(workplace, registry, name="parley", version="2", why="again")
    assert states(workplace, decision) == ["APPROVED", "PROMOTED", "REVOKED"]
    assert approve(workplace, registry).state is ReviewState.REVOKED
    check = verify(workplace.objects)
    assert (check.entries, check.broken, check.changed) == (6, "", ())


@pytest.mark.parametrize("version", ["1", "3", "9"])
def test_only_a_champion_that_a_review_promoted_can_be_revoked(workplace, registry, four, version):
    promote(workplace, registry, four[0], four[1], approve(workplace, registry))
    with pytest.raises(TrackingError, match="expected"):
        revoke_version(workplace, registry, name="parley", version=version, why="no")
    assert aliases(registry) == ("2", "1")
