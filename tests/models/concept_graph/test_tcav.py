import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from models.concept_graph.bank import ConceptBank
from models.concept_graph.cav import fit_cavs
from models.concept_graph.concepts import mine_concepts
from models.concept_graph.params import ClusterParams, ConceptGraphParams, GateParams, TcavParams
from models.concept_graph.segment_set import SegmentSet
from models.concept_graph.tcav import score_concepts, tcav_scores


def _mined(n_features: int = 6):
    """Two concepts: the first feature high, or the second; everything else is noise."""
    generator = torch.Generator().manual_seed(0)
    embeddings = torch.rand(80, n_features, generator=generator) * 0.5
    embeddings[0::2, 0] += 4
    embeddings[1::2, 1] += 4
    segments = SegmentSet(
        label_maps=torch.zeros(40, 1, 2, 2, dtype=torch.uint8),
        image_index=torch.arange(40).repeat_interleave(2),
        level=torch.zeros(80, dtype=torch.int64),
        label=torch.tensor([0, 1]).repeat(40),
        area=torch.full((80,), 0.5),
        centroid=torch.full((80, 2), 0.5),
        box=torch.tensor([[0, 0, 1, 2]]).repeat(80, 1),
    )
    params = ConceptGraphParams(
        clusters=ClusterParams(n_clusters=2), gate=GateParams(enabled=False)
    )
    bank, members = mine_concepts(0, "a", segments, embeddings, torch.ones(80), params, 0)
    noise = torch.rand(200, n_features, generator=generator) * 0.5
    return bank, members, embeddings, noise


def _gradients(*values: float) -> torch.Tensor:
    """Class gradients of 25 images: these values on the first features, slight noise elsewhere."""
    generator = torch.Generator().manual_seed(1)
    gradients = torch.randn(25, 6, generator=generator) * 0.3
    gradients[:, : len(values)] = torch.tensor(values)
    return gradients


@pytest.mark.parametrize("kind", ["hinge", "mean_difference"])
def test_the_concept_that_raises_the_logit_scores_one_and_its_opposite_zero(kind):
    bank, members, embeddings, noise = _mined()
    scored = score_concepts(
        bank, members, embeddings, _gradients(2.0, -2.0), noise, TcavParams(cav=kind), 0
    )
    raises = int(bank.centres[:, 0].argmax())
    assert scored.tcav_score[raises] == 1
    assert scored.tcav_score[1 - raises] == 0
    # The CAVs are near the axes, along which the logit changes by 2 per unit.
    assert scored.tcav_magnitude[raises] == pytest.approx(2, abs=0.1)
    assert scored.tcav_magnitude[1 - raises] == pytest.approx(-2, abs=0.1)
    assert scored.significant.all()
    assert scored.score.tolist() == scored.tcav_magnitude.tolist()
    assert (scored.tcav_low <= scored.tcav_score).all()
    assert (scored.tcav_score <= scored.tcav_high).all()


def test_a_class_that_ignores_the_concepts_gives_nothing_significant():
    bank, members, embeddings, noise = _mined()
    gradients = torch.randn(25, 6, generator=torch.Generator().manual_seed(3))
    gradients = torch.cat([gradients, -gradients])  # every direction scores one half
    scored = score_concepts(bank, members, embeddings, gradients, noise, TcavParams(), 0)
    assert scored.tcav_score.tolist() == [0.5, 0.5]
    assert scored.p_value.tolist() == [1.0, 1.0]
    assert not scored.significant.any()


def test_random_segments_as_a_concept_are_rarely_significant():
    generator = torch.Generator().manual_seed(5)
    noise = torch.rand(400, 6, generator=generator)
    bank, _, _, _ = _mined()
    bank = replace(bank, centres=torch.full((2, 6), 0.5))
    members = torch.arange(100) % 2
    gradients = torch.randn(25, 6, generator=generator) * 0.5 + 0.2
    found = [
        score_concepts(bank, members, noise[:100], gradients, noise[100:], TcavParams(), seed)
        for seed in range(3)
    ]
    scores = torch.cat([scored.tcav_score for scored in found])
    assert 0 < float(scores.mean()) < 1


def test_the_seed_decides_the_random_sets():
    bank, members, embeddings, noise = _mined()
    gradients = _gradients(0.1, 0.0)

    def scored(seed: int) -> ConceptBank:
        return score_concepts(bank, members, embeddings, gradients, noise, TcavParams(), seed)

    assert torch.equal(scored(1).tcav_magnitude, scored(1).tcav_magnitude)
    assert not torch.equal(scored(1).tcav_magnitude, scored(2).tcav_magnitude)


def test_random_sets_shrink_to_a_small_pool():
    bank, members, embeddings, noise = _mined()
    scored = score_concepts(bank, members, embeddings, _gradients(2.0), noise[:9], TcavParams(), 0)
    assert scored.tcav_score[int(bank.centres[:, 0].argmax())] == 1


def test_a_bank_of_other_segments_is_refused():
    bank, members, embeddings, noise = _mined()
    with pytest.raises(ValueError, match="expected members of a/k01"):
        score_concepts(
            bank, members.clamp_max(0), embeddings, _gradients(1.0), noise, TcavParams(), 0
        )


class _Toy(nn.Module):
    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.features = nn.Identity()
        self.register_buffer("weight", weight)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.features(values).sin() @ self.weight.T


def test_scores_agree_with_captum(tmp_path):
    from captum.attr import LayerGradientXActivation
    from captum.concept import TCAV, Classifier, Concept

    _, members, embeddings, noise = _mined()
    params = TcavParams(cav="mean_difference", n_random=2)
    rows = (members == 0).nonzero().flatten()
    vectors = torch.cat([embeddings, noise])
    negative = 80 + torch.arange(50)
    cav = fit_cavs(vectors, rows[None], negative[None], params)

    class MeanDifference(Classifier):
        def __init__(self) -> None: ...

        def train_and_eval(self, dataloader, **kwargs):
            batches = list(dataloader)
            x = torch.cat([batch[0] for batch in batches])
            y = torch.cat([batch[1] for batch in batches])
            self._classes = y.unique().tolist()
            first, second = (x[y == label].mean(0) for label in self._classes)
            direction = nn.functional.normalize(first - second, dim=0)
            self._weights = torch.stack([direction, -direction])

        def weights(self):
            return self._weights

        def classes(self):
            return self._classes

    def concept(number: int, values: torch.Tensor) -> Concept:
        return Concept(number, f"c{number}", torch.utils.data.DataLoader(values, batch_size=200))

    generator = torch.Generator().manual_seed(2)
    model = _Toy(torch.randn(3, 6, generator=generator))
    inputs = torch.rand(30, 6, generator=generator) * 3
    tcav = TCAV(
        model,
        ["features"],
        classifier=MeanDifference(),
        layer_attr_method=LayerGradientXActivation(model, None, multiply_by_inputs=False),
        save_path=str(tmp_path),
    )
    sets = [[concept(0, vectors[rows]), concept(1, vectors[negative])]]
    theirs = tcav.interpret(inputs, sets, target=1)["0-1"]["features"]

    gradients = torch.func.vmap(torch.func.grad(lambda x: model(x)[1]))(inputs.detach())
    score, magnitude = tcav_scores(gradients, cav)
    assert 0 < float(score) < 1
    assert float(score) == pytest.approx(float(theirs["sign_count"][0].detach()))
    assert float(magnitude) == pytest.approx(float(theirs["magnitude"][0].detach()), rel=1e-4)
    assert not math.isnan(float(magnitude))
