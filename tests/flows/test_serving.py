"""The champion is used outside of Parley's flow, by the very lines that the README gives."""

import re

import pytest

from tests.shapes import CLASSES
from tests.test_readme import README

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


def test_the_readmes_lines_name_the_class_of_an_image(first, shapes_dir):
    (lines,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    photo = shapes_dir / "test" / CLASSES[0] / "00.png"
    # The run of these tests is too small to be promoted, and lies in a home of its own.
    for there, here in {
        "sqlite:///.parley/mlflow.db": first.report["tracking"]["uri"],
        "@champion": "@candidate",
        "photo.jpg": str(photo),
    }.items():
        assert there in lines
        lines = lines.replace(there, here)
    names = {}
    exec(lines, names)
    assert names["told"]["classes"] == list(CLASSES)
    assert names["told"]["image_size"] == names["pixels"].shape[0] == 64
    assert sum(names["shares"].values()) == pytest.approx(1, abs=1e-5)
    assert list(names["shares"]) == list(CLASSES)
