import json
import shutil
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from tests.shapes import CLASSES, tiny_overrides, write_shapes


def test_help_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['parley', '--help']\n"
        "from flows.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('torch', 'prefect', 'mlflow', 'numpy', 'dvc') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Train, explain, ask" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def refused(parley, settings, *arguments, message):
    """Check that a run ends with one line on stderr before anything was computed or tracked."""
    flags = [flag for value in tiny_overrides() for flag in ("--set", value)]
    code, _, error = parley("run", *flags, *arguments)
    assert code == 1
    assert message in error
    assert error.startswith("parley: ")
    assert len(error.strip().splitlines()) == 1
    assert not (settings.home / "mlflow.db").exists()
    stages = settings.home / "store" / "stages"
    assert not stages.exists()


def one_class(root):
    for name in CLASSES[1:]:
        for split in ("train", "test"):
            shutil.rmtree(root / split / name)


def only_in_test(root):
    shutil.rmtree(root / "train" / "bars")


def unreadable_test_image(root):
    (root / "test/discs/00.png").write_bytes(b"\x89PNG no more")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (shutil.rmtree, "got nothing there"),
        (lambda root: [shutil.rmtree(root / s) for s in ("train", "test")], "images in class"),
        (one_class, "two classes"),
        (only_in_test, "bars"),
        (unreadable_test_image, "readable image"),
    ],
)
def test_bad_data_end_a_run_in_one_line(parley, settings, tmp_path, change, message):
    root = write_shapes(tmp_path / "shapes")
    change(root)
    refused(parley, settings, "--data", root, message=message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "training.epoch=3"], "unknown parameter"),
        (["--set", "training.epochs=-1"], "training.epochs"),
        (["--channel", "telepathy"], "no channel named"),
        (["--set", "concept_graph.classes=[bars, spheres]"], "'spheres'"),
        (["--set", "concept_graph.n_classes=9"], "at most 3"),
        (["--params", "none.yaml"], "check --params"),
        (["--weights", "none.safetensors"], "classifier.weights"),
        (["--reviewer", "nobody"], "review.reviewer"),
        (["--reviewer", "file:none.json"], "check the path"),
        (["--report", "no/folder/r.json"], "create it first"),
    ],
)
def test_bad_arguments_end_a_run_in_one_line(parley, settings, shapes_dir, arguments, message):
    refused(parley, settings, "--data", shapes_dir, *arguments, message=message)


def test_weights_of_another_shape_end_a_run_in_one_line(parley, settings, shapes_dir, tmp_path):
    save_file({"conv1.weight": torch.zeros(3, 3)}, tmp_path / "w.safetensors")
    weights = tmp_path / "w.safetensors"
    refused(parley, settings, "--data", shapes_dir, "--weights", weights, message="resnet18")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not json", "JSON"),
        (b"{}", "schema"),
        (b'{"schema_version": 99}', "99"),
        (b" " * 20_000_000, "expected at most"),
    ],
)
def test_bad_feedback_files_end_a_run_in_one_line(
    parley, settings, shapes_dir, tmp_path, content, message
):
    (tmp_path / "answer.json").write_bytes(content)
    given = ["--data", shapes_dir, "--reviewer", f"file:{tmp_path / 'answer.json'}"]
    refused(parley, settings, *given, message=message)


def test_a_store_that_cannot_be_written_is_told(
    parley, settings, shapes_dir, tmp_path, monkeypatch
):
    (tmp_path / "taken").write_text("a file, not a folder")
    monkeypatch.setenv("PARLEY_STORE", str(tmp_path / "taken"))
    code, _, error = parley("run", "--data", shapes_dir)
    assert code == 1
    assert len(error.strip().splitlines()) == 1
    assert "taken" in error


def test_channels_and_params_are_printed(parley):
    code, out, _ = parley("channels")
    assert (code, "concept_graph" in out, "complete" in out) == (0, True, True)
    code, out, _ = parley("params", "--set", "seed=5")
    assert (code, "seed: 5" in out) == (0, True)


def test_a_report_of_no_run_and_an_answer_to_no_request_are_told(parley, tmp_path):
    code, _, error = parley("report", "none")
    assert (code, "expected a finished run named 'none'" in error) == (1, True)
    (tmp_path / "a.json").write_text(json.dumps({}))
    code, _, error = parley("review", "submit", "rq-none", tmp_path / "a.json")
    assert code == 1
    assert len(error.strip().splitlines()) == 1
