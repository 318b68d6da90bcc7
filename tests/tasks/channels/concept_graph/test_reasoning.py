from dataclasses import replace

import pytest
import torch

import models.concept_graph.fitting as fitting
from feedback.errors import ExplanationError
from tasks.channels.concept_graph.reasoning import (
    imitate_classifier,
    learn_lesson,
    load_graphs,
    load_matched,
    load_reasoner,
    prepare_lesson,
)
from tasks.channels.concept_graph.segmenting import load_universe
from tasks.channels.concept_graph.unseen import match_unseen
from tasks.tracking import stage_records


@pytest.fixture(scope="module")
def taught(staged):
    return staged.teacher(load_graphs(staged.work, staged.concepts))


def rows_of(graphs):
    """Tell images apart by the segments that were matched and where they lie."""
    flat = torch.cat([graphs.nodes.flatten(1), graphs.positions.flatten(1)], dim=1)
    return {tuple(row) for row in flat.tolist()}


def test_images_that_measure_the_agreement_are_seen_by_no_fit(staged, monkeypatch):
    """Whatever the split, what is judged took no part in fitting or in stopping the fit."""
    fitted, measured = [], []
    fit, judge = fitting.fit_reasoner, fitting.agreement

    def spy_fit(graphs, *args, **kwargs):
        fitted.append(graphs)
        return fit(graphs, *args, **kwargs)

    def spy_judge(reasoner, graphs, *args, **kwargs):
        measured.append(graphs)
        return judge(reasoner, graphs, *args, **kwargs)

    monkeypatch.setattr(fitting, "fit_reasoner", spy_fit)
    monkeypatch.setattr(fitting, "agreement", spy_judge)
    monkeypatch.setattr(staged.workplace, "fresh", True)
    again = imitate_classifier.fn(
        staged.workplace,
        basis=staged.basis,
        concepts=staged.concepts,
        params=staged.channel,
        seed=0,
    )
    assert fitted
    assert len(fitted) == len(measured)
    for fit_on, judged_on in zip(fitted, measured, strict=True):
        assert len(fit_on)
        assert len(judged_on)
        assert rows_of(fit_on).isdisjoint(rows_of(judged_on))
    assert again.facts["held_out_images"] == sum(map(len, measured))
    assert again.digest() == staged.reasoner.digest()


def test_agreement_is_measured_on_the_test_images_taken_for_a_class_under_review(staged):
    logits = staged.tensors(staged.basis.predictions, "logits")["test"]
    ids = list(staged.basis.class_ids)
    taken = sum(int(row.argmax()) in ids for row in logits)
    graphs = load_graphs(staged.work, staged.concepts)
    matched, word = match_unseen(staged.work, staged.basis, staged.concepts, graphs, staged.channel)
    assert len(matched) == len(word) == taken > 0
    assert staged.reasoner.facts["held_out_images"] == taken


def test_without_a_test_image_for_a_class_under_review_nothing_can_be_judged(staged, monkeypatch):
    graphs = load_graphs(staged.work, staged.concepts)
    logits = staged.tensors(staged.basis.predictions, "logits")
    other = next(i for i in range(logits["test"].shape[1]) if i not in staged.basis.class_ids)
    logits["test"][:, other] = 1 + logits["test"].max()
    monkeypatch.setattr(staged.work, "load_tensors", lambda *_: logits)
    with pytest.raises(ExplanationError, match=r"got none.*train it longer"):
        match_unseen(staged.work, staged.basis, staged.concepts, graphs, staged.channel)


def test_agreement_and_distance_are_shares_and_the_reasoner_is_rebuilt(staged):
    assert 0 <= staged.reasoner.number("agreement") <= 1
    assert 0 <= staged.reasoner.number("l1") <= 2
    matched = load_matched(staged.work, staged.reasoner)
    universe = load_universe(staged.work, staged.basis)
    assert len(matched) == len(universe.images)
    network = load_reasoner(staged.work, staged.reasoner)
    assert not network.training
    assert network.logits(matched).shape == (len(matched), 2)


def test_a_teacher_speaks_of_every_image_and_is_judged_on_held_out_labels(staged, taught):
    universe = load_universe(staged.work, staged.basis)
    logits = staged.tensors(taught, "logits")["logits"]
    assert logits.shape == (len(universe.images), 2)
    assert torch.isfinite(logits).all()
    judged = universe.under_review & universe.validation
    right = logits[judged].argmax(dim=1) == universe.local_labels[judged]
    assert taught.number("validation_images") == int(judged.sum())
    assert taught.number("validation_accuracy") == pytest.approx(float(right.float().mean()))


def test_the_classifier_is_asked_about_the_same_images_and_classes_as_its_teacher(staged, taught):
    universe = load_universe(staged.work, staged.basis)
    train = staged.tensors(staged.basis.predictions, "logits")["train"][universe.rows["train"]]
    ids = list(staged.basis.class_ids)
    labels = universe.images.labels[: len(train)]
    asked = [
        max(ids, key=lambda i: float(row[i])) == int(label)
        for row, label, held in zip(train, labels, universe.validation, strict=False)
        if bool(held) and int(label) in ids
    ]
    assert len(asked) == taught.number("validation_images")
    found = taught.number("classifier_validation_accuracy")
    assert found == pytest.approx(sum(asked) / len(asked))


def test_labels_come_from_the_targets_and_accuracy_from_the_truth(staged):
    """A teacher of swapped labels learns them, and is judged wrong."""
    graphs = load_graphs(staged.work, staged.concepts)
    universe = load_universe(staged.work, staged.basis)
    lesson = prepare_lesson(
        staged.work, staged.basis, staged.concepts, universe, graphs, graphs, staged.channel, 0
    )
    assert lesson.rows.tolist() == universe.under_review.nonzero().flatten().tolist()

    longer = staged.channel.reasoner.model_copy(update={"epochs": 100, "patience": 100})
    params = staged.channel.model_copy(update={"reasoner": longer})

    def accuracy(targets):
        work = replace(staged.work, outputs={})
        found = learn_lesson(work, universe, lesson, targets, graphs, params, 0)
        assert set(work.outputs) == {"logits", "reasoner", "config", "matched", "history"}
        return found["validation_accuracy"]

    truth = universe.local_labels
    swapped = torch.where(truth >= 0, 1 - truth, truth)
    assert accuracy(truth) > 0.5 > accuracy(swapped)


def test_a_teacher_follows_its_graphs(staged, taught):
    graphs = load_graphs(staged.work, staged.concepts)
    swapped = [
        type(graph)(graph.class_id, graph.class_name, graph.concepts[::-1], graph.edge_state)
        for graph in graphs
    ]
    other = staged.teacher(swapped)
    assert other.key != taught.key
    assert staged.teacher(graphs).reused


def test_every_pass_of_a_reasoner_is_told_to_the_tracking(staged, taught):
    def losses(result):
        records = stage_records(staged.workplace, result)
        series = [one for one in records if one.name == "epoch.validation_loss"]
        assert [one.step for one in series] == list(range(1, len(series) + 1))
        return [one.value for one in series]

    for result in (staged.reasoner, taught):
        assert 1 <= len(losses(result)) <= staged.channel.reasoner.epochs
    assert min(losses(staged.reasoner)) == pytest.approx(staged.reasoner.facts["seed_losses"][0])
