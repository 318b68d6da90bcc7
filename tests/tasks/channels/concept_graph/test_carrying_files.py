"""Exemplars of earlier reviews that cannot be compared with, or that no run has written."""

import pytest
import torch
from safetensors.torch import save

from feedback.errors import ArtifactError
from feedback.publishing import publish
from tasks.channels.concept_graph.mining import load_bank
from tests.tasks.channels.concept_graph.mined_again import replace_mined


def with_exemplars(staged, before, earlier, data):
    """The same edits, of a review that was published with these bytes as its exemplars."""
    ref = staged.work.artifacts.save_png(data)
    stored = before.exemplars.model_copy(update={"outputs": {"exemplars": ref}})
    bundle, files = replace_mined(before, before.concepts, stored).bundle()
    publish(staged.workplace.objects, bundle, files)
    changed = {"request_id": bundle.request_id, "exemplars": ref.sha256}
    return [one.model_copy(update=changed) for one in earlier]


def test_exemplars_of_the_earlier_format_are_no_pictures_to_compare_with(
    staged, before, after, approved
):
    bank = load_bank(staged.work, before.concepts)
    cut_outs = {name: torch.zeros(2, 3, 48, 48, dtype=torch.uint8) for name in bank.concept_ids}
    earlier = with_exemplars(staged, before, after.earlier(staged.workplace), save(cut_outs))
    carried = after.carry(earlier, min_similarity=0.1)
    assert carried.facts == {"carried": 0, "lost": 2}
    (lost,) = staged.work.load_json(carried, "lost").values()
    assert all("left no picture to compare with" in one["why"] for one in lost)


def hostile_files():
    pixels = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    masks = torch.ones(1, 8, dtype=torch.uint8)
    one = {"images": pixels, "masks_of/a/k0": masks}
    return {
        "no safetensors": b"\x80\x04}.",
        "an image that is not there": save(one | {"image_of/a/k0": torch.tensor([1])}),
        "floats": save(one | {"image_of/a/k0": torch.tensor([0]), "images": pixels.float()}),
        "a dtype that torch lacks": header(b'{"images":{"dtype":"F6_E2M3","shape":[4],'
                                           b'"data_offsets":[0,3]}}') + bytes(3),
    }  # fmt: skip


def header(text):
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize("kind", sorted(hostile_files()))
def test_exemplars_that_no_run_could_have_written_are_refused(
    staged, before, after, approved, kind
):
    data = hostile_files()[kind]
    earlier = with_exemplars(staged, before, after.earlier(staged.workplace), data)
    with pytest.raises(ArtifactError, match=r"carry_over\.enabled=false"):
        after.carry(earlier, min_similarity=0.1)
