"""Real photographs where they are: checked whole, and one class mined with published weights.

They are looked for in ``../shared``; PARLEY_TEST_PETS and PARLEY_TEST_WEIGHTS name other places.
"""

import os
import shutil
from pathlib import Path

import pytest
import torch

from models.classifier import build_classifier
from models.concept_graph.concepts import mine_concepts
from models.concept_graph.gated_embedding import embed_with_gate
from models.concept_graph.object_share import exemplar_object_share
from models.concept_graph.params import ConceptGraphParams
from models.concept_graph.segments import segment_images
from models.concept_graph.tcav import score_concepts
from models.params import ClassifierParams
from tasks.dataset.images import load_images
from tasks.dataset.layout import read_index
from tasks.dataset.validation import check_dataset
from tasks.weights import load_weights, resolve_preprocess

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
PETS = Path(os.environ.get("PARLEY_TEST_PETS", SHARED / "data/pets37"))
WEIGHTS = Path(
    os.environ.get(
        "PARLEY_TEST_WEIGHTS", SHARED / "weights/squeezenet1_1_imagenet_fp16.safetensors"
    )
)
MINED, SIZE, N_IMAGES = "Abyssinian", 112, 20

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PETS.is_dir(), reason=f"no photographs at {PETS}"),
]


@pytest.fixture(scope="module")
def part(tmp_path_factory):
    """Three classes of the photographs, so many that decoding them takes little."""
    root = tmp_path_factory.mktemp("pets")
    for split in ("train", "test"):
        for name in (MINED, "Bengal", "american_bulldog"):
            for kind in ("", "masks/"):
                source = PETS / f"{kind}{split}/{name}"
                if source.is_dir():
                    target = root / f"{kind}{split}/{name}"
                    target.mkdir(parents=True)
                    for file in sorted(source.iterdir())[: 2 * N_IMAGES]:
                        shutil.copyfile(file, target / file.name)
    return root


def test_every_class_of_the_photographs_is_there_and_their_check_finds_nothing(part):
    assert len(read_index(PETS).classes) == 37
    assert check_dataset(read_index(part)) == []


@pytest.mark.skipif(not WEIGHTS.is_file(), reason=f"no weights at {WEIGHTS}")
def test_one_class_is_mined_with_published_weights(part):
    images = load_images(read_index(part), "train", size=SIZE, resize="squash")
    own = (images.labels == images.classes.index(MINED)).nonzero().flatten()[:N_IMAGES]
    chosen = images.select(own)
    classifier = ClassifierParams(arch="squeezenet1_1", weights=str(WEIGHTS))
    model = build_classifier(resolve_preprocess(classifier), len(images.classes), seed=0)
    load_weights(model, str(WEIGHTS))
    params = ConceptGraphParams()
    params = params.model_copy(
        update={
            "tcav": params.tcav.model_copy(update={"n_random": 5}),
            "clusters": params.clusters.model_copy(update={"min_segments": 8}),
        }
    )
    segments = segment_images(chosen.images, params.segments, 1)
    seen = embed_with_gate(
        model, chosen.images, chosen.labels, segments, params.gate, params.clusters
    )
    mined = mine_concepts(0, MINED, segments, seen.embeddings, seen.gate_coverage, params, seed=0)
    bank = score_concepts(
        mined.bank, mined.members, seen.embeddings, seen.class_gradients, seen.embeddings,
        params.tcav, 0,
    )  # fmt: skip
    assert len(bank) == params.clusters.n_clusters
    assert bool(bank.popular.any())
    assert bool(torch.isfinite(bank.tcav_magnitude).all())
    assert bool(((bank.tcav_score >= 0) & (bank.tcav_score <= 1)).all())
    # A cluster is more alike inside than all segments are: published features tell parts apart.
    vectors = torch.nn.functional.normalize(seen.embeddings - seen.embeddings.mean(dim=0), dim=1)
    inside = [vectors[mined.members == k] for k in range(len(bank))]
    within = torch.stack([(one @ one.mean(dim=0)).mean() for one in inside if len(one) > 1])
    assert float(within.mean()) > 0.3
    assert float((vectors @ vectors.mean(dim=0)).mean()) < 0.1
    assert chosen.masks is not None
    # By the trimaps, some concepts lie on the animal and others beside it.
    shares = []
    for rows in bank.exemplar_segments.tolist():
        known = [row for row in rows if row >= 0]
        masks = chosen.masks[segments.image_index[known]]
        shares.append(exemplar_object_share(torch.stack([*map(segments.mask, known)]), masks))
    assert max(shares) > 0.7
    assert min(shares) < 0.3
