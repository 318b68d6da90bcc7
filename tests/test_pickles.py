"""The search for pickles finds every kind, or a clean search would say nothing."""

import io
import json
import pickle

import pytest
import torch

from tests.pickles import is_pickle, pickles


class Trap:
    def __reduce__(self):
        return (print, ("sprung",))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_of_any_protocol_is_found(protocol):
    assert is_pickle(pickle.dumps(Trap(), protocol))


def test_a_pickle_inside_of_an_archive_is_found():
    buffer = io.BytesIO()
    torch.save({"a": torch.zeros(1)}, buffer)
    assert pickles({"x.png": buffer.getvalue()}) == ["x.png!archive/data.pkl"]


def test_example_inputs_are_tolerated_only_while_they_are_tensors(tmp_path):
    program = torch.export.export(torch.nn.Linear(2, 2), (torch.zeros(2, 2),))
    torch.export.save(program, tmp_path / "model.pt2")
    assert pickles({"model.pt2": (tmp_path / "model.pt2").read_bytes()}) == []
    program._example_inputs = ((torch.zeros(2, 2),), {"trap": torch.Size([1])})
    torch.export.save(program, tmp_path / "model.pt2")
    assert len(pickles({"model.pt2": (tmp_path / "model.pt2").read_bytes()})) == 1


@pytest.mark.parametrize("data", [b"{}", b"text.", b"\x89PNG", b"", json.dumps([1]).encode()])
def test_what_is_no_pickle_is_not_taken_for_one(data):
    assert not is_pickle(data)
