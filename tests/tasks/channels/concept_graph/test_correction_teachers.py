"""The benchmark's teachers on the shapes: who has copies of what, and what each is asked."""

import pytest
import torch

from benchmarks.correction.arms import EDITED, UNMODIFIED, Teacher
from benchmarks.correction.teachers import (
    Bench,
    ask_teachers,
    background_share,
    fit_teachers,
    make_graphs,
)
from feedback.channels.concept_graph import GraphEdit, ReplaceConcept
from models.concept_graph.bank import top_concepts
from tasks.channels.concept_graph.mining import load_bank
from tasks.channels.concept_graph.reasoning import load_graphs

COPIED, SHUFFLED = Teacher("unmodified", same_copies=True), Teacher("edited", shuffled=True)
PAPER, RANDOM = Teacher("edited", paper=True), Teacher("random", 1)
EVERYBODY = [UNMODIFIED, EDITED, COPIED, SHUFFLED, PAPER, RANDOM]


@pytest.fixture(scope="module")
def bench(staged):
    return Bench(staged.workplace, staged.basis, staged.concepts, staged.channel, seed=0)


@pytest.fixture(scope="module")
def graphs(staged, bench):
    first = load_graphs(staged.work, staged.concepts)[0]
    bank = load_bank(staged.work, staged.concepts)
    best = [bank.concept_ids[int(row)] for row in top_concepts(bank, first.class_id, 99)]
    new = next(concept for concept in best if concept not in first.concepts)
    op = ReplaceConcept(slot=0, from_=first.concepts[0], to=new)
    edit = GraphEdit(class_name=first.class_name, base_cscg=first.revision, ops=(op,))
    return make_graphs(bench, [edit], EVERYBODY)


@pytest.fixture(scope="module")
def fitted(bench, graphs):
    return fit_teachers(bench, graphs)


def test_graphs_are_as_mined_for_all_but_those_who_have_an_edit(graphs):
    assert graphs[COPIED] == graphs[UNMODIFIED]
    assert graphs[SHUFFLED] == graphs[PAPER] == graphs[EDITED] != graphs[UNMODIFIED]
    replaced = [
        sum(a != b for a, b in zip(before["concepts"], after["concepts"], strict=True))
        for before, after in zip(graphs[UNMODIFIED], graphs[RANDOM], strict=True)
    ]
    assert replaced == [1, 0]


def test_the_copies_of_the_edit_are_given_to_its_control_and_not_to_the_papers_form(fitted):
    copies = {teacher: fitted[teacher].number("copies") for teacher in EVERYBODY}
    assert copies[EDITED] > 0
    assert copies[COPIED] == copies[SHUFFLED] == copies[EDITED]
    assert copies[UNMODIFIED] == copies[PAPER] == 0


def test_shuffled_labels_make_another_teacher_of_the_same_images(bench, fitted):
    load = bench.workplace.artifacts.load_tensors
    own, other = (fitted[teacher].outputs for teacher in (EDITED, SHUFFLED))
    assert torch.equal(load(own["matched"])["nodes"], load(other["matched"])["nodes"])
    assert not torch.equal(load(own["logits"])["logits"], load(other["logits"])["logits"])


def test_every_teacher_is_asked_about_all_test_images_of_the_reviewed_classes(
    staged, bench, graphs, fitted
):
    from tasks.classifier import load_split

    test = load_split(staged.work, staged.dataset, "test", staged.basis.training)
    wanted = torch.isin(test.labels, torch.tensor(staged.basis.class_ids)).nonzero().flatten()
    asked = []

    def score(rows, logits):
        asked.append((rows.tolist(), logits))
        return {"edited": 0.5}

    # Of every concept half or more lies beside the object, but for those that nobody measured.
    shares = staged.save("measure_object_share", **dict.fromkeys(staged_concepts(staged), 0.25))
    told = ask_teachers(bench, graphs, fitted, shares, score)
    assert list(told) == ["classifier", *dict.fromkeys(teacher.name for teacher in EVERYBODY)]
    assert all(rows == wanted.tolist() and len(x) == len(rows) for rows, x in asked)
    original = staged.tensors(staged.basis.predictions, "logits")["test"]
    assert torch.equal(asked[0][1], original[wanted][:, list(staged.basis.class_ids)])
    (row,) = told["edited"]
    assert row["validation"] == fitted[EDITED].number("validation_accuracy")
    assert row["background"] == 1.0


def staged_concepts(staged):
    return load_bank(staged.work, staged.concepts).concept_ids


def test_the_background_share_counts_slots_whose_concept_lies_mostly_beside_the_object(graphs):
    mined = graphs[UNMODIFIED]
    (first, second, *_), *_ = (graph["concepts"] for graph in mined)
    assert background_share(mined, {first: 0.2, second: 0.5, "of no graph": 0.1}) == 0.5
    assert background_share(mined, {first: None}) == 0.0
