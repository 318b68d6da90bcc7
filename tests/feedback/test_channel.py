from pathlib import Path

import pytest

import feedback.channels
from feedback.channel import available_feedback_channels, load_feedback_channel
from feedback.errors import IncompleteChannelError, UnknownChannelError


def test_channels_are_found_by_their_files() -> None:
    assert "concept_graph" in available_feedback_channels()
    channel = load_feedback_channel("concept_graph")
    assert channel.RESPONSE.__name__ == "GraphEdit"


@pytest.mark.parametrize("name", ["", "os", "..errors", "concept_graph.os", "saliency"])
def test_only_discovered_names_are_imported(name: str) -> None:
    with pytest.raises(UnknownChannelError, match=r"expected one of .*concept_graph"):
        load_feedback_channel(name)


def test_a_file_without_the_parts_is_an_incomplete_channel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_a_channel.py").write_text("RESPONSE = None\n")
    monkeypatch.setattr(feedback.channels, "__path__", [*feedback.channels.__path__, str(tmp_path)])
    assert "half_a_channel" in available_feedback_channels()
    with pytest.raises(IncompleteChannelError, match="EVIDENCE, validate_response"):
        load_feedback_channel("half_a_channel")
