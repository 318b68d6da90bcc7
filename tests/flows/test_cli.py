import json
import subprocess
import sys

import yaml


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


def test_channels_and_params_are_printed(parley):
    code, out, error = parley("channels")
    assert (code, "concept_graph" in out, "complete" in out, error) == (0, True, True, "")
    code, out, _ = parley("params", "--set", "seed=5", "--set", "saliency_grid.seeds=7")
    assert (code, "seed: 5" in out) == (0, True)
    channels = yaml.safe_load(out)["channels"]
    assert channels["saliency_grid"]["seeds"] == 7
    assert channels["concept_graph"]["graph"]["n_concepts"] == 4


def test_a_preview_worker_without_questions_ends_when_told_to_look_once(parley):
    code, out, _ = parley("preview", "--once")
    assert (code, out.splitlines()[-1]) == (0, "0 answered")


def test_a_report_of_no_run_and_an_answer_to_no_request_are_told(parley, tmp_path):
    code, _, error = parley("report", "none")
    assert (code, "expected a finished run named 'none'" in error) == (1, True)
    (tmp_path / "a.json").write_text(json.dumps({}))
    code, _, error = parley("review", "submit", "rq-none", tmp_path / "a.json")
    assert code == 1
    assert len(error.strip().splitlines()) == 1
