"""A champion that is replaced while people think: the run asks them once more, and goes on."""

import pytest

from feedback.audit_check import verify
from feedback.channels import saliency_grid as squares
from feedback.channels.concept_graph import read_evidence
from feedback.publishing import load_bundle
from feedback.recording import load_decisions
from flows.context import ReviewListener
from tasks.exchange import submit_feedback
from tasks.registry import CHAMPION, alias_version, set_alias
from tasks.settings import Settings
from tasks.tracking_store import open_registry
from tasks.version_pages import VersionRef
from tasks.workplace import open_workplace
from tests.flows.runs import computed, run
from tests.flows.test_saliency_grid import ASKED
from tests.review_request import make_answer, make_edit

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("prefect_server", "any_student_may_be_promoted"),
]
TAUGHT = {"edit_graphs", "fit_teacher", "distil"}


def cut(bundle, *numbers, of=0):
    """Return an edit of a class: edges of its graph are cut; without any it is right as it is."""
    shown = read_evidence(bundle).classes[of]
    edges = [shown.edges[number] for number in numbers]
    ops = [{"op": "remove_edge", "src": edge.src, "dst": edge.dst} for edge in edges]
    return make_edit(*ops, class_name=shown.class_name, base_cscg=shown.base_cscg)


class Rival:
    """Somebody whose network becomes champion right before people approve this run's request."""

    def __init__(self, home, *says, at=1):
        self.home, self.says, self.asked, self.at = home, list(says), [], at

    def published(self, request):
        self.asked.append(request)

    def wait(self, seconds):
        registry = open_registry(Settings(home=self.home))
        if len(self.asked) == self.at and alias_version(registry, "parley", CHAMPION) is None:
            registry.client.create_registered_model("parley")
            made = registry.client.create_model_version(
                "parley", "file:///none", tags={"parley.weights_sha256": "9" * 64}
            )
            rival = VersionRef(name="parley", version=str(made.version), digest="9" * 64)
            set_alias(registry, rival, CHAMPION)
        assert self.says, "the run asks more than it may"
        said = self.says.pop(0)(self.asked[-1])
        objects = open_workplace(Settings(home=self.home))
        answer = make_answer(self.asked[-1], **said)
        submit_feedback.fn(objects, self.asked[-1].request_id, answer)


def asked_by(rival, data, run_id="run", **changes):
    return run(
        rival.home,
        data,
        run_id=run_id,
        listener=ReviewListener(on_published=rival.published, on_wait=rival.wait),
        review__reviewer="inbox",
        review__poll_seconds="0.05",
        # A rival's entry has no network behind it to compare with.
        promotion__champion_band="1",
        **changes,
    )


def champion(home):
    return alias_version(open_registry(Settings(home=home)), "parley", CHAMPION).version


def tags_of(home, version):
    return open_registry(Settings(home=home)).client.get_model_version("parley", version).tags


def states(workplace, request):
    return [one.state.value for one in load_decisions(workplace.objects, request.request_id)]


def test_approved_again_with_the_same_edits_is_promoted_and_nothing_is_trained_again(
    asked_anew, shapes_dir
):
    rival = Rival(asked_anew, lambda it: {"responses": [cut(it, 0)]}, proposed)
    report, workplace = asked_by(rival, shapes_dir)
    first, delta = rival.asked
    assert (first.base, delta.base.version) == (None, "1")
    assert delta.follows.request_id == first.request_id
    assert states(workplace, first) == ["APPROVED", "STALE"]
    assert states(workplace, delta) == ["APPROVED", "PROMOTED"]
    assert report["request"] == delta.request_id
    assert report["decision"]["promote"], report["decision"]
    assert (report["model"]["alias"], champion(asked_anew)) == (
        CHAMPION,
        report["model"]["version"],
    )
    # The version tells of the decision that promoted it, not of the stale one that it was made by.
    stale, approval = (load_decisions(workplace.objects, one.request_id)[0] for one in rival.asked)
    tags = tags_of(asked_anew, champion(asked_anew))
    assert tags["review.request_id"] == delta.request_id
    assert tags["review.decision_sha256"] == approval.digest != stale.digest
    assert tags["review.reviewers"] == "ada"
    assert tags["review.edits"] == "1"
    assert tags["dvc.md5"] == report["dataset"]["md5"] == delta.dataset.md5
    names = [stage["name"] for stage in report["stages"]]
    assert names.count("compare_arms") == 1
    assert verify(workplace.objects).is_intact
    # Made again, as after a crash, it comes to the same end and asks nobody.
    again, _ = asked_by(Rival(asked_anew), shapes_dir, run_id="again")
    assert computed(again) == []
    assert again["request"] == delta.request_id
    assert champion(asked_anew) == report["model"]["version"]
    assert tags_of(asked_anew, champion(asked_anew)) == tags


