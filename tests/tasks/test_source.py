import pytest

from tasks import source
from tasks.source import imported_modules, source_digest


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(source, "OURS", ("ours_a", "ours_b"))
    (tmp_path / "ours_a.py").write_text(
        "def f():\n    from ours_b.deep import g\n    import json\n"
    )
    (tmp_path / "ours_b").mkdir()
    (tmp_path / "ours_b" / "__init__.py").write_text("")
    (tmp_path / "ours_b" / "deep.py").write_text(
        "raise RuntimeError('never imported')\nNAME = 'ours_b.late'\n"
    )
    (tmp_path / "ours_b" / "late.py").write_text("x = 1\n")
    forget()
    yield tmp_path
    forget()


def forget():
    source.source_digest.cache_clear()
    source._direct_imports.cache_clear()
    source._find.cache_clear()


def test_imports_inside_functions_and_modules_named_by_strings_are_followed(project):
    assert imported_modules("ours_a") == {"ours_a", "ours_b.deep", "ours_b.late"}


def test_a_change_at_any_depth_changes_the_digest_and_nothing_is_imported(project):
    before = source_digest("ours_a")
    (project / "ours_b" / "late.py").write_text("x = 2\n")
    forget()
    assert source_digest("ours_a") != before


def test_an_unknown_module_is_refused():
    with pytest.raises(ValueError, match="importable module"):
        source_digest("no_such_module_anywhere")


def test_the_classifier_stage_knows_its_architectures_and_leaves_the_plumbing_out():
    found = imported_modules("tasks.classifier")
    assert {"models.resnet", "models.vgg", "models.training", "tasks.weights"} <= found
    assert not found & {"tasks.stage", "tasks.tracking", "feedback.store"}
