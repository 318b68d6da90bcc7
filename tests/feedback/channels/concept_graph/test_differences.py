from feedback.bundle import DatasetVersion, ModelVersion, ReviewBundle, build_bundle
from feedback.channels.concept_graph import (
    ClassEvidence,
    EdgeEvidence,
    Exemplar,
    GraphEvidence,
    pack_evidence,
)
from feedback.channels.concept_graph.differences import differences
from feedback.since import ComparedAccuracy, Scores, compare_accuracies
from tests.review_request import BASES, NOW, make_card

Row = tuple[str, str, str, str, str]


def request(
    slots: str = "012",
    *,
    classes: tuple[str, ...] = ("carrier", "tank"),
    renamed: dict[int, int] | None = None,
    states: dict[tuple[str, int, int], str] | None = None,
    seen: str = "",
) -> ReviewBundle:
    """Show the graph of the carrier with ``slots``; concept n looks like n, whatever its name."""
    order = {"carrier": slots}
    number = lambda n: (renamed or {}).get(n, n)  # noqa: E731
    evidence = GraphEvidence(
        agreement=0.9,
        l1=0.1,
        classes=tuple(
            ClassEvidence(
                class_name=name,
                base_cscg=BASES[name],
                slots=tuple(f"{name}/k{number(int(n)):02d}" for n in order.get(name, "012")),
                edges=tuple(
                    EdgeEvidence(
                        src=i, dst=j, contribution=0.0,
                        state=(states or {}).get((name, i, j), "auto"),
                    )
                    for i in range(3) for j in range(3) if i != j
                ),
                candidates=tuple(
                    make_card(
                        name, number(n),
                        exemplars=(
                            Exemplar(image=f"{seen}{n}.png", box=(0, 0, 8, 8), file="a.png"),
                        ),
                    )
                    for n in range(6)
                ),
            )
            for name in classes
        ),
    )  # fmt: skip
    shown, items = pack_evidence(evidence, {})
    return build_bundle(
        channel="concept_graph",
        model=ModelVersion(name="parley", digest="d" * 64),
        dataset=DatasetVersion(md5="0" * 32, classes=tuple(BASES)),
        evidence=shown, items=items, created_at=NOW,
    )  # fmt: skip


def edit(*ops: dict[str, object], class_name: str = "carrier") -> list[dict[str, object]]:
    return [{"type": "graph_edit", "version": 1, "class_name": class_name,
             "base_cscg": BASES[class_name], "ops": list(ops)}]  # fmt: skip


REPLACE = {
    "op": "replace_concept", "slot": 0, "from": "carrier/k00", "to": "carrier/k03",
    "reason": "the sea",
}  # fmt: skip
CUT = {"op": "remove_edge", "src": 0, "dst": 1, "reason": "by chance"}
ASSERT = {"op": "add_edge", "src": 1, "dst": 2, "bidirectional": True}


def rows(then: ReviewBundle, edits: list[dict[str, object]], now: ReviewBundle) -> list[Row]:
    return [
        (d.target, d.part, d.champion, d.shown, d.reason)
        for d in differences(then, edits, now)  # type: ignore[arg-type]
    ]


def test_the_champions_edits_are_what_differs_when_the_same_graphs_are_shown_again() -> None:
    assert rows(request(), edit(REPLACE, CUT, ASSERT), request()) == [
        ("carrier", "slot 1", "carrier/k03", "carrier/k00", "the sea"),
        ("carrier", "edge carrier/k01 → carrier/k02", "asserted", "as learned", ""),
        ("carrier", "edge carrier/k02 → carrier/k01", "asserted", "as learned", ""),
        ("carrier", "edge carrier/k03 → carrier/k01", "cut", "not in the graph", "by chance"),
    ]
    assert rows(request(), [], request()) == []


def test_what_is_shown_with_the_edits_already_in_it_does_not_differ() -> None:
    states = {("carrier", 0, 1): "removed", ("carrier", 1, 2): "added", ("carrier", 2, 1): "added"}
    now = request("312", states=states)
    assert rows(request(), edit(REPLACE, CUT, ASSERT), now) == []


def test_concepts_are_the_same_by_their_examples_not_by_number_or_slot() -> None:
    now = request("210", renamed={0: 5, 1: 4, 2: 3, 3: 0, 4: 1, 5: 2})
    assert rows(request(), [], now) == []
    assert rows(request(), edit(REPLACE), now) == [
        ("carrier", "slot 1", "carrier/k00", "carrier/k05", "the sea")
    ]


def test_concepts_that_were_mined_anew_are_never_taken_for_those_of_the_same_number() -> None:
    now = request(seen="other", classes=("carrier", "Flugzeugträger"))
    found = rows(request(), edit(CUT), now)
    assert found[:3] == [
        ("carrier", f"slot {n + 1}", f"carrier/k0{n} (mined anew)", f"carrier/k0{n}", "")
        for n in range(3)
    ]
    ends = "carrier/k00 (mined anew) → carrier/k01 (mined anew)"
    assert found[3:] == [("carrier", f"edge {ends}", "cut", "not in the graph", "by chance")]


def test_a_class_that_is_not_asked_about_any_more_is_told_when_it_was_edited() -> None:
    now = request(classes=("tank", "Flugzeugträger"))
    assert rows(request(), edit(CUT), now) == [
        ("carrier", "graph", "edited in 1 place", "not under review", "")
    ]


def test_accuracies_are_compared_on_the_classes_that_can_be() -> None:
    shown = Scores(
        {"a": 0.5, "b": 1.0, "new": 0.25},
        {"under review": ("a", "b"), "others": ("new", "empty"), "none": ("empty",)},
    )
    found = compare_accuracies(shown, {"a": 0.75, "b": 0.75, "gone": 0.1, "empty": 0.5})
    assert found == (
        ComparedAccuracy(name="under review", is_group=True, champion=0.75, shown=0.75),
        ComparedAccuracy(name="others", is_group=True, champion=None, shown=0.25),
        ComparedAccuracy(name="a", champion=0.75, shown=0.5),
        ComparedAccuracy(name="b", champion=0.75, shown=1.0),
        ComparedAccuracy(name="new", champion=None, shown=0.25),
        # Known to be unknown: a rule that did not see the class would take it for low risk.
        ComparedAccuracy(name="empty", champion=0.5, shown=None),
    )
