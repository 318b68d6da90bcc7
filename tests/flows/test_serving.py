"""The champion is used outside of Parley's flow, by the very lines that the README gives."""

import json
import re
import subprocess
import sys

import pytest

from tests.shapes import CLASSES
from tests.test_readme import README, ROOT

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
    # In a process of its own, as where it is used: MLflow keeps the address for all of a process.
    lines += "\nimport json\nprint(json.dumps([told, shares, list(pixels.shape)]))\n"
    done = subprocess.run(
        (sys.executable, "-c", lines), cwd=ROOT, capture_output=True, text=True, timeout=200,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told, shares, shape = json.loads(done.stdout.splitlines()[-1])
    assert told["classes"] == list(CLASSES) == list(shares)
    assert [told["image_size"]] * 2 == shape[:2] == [64, 64]
    assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
