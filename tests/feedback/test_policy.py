import json
from pathlib import Path

import pytest

from feedback.errors import PolicyError
from feedback.policy import signed_policy, single_policy
from feedback.policy_file import load_policy, parse_policy
from tests.feedback.ruled import RULE

WHOLE = """
name: ships
roles:
  domain: {approvals: 1, approvers: [ada, bob]}
  ml: {approvals: 1, signatures: [own]}
  safety: {approvals: 0, veto: true}
  lead: {approvals: 0}
adjudicator: lead
deadline_hours: 72
reminders: [48, 24]
escalation:
  - {hours_before: 12, to: [lead]}
at_expiry: escalate
extension_hours: 24
delegates:
  - {from: ada, to: cyd, until: 2026-12-24T00:00:00Z}
"""


def test_a_policy_is_read_from_yaml_and_from_json(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(WHOLE)
    policy = load_policy(str(path))
    assert policy.roles["domain"].approvers == ("ada", "bob")
    assert policy.roles["ml"].signatures == ("own",)
    assert policy.delegates[0].from_ == "ada"
    again = parse_policy(policy.to_json(), "copy")
    assert (again, again.digest) == (policy, policy.digest)


def test_the_packaged_policies_have_names_and_stable_digests() -> None:
    assert load_policy("single") == single_policy()
    assert load_policy("signed") == signed_policy()
    assert single_policy().roles["reviewer"].signatures == ("none", "page", "own")
    assert "none" not in signed_policy().roles["reviewer"].signatures
    assert not signed_policy().author_may_approve
    # Decisions of earlier versions name these; what came later must not change them.
    assert single_policy().digest.startswith("c8325ad9d9441ef5")
    assert signed_policy().digest.startswith("151a10ee82bee567")


def test_what_is_off_by_default_is_read_and_keeps_its_bytes() -> None:
    for policy in (single_policy(), signed_policy()):
        assert (policy.auto_approve, policy.attention) == (None, None)
        assert b"auto_approve" not in policy.to_json()
    text = f"{WHOLE}auto_approve: {json.dumps(RULE)}\nattention: {{seconds_per_item: 2}}\n"
    policy = parse_policy(text.encode(), "policy.yaml")
    assert policy.auto_approve is not None
    assert policy.auto_approve.classes == ("carrier", "tank")
    assert policy.attention is not None
    assert (policy.attention.seconds_per_item, policy.attention.items) == (2, "answered")
    assert parse_policy(policy.to_json(), "copy") == policy
    anything = text.replace('["carrier", "tank"]', "any")
    assert parse_policy(anything.encode(), "p").auto_approve.classes == "any"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"quorum": 2}, "quorum"),
        ({"roles": {}}, "roles"),
        ({"roles": {"ml": {"approvals": 0}}}, "no quorum|must approve"),
        ({"roles": {"ml": {"approvals": 2, "approvers": ["ada", "ada"]}}}, "at least 2 approvers"),
        ({"roles": {"ml": {"approvals": True}}}, "integer"),
        ({"roles": {"ml": {"approvals": "1"}}}, "integer"),
        ({"roles": {"ml": {"signatures": []}}}, "signatures"),
        ({"roles": {"ml": {"signatures": ["spoken"]}}}, "signatures"),
        ({"roles": {"m l": {}}}, "m l"),
        ({"adjudicator": "lead"}, "adjudicator"),
        ({"adjudicator": "ml"}, "must approve"),
        ({"at_expiry": "approve"}, "at_expiry"),
        ({"at_expiry": "escalate"}, "extension_hours"),
        ({"extension_hours": 2}, "extension_hours"),
        ({"deadline_hours": float("nan")}, "valid number"),
        ({"deadline_hours": -1}, "greater than 0"),
        ({"delegates": [{"from": "a", "to": "a", "until": "2026-12-24T00:00:00Z"}]}, "other"),
        ({"delegates": [{"from": "a", "to": "b", "until": "2026-12-24"}]}, "zone"),
        ({"auto_approve": {}}, "after_hours"),
        ({"auto_approve": True}, "auto_approve"),
        ({"auto_approve": "low-risk"}, "auto_approve"),
        ({"auto_approve": {**RULE, "promote": True}}, "promote"),
        ({"auto_approve": {**RULE, "after_hours": 0}}, "greater than 0"),
        ({"auto_approve": {**RULE, "after_hours": float("inf")}}, "valid number|finite"),
        ({"auto_approve": {**RULE, "after_hours": None}}, "after_hours"),
        ({"auto_approve": RULE, "deadline_hours": 24}, "below deadline_hours 24"),
        ({"auto_approve": {**RULE, "max_edits": 0}}, "max_edits"),
        ({"auto_approve": {**RULE, "max_edits": 1.5}}, "max_edits"),
        ({"auto_approve": {**RULE, "max_in_a_row": 10**9}}, "max_in_a_row"),
        ({"auto_approve": {**RULE, "max_drop": -0.01}}, "max_drop"),
        ({"auto_approve": {**RULE, "max_class_drop": float("nan")}}, "valid number|finite"),
        ({"auto_approve": {**RULE, "min_similarity": "0.9"}}, "min_similarity"),
        ({"auto_approve": {**RULE, "classes": []}}, "names of classes"),
        ({"auto_approve": {**RULE, "classes": "all"}}, "classes"),
        ({"auto_approve": {**RULE, "classes": ["a\u202eb"]}}, "classes"),
        ({"auto_approve": {k: v for k, v in RULE.items() if k != "max_in_a_row"}}, "max_in_a_row"),
        ({"attention": {}}, "neither"),
        ({"attention": {"seconds": 0, "seconds_per_item": 0.0}}, "neither"),
        ({"attention": {"seconds": -1}}, "seconds"),
        ({"attention": {"seconds": True}}, "seconds"),
        ({"attention": {"seconds": 5, "items": "some"}}, "items"),
        ({"attention": {"seconds": 1e9}}, "seconds"),
        ({"attention": {"seconds": 5, "checks": 3}}, "checks"),
        ({"delegates": [{"from_": "a", "to": "b", "until": "2026-12-24T00:00:00Z"}]}, "from"),
    ],
)
def test_a_policy_that_nobody_could_meet_or_that_says_unknown_things_is_refused(
    change: dict[str, object], told: str
) -> None:
    value = {"name": "p", "roles": {"ml": {}}, **change}
    with pytest.raises(PolicyError, match=told):
        parse_policy(json.dumps(value).encode(), "policy.json")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "name: [", "name: p\nname: q\nroles: {ml: {}}", "a: &a [1]\nb: *a",
     "roles: {ml: {}}\nname: !!python/object:os.system p", "\xff\xfe", "[" * 5000,
     "name: p\nroles: {ml: {<<: {approvals: 1}}}", "name: 2026-01-01T00:00:00Z\nroles: {ml: {}}"],
)  # fmt: skip
def test_files_that_are_no_policy_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(PolicyError) as refusal:
        parse_policy(text.encode("latin-1"), "policy.yaml")
    assert len(str(refusal.value).splitlines()) == 1


def test_a_missing_or_huge_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="check the path"):
        load_policy(str(tmp_path / "none.yaml"))
    (tmp_path / "huge.yaml").write_bytes(b"#" * 300_000)
    with pytest.raises(PolicyError, match="at most"):
        load_policy(str(tmp_path / "huge.yaml"))
