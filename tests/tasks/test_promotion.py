"""Promotion as compare-and-set: what moves the champion, what does not, and what is recorded."""

import pytest

from feedback.audit_check import verify
from feedback.bundle import BaseVersion, DatasetVersion
from feedback.errors import AuditError, StaleChampionError
from feedback.layout import AUDIT, promotion_key
from feedback.moves import list_moves
from feedback.opening import open_request
from feedback.policy import single_policy
from feedback.recording import load_decision
from feedback.states import ReviewState
from tasks import champion as champions
from tasks.champion import find_champion, move_champion
from tasks.promotion import Promotion
from tasks.registry import CANDIDATE, CHAMPION, PREVIOUS, alias_version, set_alias
from tests.review_request import FILES, make_bundle
from tests.tasks.promoting import TAGS, aliases, approve, let_come_first, move, promote, states


def test_an_approved_candidate_becomes_champion_with_its_origin_and_the_log_tells(
    workplace, registry, four
):
    decision = approve(workplace, registry)
    assert promote(workplace, registry, four[0], four[1], decision) == Promotion(CHAMPION, True)
    assert aliases(registry) == ("2", "1")
    assert alias_version(registry, "parley", CANDIDATE).version == "2"
    assert states(workplace, decision) == ["APPROVED", "PROMOTED"]
    tags = registry.client.get_model_version("parley", "2").tags
    assert tags.items() >= ({"review.request_id": decision.request_id} | TAGS).items()
    # Again, as a run that is repeated: nothing moves, nothing is recorded twice.
    assert promote(workplace, registry, four[0], four[1], decision) == Promotion(CHAMPION, True)
    assert [found.kind for found in list_moves(workplace.objects, "parley")] == ["first", "promote"]
    assert states(workplace, decision) == ["APPROVED", "PROMOTED"]
    # Approval, first champion, promotion as a move, promotion as a decision.
    check = verify(workplace.objects)
    assert (check.entries, check.broken, check.changed) == (4, "", ())


def test_a_champion_moved_past_the_log_is_named(workplace, registry, four):
    promote(workplace, registry, four[0], four[1], approve(workplace, registry))
    forged = promotion_key("parley", 3)
    workplace.objects.put(forged, move("2", "4").model_dump_json().encode())
    assert verify(workplace.objects).changed == (f"{forged} is not in the log",)
    workplace.objects.delete(forged)
    first = promotion_key("parley", 1)
    workplace.objects.put(first, workplace.objects.get(first).replace(b'"1"', b'"4"'))
    (found,) = verify(workplace.objects).changed
    assert f"{first} is not the object" in found


def test_of_two_first_promotions_at_once_one_wins_and_the_other_is_stale(
    workplace, registry, four, monkeypatch
):
    decision = approve(workplace, registry)
    let_come_first(move(None, "4", kind="first"), workplace, registry, monkeypatch)
    found = promote(workplace, registry, four[0], four[1], decision)
    assert (found.alias, found.promoted) == (CANDIDATE, False)
    assert "as when the request was made (got version 4)" in found.stale
    assert aliases(registry) == ("4", None)
    assert states(workplace, decision) == ["APPROVED", "STALE"]
    assert verify(workplace.objects).is_intact


def test_a_rival_that_names_the_same_network_first_is_no_reason_to_be_stale(
    workplace, registry, four, monkeypatch
):
    decision = approve(workplace, registry)
    let_come_first(move(None, "1", kind="first"), workplace, registry, monkeypatch)
    assert promote(workplace, registry, four[0], four[1], decision) == Promotion(CHAMPION, True)
    assert aliases(registry) == ("2", "1")


def test_a_candidate_that_the_rule_refuses_is_named_and_the_request_stays_good(
    workplace, registry, four
):
    decision = approve(workplace, registry)
    refused = promote(workplace, registry, four[0], four[1], decision, allowed=False)
    assert refused == Promotion(CANDIDATE, False)
    assert aliases(registry) == ("1", None)
    assert states(workplace, decision) == ["APPROVED"]
    # The same evidence is not asked about again: its own network has become the first champion.
    assert approve(workplace, registry).request_id == decision.request_id


def test_a_champion_that_moved_makes_the_approval_stale_and_the_next_run_asks_anew(
    workplace, registry, four
):
    set_alias(registry, four[2], CHAMPION)
    decision = approve(workplace, registry)
    set_alias(registry, four[3], CHAMPION)
    stale = promote(workplace, registry, four[0], four[1], decision)
    assert (stale.alias, stale.promoted) == (CANDIDATE, False)
    assert (
        "to be version 3, as when the request was made (got version 4); it is asked" in stale.stale
    )
    assert aliases(registry) == ("4", None)
    assert states(workplace, decision) == ["APPROVED", "STALE"]
    again = approve(workplace, registry)
    assert again.request_id != decision.request_id
    assert promote(workplace, registry, four[0], four[1], again).promoted
    assert aliases(registry) == ("2", "4")


