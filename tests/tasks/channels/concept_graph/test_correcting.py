import pytest
import torch

from feedback.canonical import sha256_hex
from feedback.channels.concept_graph import AddEdge, GraphEdit, RemoveEdge, ReplaceConcept
from feedback.errors import DatasetError
from models.concept_graph.bank import top_concepts
from models.distillation import two_teacher_loss
from models.imageset import UNLABELLED
from tasks.channels.concept_graph.correcting import distil, edit_graphs, transfer_set
from tasks.channels.concept_graph.mining import load_bank
from tasks.channels.concept_graph.reasoning import load_graphs
from tasks.classifier import load_split
from tasks.tracking import stage_records
from tests.shapes import N_POOL, N_TEST


@pytest.fixture(scope="module")
def graphs(staged):
    return [graph.to_json() for graph in load_graphs(staged.work, staged.concepts)]


@pytest.fixture(scope="module")
def edits(staged):
    """Replace the first concept of the bars, cut one edge there, and assert one of the squares."""
    bars, squares = load_graphs(staged.work, staged.concepts)
    bank = load_bank(staged.work, staged.concepts)
    spare = next(
        bank.concept_ids[row]
        for row in top_concepts(bank, 0, 4)
        if bank.concept_ids[row] not in bars.concepts
    )
    replaced = ReplaceConcept(slot=0, from_=bars.concepts[0], to=spare, reason="sea")
    made = (
        GraphEdit(
            class_name="bars",
            base_cscg=bars.revision,
            ops=(replaced, RemoveEdge(src=0, dst=1)),
        ),
        GraphEdit(
            class_name="squares",
            base_cscg=squares.revision,
            ops=(AddEdge(src=0, dst=1, bidirectional=True),),
        ),
    )
    return [edit.model_dump(mode="json") for edit in made]


@pytest.fixture(scope="module")
def edited(staged, edits):
    return edit_graphs.fn(staged.workplace, concepts=staged.concepts, edits=edits)


@pytest.fixture(scope="module")
def teacher(staged):
    return staged.teacher(load_graphs(staged.work, staged.concepts))


@pytest.fixture
def transfer(staged, teacher, graphs, edited):
    """The transfer images and the teachers' word on them, for changed parameters."""
    after = staged.work.artifacts.load_list(edited.outputs["graphs"])

    def make(*, word=teacher, changed=False, **params):
        settings = staged.params.distillation.model_copy(update=params)
        return transfer_set(
            staged.work,
            staged.basis,
            word,
            teacher,
            graphs,
            after if changed else graphs,
            settings,
        )

    return make


def test_edits_are_applied_counted_and_described(staged, edits, edited):
    bars, squares = staged.work.artifacts.load_list(edited.outputs["graphs"])
    assert bars["concepts"][0] == edits[0]["ops"][0]["to"]
    assert bars["edge_state"] == ["removed", "auto"]
    assert squares["edge_state"] == ["added", "added"]
    assert (edited.facts["edits"], edited.facts["replaced"]) == (3, 1)
    described = edited.facts["described"]
    assert [row["op"] for row in described] == ["replace_concept", "remove_edge", "add_edge"]
    assert described[0]["reason"] == "sea"
    assert described[2]["change"] == "edge 0 ↔ 1 added"


def test_no_edit_leaves_the_graphs_as_they_were(staged, graphs):
    none = edit_graphs.fn(staged.workplace, concepts=staged.concepts, edits=[])
    assert staged.work.artifacts.load_list(none.outputs["graphs"]) == graphs


@pytest.mark.parametrize("split", ["train", "pool", "both"])
def test_a_transfer_set_holds_its_split_and_a_distribution_for_each_image(staged, transfer, split):
    images, targets = transfer(transfer=split)
    fitted = staged.tensors(staged.basis.classifier, "split")["train"]
    names = load_split(staged.work, staged.dataset, "train", staged.params.training).names
    labelled = [names[row] for row in fitted.tolist()] if split != "pool" else []
    n_pool = N_POOL if split != "train" else 0
    # Never an image that was carved out to validate.
    assert list(images.names[: len(labelled)]) == labelled
    assert len(images) == len(labelled) + n_pool
    assert all(name.startswith("pool/") for name in images.names[len(labelled) :])
    assert targets.shape == (len(images), 3)
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(len(images)))
    assert (targets >= 0).all()