def proposed(bundle):
    return {"responses": list(bundle.follows.proposed)}


def test_approved_with_other_edits_it_is_corrected_and_compared_anew(asked_anew, shapes_dir):
    rival = Rival(
        asked_anew,
        lambda it: {"responses": [cut(it, 0)]},
        lambda it: {"responses": [cut(it, 1), cut(it, of=1)]},
    )
    report, workplace = asked_by(rival, shapes_dir)
    (edit,) = report["edits"]
    wanted = cut(rival.asked[0], 1)["ops"][0]
    assert edit["change"] == f"edge {wanted['src']} → {wanted['dst']} removed"
    names = [stage["name"] for stage in report["stages"]]
    assert names.count("compare_arms") == 2
    assert champion(asked_anew) == report["model"]["version"]
    assert load_bundle(workplace.objects, report["request"]).follows.number == 1
    # That the other class is right as it is was an answer, and no edit.
    decision = load_decisions(workplace.objects, report["request"])[0]
    tags = tags_of(asked_anew, champion(asked_anew))
    assert tags["review.decision_sha256"] == decision.digest
    assert (len(decision.edits), tags["review.edits"]) == (2, "1")


@pytest.mark.parametrize("follow_ups", [0, 2])
def test_without_a_second_yes_nothing_is_promoted_and_the_report_says_both(
    asked_anew, shapes_dir, follow_ups
):
    said = [lambda it: {"responses": [cut(it, 0)]}]
    if follow_ups:
        said.append(lambda it: {"verdict": "reject", "comment": "the new one is better"})
    rival = Rival(asked_anew, *said)
    report, workplace = asked_by(rival, shapes_dir, review__follow_ups=str(follow_ups))
    assert len(rival.asked) == len(said)
    assert states(workplace, rival.asked[0]) == ["APPROVED", "STALE"]
    assert champion(asked_anew) == "1"
    assert not report["decision"]["promote"]
    reasons = " ".join(report["decision"]["reasons"])
    assert "expected the champion of parley to be none" in reasons
    assert ("REJECTED: the new one is better" in reasons) == bool(follow_ups)
    # What was compared stays in the report.
    assert report["arms"]
    assert report["model"]["alias"] != CHAMPION


def mark(bundle):
    """Return an approval that marks the first square of the first image."""
    evidence = squares.read_evidence(bundle)
    cell = squares.MarkedCell(r=0, c=0, w=1.0)
    answer = squares.answer_on(evidence, evidence.images[0], (cell,))
    return {"responses": [answer.model_dump(mode="json")]}


def test_of_several_rounds_the_last_is_asked_again_and_the_others_stand(tmp_path, shapes_dir):
    rival = Rival(tmp_path / "home", mark, mark, proposed, at=2)
    report, workplace = asked_by(rival, shapes_dir, **ASKED)
    one, two, delta = rival.asked
    assert delta.follows.request_id == two.request_id
    assert (delta.round, delta.follows.number) == (two.round, 1)
    assert [states(workplace, request)[-1] for request in rival.asked] == [
        "APPROVED", "STALE", "PROMOTED",
    ]  # fmt: skip
    names = [stage["name"] for stage in report["stages"]]
    assert (names.count("bank_feedback"), names.count("compare_marked")) == (2, 1)
    assert champion(rival.home) == report["model"]["version"]
    # Marks of both rounds were learned, once each.
    assert report["measured"]["marked_images"] == 2
    # Made again, it trains nothing, though another request stands behind the last round's marks.
    again, _ = asked_by(Rival(rival.home), shapes_dir, run_id="again", **ASKED)
    assert "train_guided" not in computed(again)
    assert again["request"] == delta.request_id
    assert load_bundle(workplace.objects, one.request_id).follows is None
