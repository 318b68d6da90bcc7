import json
from pathlib import Path

import pytest

from feedback.errors import PolicyError
from feedback.policy import signed_policy, single_policy
from feedback.policy_file import load_policy, parse_policy

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