def test_the_reasoner_shares_out_only_what_the_classifier_gives_the_edited_classes(
    staged, transfer
):
    _, alone = transfer(word=None, transfer="both")
    _, both = transfer(transfer="both")
    torch.testing.assert_close(both[:, 1], alone[:, 1])
    torch.testing.assert_close(both[:, [0, 2]].sum(dim=1), alone[:, [0, 2]].sum(dim=1))


def test_a_pool_image_never_counts_in_the_hard_term(transfer, staged):
    images, targets = transfer(transfer="both")
    from_pool = (images.labels == UNLABELLED).nonzero().flatten()
    assert [images.names[i].split("/")[0] for i in from_pool.tolist()] == ["pool"] * N_POOL
    loss = two_teacher_loss(targets, images.labels, staged.params.distillation)
    logits = torch.randn(N_POOL, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    terms = loss(logits, from_pool)
    assert float(terms["hard"]) == 0.0
    (gradient,) = torch.autograd.grad(terms["loss"], logits)
    only_soft = two_teacher_loss(
        targets, images.labels, staged.params.distillation.model_copy(update={"beta": 0.0})
    )
    (expected,) = torch.autograd.grad(only_soft(logits, from_pool)["loss"], logits)
    torch.testing.assert_close(gradient, expected)


def test_altered_copies_keep_the_label_and_the_word_of_their_source(staged, transfer):
    images, targets = transfer(
        changed=True, transfer="train", edit_augmentation="blank", edit_augmentation_share=1.0
    )
    plain, _ = transfer(transfer="train")
    copies = range(len(plain), len(images))
    assert len(copies) > 0
    row_of = {name: row for row, name in enumerate(plain.names)}
    for copy in copies:
        source = row_of[images.names[copy].partition("#")[0]]
        # Only the bars lost a concept.
        assert int(images.labels[copy]) == int(images.labels[source]) == 0
        torch.testing.assert_close(targets[copy], targets[source])
        altered = (images.images[copy] != images.images[source]).any(dim=0)
        assert 0 < int(altered.sum()) < altered.numel()


def test_a_share_of_the_copies_joins_the_images_they_were_made_from(transfer):
    def make(share):
        images, _ = transfer(
            changed=True, transfer="both", edit_augmentation="blank", edit_augmentation_share=share
        )
        return images

    none, half, all_ = make(0.0), make(0.5), make(1.0)
    n_copies = len(all_) - len(none)
    assert n_copies > 1
    assert len(half) - len(none) == round(n_copies / 2)
    assert half.names[: len(none)] == none.names
    assert set(half.names) < set(all_.names)


def test_without_an_edit_nothing_is_altered(transfer):
    images, _ = transfer(transfer="train", edit_augmentation="blank")
    assert not any("#" in name for name in images.names)


def test_a_pool_that_is_not_there_is_refused(staged, teacher, graphs):
    logits = staged.tensors(staged.basis.predictions, "logits")
    without = staged.save("predict", tensors={"logits": {"train": logits["train"]}})
    basis = staged.basis.model_copy(update={"predictions": without})
    params = staged.params.distillation.model_copy(update={"transfer": "pool"})
    with pytest.raises(DatasetError, match="add a pool/"):
        transfer_set(staged.work, basis, teacher, teacher, graphs, graphs, params)


def test_a_student_is_the_same_for_a_seed_and_another_for_another(
    staged, teacher, graphs, monkeypatch
):
    monkeypatch.setattr(staged.workplace, "fresh", True)

    def student(seed):
        return distil.fn(
            staged.workplace,
            basis=staged.basis,
            teacher=teacher,
            unmodified=teacher,
            original=graphs,
            graphs=graphs,
            params=staged.params.distillation,
            seed=seed,
        )

    first, again, other = student(0), student(0), student(1)
    assert first.outputs["model"] == again.outputs["model"] != other.outputs["model"]
    assert first.outputs["spec"] == staged.basis.classifier.outputs["spec"]
    assert staged.tensors(first, "test_logits")["logits"].shape == (3 * N_TEST, 3)
    weights = staged.work.artifacts.load_bytes(first.outputs["model"])
    assert sha256_hex(weights) != staged.basis.classifier.outputs["model"].sha256
    records = stage_records(staged.workplace, first)
    told = {one.name: (one.step, one.value) for one in records if one.name.startswith("epoch.")}
    assert {"epoch.loss", "epoch.soft", "epoch.hard"} <= set(told)
    assert told["epoch.loss"] == (staged.params.distillation.epochs, first.number("loss"))
