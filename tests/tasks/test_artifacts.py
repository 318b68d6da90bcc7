import pickletools

import pytest
import torch

from feedback.errors import ArtifactError, DigestMismatchError


def test_tensors_json_and_pictures_survive_the_way_through_the_store(workplace):
    artifacts = workplace.artifacts
    tensors = {
        "a": torch.randn(3, 4, generator=torch.Generator().manual_seed(0)),
        "b": torch.ones(2).bool(),
    }
    ref = artifacts.save_tensors(tensors)
    loaded = artifacts.load_tensors(ref)
    assert all(torch.equal(loaded[name], value) for name, value in tensors.items())
    value = {"ü": [1, 0.5, None, True], "a": {}}
    assert artifacts.load_json(artifacts.save_json(value)) == value
    assert artifacts.load_bytes(artifacts.save_png(b"\x89PNG")) == b"\x89PNG"


def test_a_view_of_a_larger_tensor_is_stored_alone(workplace):
    ref = workplace.artifacts.save_tensors({"x": torch.zeros(1000, 8)[:, ::4]})
    assert ref.bytes < 1000 * 2 * 4 + 500
    assert workplace.artifacts.load_tensors(ref)["x"].shape == (1000, 2)


def test_equal_content_is_stored_once_under_its_digest(workplace):
    first = workplace.artifacts.save_json({"a": 1, "b": 2})
    assert workplace.artifacts.save_json({"b": 2, "a": 1}) == first
    assert first.uri.endswith(first.sha256)
    assert len(workplace.objects.list("artifacts/")) == 1


def test_changed_bytes_are_not_read(workplace):
    ref = workplace.artifacts.save_json([1, 2])
    workplace.objects.put(ref.uri, b"[1,3]")
    with pytest.raises(DigestMismatchError, match=r"expected artifacts/.* to hash to"):
        workplace.artifacts.load_json(ref)
    assert workplace.artifacts.save_json([1, 2]) == ref
    assert workplace.artifacts.load_list(ref) == [1, 2]


def test_a_missing_artifact_says_what_to_do(workplace):
    ref = workplace.artifacts.save_json([1])
    workplace.objects.delete(ref.uri)
    with pytest.raises(ArtifactError, match="--fresh"):
        workplace.artifacts.load_json(ref)


def test_a_list_is_a_list(workplace):
    with pytest.raises(ArtifactError, match="expected a list"):
        workplace.artifacts.load_list(workplace.artifacts.save_json({"a": 1}))


def test_nothing_is_pickled(workplace):
    ref = workplace.artifacts.save_tensors({"x": torch.zeros(2)})
    data = workplace.artifacts.load_bytes(ref)
    with pytest.raises(ValueError):
        list(pickletools.genops(data))
    with pytest.raises((TypeError, ValueError)):
        workplace.artifacts.save_json({"x": float("nan")})
