import torch

from models.attribution import cell_gradients, gate_mask, grad_cam
from models.classifier import build_classifier
from models.concept_graph.embedding import embed_segments
from models.concept_graph.gated_embedding import embed_with_gate
from models.concept_graph.params import ClusterParams, GateParams, SegmentParams
from models.concept_graph.segments import segment_images
from models.params import ClassifierParams


def test_one_pass_gives_what_the_single_functions_give():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 255, (3, 3, 64, 64), generator=generator, dtype=torch.uint8)
    segments = segment_images(images, SegmentParams())
    model = build_classifier(ClassifierParams(arch="resnet18", width=0.25), 4).eval()
    classes = torch.tensor([2, 0, 3])
    found = embed_with_gate(
        model, images, classes, segments, GateParams(), ClusterParams(), batch_size=2
    )
    features = model(images.float() / 255).features.detach()
    close = {"rtol": 1e-4, "atol": 1e-5}
    torch.testing.assert_close(
        found.embeddings, embed_segments(model, images, segments, ClusterParams()), **close
    )
    gradients = cell_gradients(model, features, classes).mean(dim=(2, 3))
    torch.testing.assert_close(found.class_gradients, gradients, **close)
    mask = gate_mask(grad_cam(model, features, classes), (64, 64), 0.5)
    torch.testing.assert_close(found.gate_coverage, segments.coverage(mask), rtol=0, atol=0.02)
    assert found.gate_coverage.shape == (len(segments),)


def test_a_gate_that_keeps_everything_covers_every_segment():
    images = torch.randint(0, 255, (1, 3, 64, 64), dtype=torch.uint8)
    segments = segment_images(images, SegmentParams())
    model = build_classifier(ClassifierParams(arch="resnet18", width=0.25), 2)
    found = embed_with_gate(
        model, images, torch.tensor([1]), segments, GateParams(keep_share=1.0), ClusterParams()
    )
    assert (found.gate_coverage == 1).all()