def test_an_open_request_against_an_old_champion_is_withdrawn(workplace, registry, four):
    bundle, objects = make_bundle(), workplace.objects

    def ask(base):
        return open_request(objects, bundle, FILES, base=base, policies=[single_policy()])

    old, new = (BaseVersion(name="parley", version=v, digest=v * 64) for v in "34")
    first = ask(old)
    assert ask(old) == first
    second = ask(new)
    assert (first.round, second.round, second.base) == (1, 2, new)
    assert load_decision(objects, first.request_id).state is ReviewState.WITHDRAWN
    assert load_decision(objects, second.request_id) is None


def test_of_two_promotions_at_once_one_wins(workplace, registry, four, monkeypatch):
    decision = approve(workplace, registry)
    set_alias(registry, four[0], CHAMPION)
    let_come_first(move("1", "4"), workplace, registry, monkeypatch)
    found = promote(workplace, registry, four[0], four[1], decision)
    assert not found.promoted
    assert "expected the champion of parley to be version 1 (got 4)" in found.stale
    assert aliases(registry) == ("4", "1")
    assert states(workplace, decision)[-1] == "STALE"


@pytest.mark.parametrize("dies_at", [PREVIOUS, CHAMPION])
def test_a_move_whose_process_died_is_carried_out_by_the_next(
    workplace, registry, four, monkeypatch, dies_at
):
    set_alias(registry, four[0], CHAMPION)
    whole = champions.set_alias

    def dying(tracker, version, alias):
        if alias == dies_at:
            raise KeyboardInterrupt
        whole(tracker, version, alias)

    decision = approve(workplace, registry)
    monkeypatch.setattr(champions, "set_alias", dying)
    with pytest.raises(KeyboardInterrupt):
        promote(workplace, registry, four[0], four[1], decision)
    monkeypatch.setattr(champions, "set_alias", whole)
    # Whoever looks next sees the champion that was claimed, and another claim is refused.
    with pytest.raises(StaleChampionError):
        move_champion(workplace.objects, registry, move("1", "4"))
    assert aliases(registry) == ("2", "1")
    assert promote(workplace, registry, four[0], four[1], decision).promoted
    assert states(workplace, decision) == ["APPROVED", "PROMOTED"]
    assert verify(workplace.objects).is_intact


def test_an_alias_that_an_operator_moved_by_hand_stays(workplace, registry, four):
    decision = approve(workplace, registry)
    promote(workplace, registry, four[0], four[1], decision)
    set_alias(registry, four[0], CHAMPION)
    assert find_champion(workplace.objects, registry, "parley").version == "1"


def test_nothing_is_promoted_while_the_audit_log_is_broken(workplace, registry, four):
    decision = approve(workplace, registry)
    entry = next(i.key for i in workplace.objects.list(AUDIT) if not i.key.endswith("start.json"))
    data = workplace.objects.get(entry)
    workplace.objects.put(entry, data.replace(b"APPROVED", b"REJECTED"))
    with pytest.raises(AuditError):
        promote(workplace, registry, four[0], four[1], decision)
    assert aliases(registry) == (None, None)


def test_nothing_is_done_beside_a_champion_that_the_candidate_was_not_compared_with(
    workplace, registry, four
):
    promote(workplace, registry, four[0], four[1], approve(workplace, registry))
    decision = approve(
        workplace, registry, dataset=DatasetVersion(md5="e" * 32, classes=("carrier", "tank"))
    )
    # Compared with version 4, which a revocation has taken away again meanwhile.
    assert promote(workplace, registry, four[0], four[2], decision, against="4") is None
    assert aliases(registry) == ("2", "1")
    assert states(workplace, decision) == ["APPROVED"]
    # Compared with the right one, the approval is as good as it was.
    found = promote(workplace, registry, four[0], four[2], decision, against="2")
    assert found == Promotion(CHAMPION, True)


def test_a_twin_of_the_original_that_comes_first_is_the_original(
    workplace, registry, four, monkeypatch
):
    decision = approve(workplace, registry)
    twin = registry.client.create_model_version(
        "parley", "file:///none/twin", tags={"parley.weights_sha256": four[0].digest}
    )
    rival = move(None, str(twin.version), kind="first")
    let_come_first(rival, workplace, registry, monkeypatch)
    assert promote(workplace, registry, four[0], four[1], decision) == Promotion(CHAMPION, True)
    assert aliases(registry) == ("2", str(twin.version))
