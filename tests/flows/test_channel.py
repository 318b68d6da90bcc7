import sys

import pytest

from feedback.errors import IncompleteChannelError, UnknownChannelError
from flows.channel import FUNCTIONS, available_channels, load_channel, missing_parts
from flows.params import load_params
from review.panel import PARTS, available_panels, load_panel

FILES = {
    "flows.channels": "".join(f"def {name}(*given):\n    return None\n\n\n" for name in FUNCTIONS),
    "tasks.channels": "",
    "feedback.channels": "",
    "models": "",
    "review.panels": "".join(f"{part} = None\n" for part in PARTS),
}


@pytest.fixture
def add_channel(tmp_path, monkeypatch):
    """Add a channel by files alone: a folder on the path of each package."""
    for package in FILES:
        __import__(package)
        path = [*sys.modules[package].__path__, str(tmp_path / package)]
        monkeypatch.setattr(sys.modules[package], "__path__", path)

    def add(name, *, without=()):
        for package, text in FILES.items():
            if package in without:
                continue
            folder = tmp_path / package
            folder.mkdir(exist_ok=True)
            if package == "models":
                (folder / name).mkdir()
                (folder / name / "__init__.py").touch()
                (folder / name / "params.py").write_text(
                    "from models.params import Params\n\n\n"
                    f"class {name.capitalize()}Params(Params):\n    loud: bool = False\n"
                )
            else:
                (folder / f"{name}.py").write_text(text)
        return name

    yield add
    for module in [m for m in sys.modules if m.split(".")[-1].startswith("toy") or ".toy" in m]:
        del sys.modules[module]


def test_a_channel_is_added_by_files_alone(add_channel):
    add_channel("toy")
    assert available_channels() == ("concept_graph", "saliency_grid", "toy")
    assert missing_parts("toy") == ()
    assert load_channel("toy").check({}, None, None) is None
    params = load_params(None, ("channel=toy", "toy.loud=true"))
    assert params.of_channel().loud is True
    assert available_panels() == ("concept_graph", "saliency_grid", "toy")
    assert load_panel("toy").WORDS is None


@pytest.mark.parametrize("package", ["tasks.channels", "feedback.channels", "models"])
def test_a_channel_that_lacks_a_file_is_incomplete(add_channel, package):
    name = add_channel(f"toyless{package.split('.')[0]}", without=(package,))
    expected = f"{package}.{name}" + (".params" if package == "models" else "")
    assert missing_parts(name) == (expected,)
    with pytest.raises(IncompleteChannelError, match=expected):
        load_channel(name)


def test_a_channel_that_lacks_a_function_is_incomplete(add_channel, tmp_path):
    add_channel("toyless")
    (tmp_path / "flows.channels" / "toyless.py").write_text("def explain():\n    return None\n")
    lacking = tuple(f"flows.channels.toyless.{name}" for name in FUNCTIONS if name != "explain")
    assert missing_parts("toyless") == lacking


def test_an_unknown_channel_is_named_with_those_that_exist():
    with pytest.raises(UnknownChannelError, match="expected one of concept_graph"):
        load_channel("telepathy")
