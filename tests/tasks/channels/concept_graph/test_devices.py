"""Every stage on a GPU: no tensor is left behind, and results are the CPU's within the tolerance.

Each stage is given what the CPU computed before it.
"""

from functools import partial

import pytest
import torch

from feedback.channels.concept_graph import GraphEdit, ReplaceConcept
from models.concept_graph.bank import top_concepts
from models.concept_graph.params import CarryOverParams
from models.precision import BFLOAT16
from tasks.channels.concept_graph.carrying import carry_over_edits, keep_exemplars
from tasks.channels.concept_graph.correcting import distil, edit_graphs
from tasks.channels.concept_graph.explaining import explain_classes
from tasks.channels.concept_graph.mining import embed_segments, load_bank, mine_class, mining_params
from tasks.channels.concept_graph.previewing import preview_graphs, quick_params
from tasks.channels.concept_graph.reasoning import fit_teacher, imitate_classifier, load_graphs
from tasks.channels.concept_graph.showing import show_correction
from tasks.classifier import predict, train_classifier
from tests.on_devices import REAL, WHERE, check_result, compute_again
from tests.pretended_gpu import pretended_gpu
from tests.tasks.channels.concept_graph.conftest import stage_shapes


class Computed:
    """What every stage needs, computed by the CPU, and how to run each stage."""

    def __init__(self, staged):
        self.staged, basis, channel = staged, staged.basis, staged.channel
        mining = mining_params(channel)
        self.calls = {}
        given = {"basis": basis}
        self.call("train_classifier", train_classifier, dataset=staged.dataset,
                  classifier=staged.params.classifier, training=staged.params.training,
                  weights_sha256="", seed=0)  # fmt: skip
        self.call("predict", predict, dataset=staged.dataset, classifier=basis.classifier,
                  training=staged.params.training)  # fmt: skip
        embedded = self.call("embed_segments", embed_segments, **given, gate=mining.gate,
                             clusters=mining.clusters)  # fmt: skip
        self.call("mine_class", mine_class, **given, embedded=embedded, class_id=0,
                  params=mining, seed=0)  # fmt: skip
        given |= {"concepts": staged.concepts}
        imitating = given | {"params": channel, "seed": 0}
        self.call("imitate_classifier", imitate_classifier, **imitating)
        explanation = self.call("explain_classes", explain_classes, **given,
                                reasoner=staged.reasoner, seed=0)  # fmt: skip
        exemplars = keep_exemplars.fn(staged.workplace, **given)
        edit = self.edit()
        self.call("carry_over_edits", carry_over_edits, **given, exemplars=exemplars, earlier=[],
                  params=CarryOverParams())  # fmt: skip
        edited = edit_graphs.fn(staged.workplace, concepts=staged.concepts, edits=[edit])
        original = [graph.to_json() for graph in load_graphs(staged.work, staged.concepts)]
        changed = staged.work.artifacts.load_list(edited.outputs["graphs"])
        unmodified = self.call("fit_unmodified", fit_teacher, **imitating, graphs=original)
        teacher = self.call("fit_teacher", fit_teacher, **imitating, graphs=changed)
        assert teacher.number("copies") > 0
        self.call("preview_graphs", preview_graphs, **given, graphs=changed, seed=0,
                  params=quick_params(channel))  # fmt: skip
        student = None
        for mode in ("blank", "transplant"):
            params = staged.params.distillation.model_copy(update={"edit_augmentation": mode})
            student = self.call(f"distil_{mode}", distil, basis=basis, teacher=teacher,
                                unmodified=unmodified, original=original, graphs=changed,
                                params=params, seed=0)  # fmt: skip
        self.call("show_correction", show_correction, basis=basis, explanation=explanation,
                  edited=edited, teacher=teacher, student=student)  # fmt: skip

    def call(self, name, stage, **given):
        """Compute a stage on the CPU, and remember how."""
        run = partial(getattr(stage, "fn", stage), **given)
        self.calls[name] = (run, run(self.staged.workplace))
        return self.calls[name][1]

    def edit(self):
        """Replace a concept of the bars by one that was not chosen."""
        bars, _ = load_graphs(self.staged.work, self.staged.concepts)
        bank = load_bank(self.staged.work, self.staged.concepts)
        names = [bank.concept_ids[row] for row in top_concepts(bank, 0, 4)]
        spare = next(name for name in names if name not in bars.concepts)
        op = ReplaceConcept(slot=0, from_=bars.concepts[0], to=spare, reason="sea")
        edit = GraphEdit(class_name="bars", base_cscg=bars.revision, ops=(op,))
        return edit.model_dump(mode="json")


@pytest.fixture(scope="module")
def computed(tmp_path_factory, shapes_dir):
    home = tmp_path_factory.mktemp("computed")
    return Computed(stage_shapes(home, shapes_dir, training__precision="float32"))


STAGES = [
    "train_classifier", "predict", "embed_segments", "mine_class", "imitate_classifier",
    "explain_classes", "carry_over_edits", "fit_unmodified", "fit_teacher", "preview_graphs",
    "distil_blank", "distil_transplant", "show_correction",
]  # fmt: skip
LEARNING = {"train_classifier", "imitate_classifier", "fit_unmodified", "fit_teacher",
            "preview_graphs", "distil_blank", "distil_transplant"}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("name", STAGES)
def test_a_stage_on_a_gpu_gives_what_the_cpu_gives(computed, monkeypatch, name, where):
    run, expected = computed.calls[name]
    workplace = computed.staged.workplace
    found = compute_again(run, workplace, where, monkeypatch)
    check_result(workplace.artifacts, found, expected, where, learns=name in LEARNING)


@pytest.mark.parametrize("where", [REAL])
@pytest.mark.parametrize("name", ["predict", "embed_segments"])
def test_forward_passes_in_bfloat16_are_close_to_the_cpu(computed, monkeypatch, name, where):
    run, expected = computed.calls[name]
    staged = computed.staged
    training = staged.params.training.model_copy(update={"precision": "bfloat16"})
    if name == "predict":
        low = partial(run, training=training)
    else:
        low = partial(run, basis=staged.basis.model_copy(update={"training": training}))
    found = compute_again(low, staged.workplace, where, monkeypatch)
    assert found.digest() != expected.digest()
    check_result(
        staged.workplace.artifacts, found, expected, where, learns=False, tolerance=BFLOAT16
    )


def test_a_pretended_gpu_finds_a_tensor_that_was_left_behind():
    here = torch.ones(2, 3)
    with pretended_gpu():
        there = here.to("cuda")
        assert there.is_cuda
        assert (there + 1).device.type == "cuda"
        assert (there * torch.tensor(2.0)).device.type == "cuda"
        assert there[torch.tensor([0])].device.type == "cuda"
        assert there.cpu().device.type == "cpu"
        for mixed in (
            lambda: there + here,
            lambda: torch.cat([there, here]),
            lambda: here[there[:, 0].long()],
            lambda: torch.nn.Linear(3, 2)(there),
            lambda: torch.nn.functional.cross_entropy(there, torch.tensor([0, 1])),
            lambda: torch.isin(there, torch.tensor(1.0)),
        ):
            with pytest.raises((RuntimeError, IndexError), match=r"device|cuda"):
                mixed()
        with pytest.raises(TypeError, match="numpy"):
            there.numpy()
        with pytest.raises(RuntimeError, match="generator"):
            torch.rand(2, device="cuda", generator=torch.Generator())
