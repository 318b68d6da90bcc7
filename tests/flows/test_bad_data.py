"""Datasets that a run or an import refuses, at the command line, before anything is written."""

import shutil
import zlib

import pytest
from PIL import Image

from tests.shapes import CLASSES, write_shapes


def without(*folders):
    def change(root):
        for folder in folders:
            shutil.rmtree(root / folder)

    return change


def one_class(root):
    without(*(f"{split}/{name}" for name in CLASSES[1:] for split in ("train", "test")))(root)


def emptied(folder):
    def change(root):
        for path in (root / folder).iterdir():
            path.unlink()

    return change


def cut(path):
    def change(root):
        data = (root / path).read_bytes()
        (root / path).write_bytes(data[: len(data) // 2])

    return change


def other_mask(root):
    Image.new("L", (5, 5), 1).save(root / "masks/train/bars/00.png")


def white_mask(root):
    """The object is white, as many tools write it."""
    Image.new("L", (64, 64), 255).save(root / "masks/train/bars/00.png")


def bomb(root):
    """A header that promises two billion pixels."""
    data = bytearray((root / "train/bars/00.png").read_bytes())
    data[16:24] = (40_000).to_bytes(4, "big") + (50_000).to_bytes(4, "big")
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    (root / "train/bars/00.png").write_bytes(data)


DAMAGES = {
    "missing": (shutil.rmtree, "nothing there"),
    "no-images": (without("train", "test"), "images in class"),
    "no-train": (without("train"), "train/ beside test/"),
    "one-class": (one_class, "two classes"),
    "class-only-in-test": (without("train/bars"), "'bars' in test only"),
    "class-not-in-test": (without("test/bars"), "none of 'bars'"),
    "empty-class": (emptied("train/bars"), "images of every class"),
    "unreadable-train": (cut("train/bars/00.png"), "train/bars/00.png"),
    "unreadable-test": (cut("test/discs/00.png"), "test/discs/00.png"),
    "unreadable-pool": (cut("pool/00.png"), "pool/00.png"),
    "unreadable-mask": (cut("masks/test/bars/00.png"), "masks/test/bars/00.png"),
    "white-mask": (white_mask, "masks/train/bars/00.png: expected values 1 object"),
    "bomb": (bomb, "train/bars/00.png"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_run_on_bad_data_is_refused(run_refused, tmp_path, damage):
    change, message = DAMAGES[damage]
    root = write_shapes(tmp_path / "shapes")
    change(root)
    run_refused("--data", root, message=message)


def same_image(source, *targets):
    def change(root):
        for target in targets:
            shutil.copy(root / source, root / target)

    return change


HIDDEN = {
    "in-train-and-test": (same_image("train/bars/00.png", "test/bars/00.png"), "share no image"),
    "of-two-classes": (same_image("train/bars/00.png", "train/discs/00.png"), "one class per"),
    "mask-of-another-size": (other_mask, "64x64 pixels (got 5x5)"),
}


@pytest.mark.parametrize("damage", HIDDEN)
def test_a_run_finds_what_decoding_alone_does_not(run_refused, tmp_path, damage):
    root = write_shapes(tmp_path / "shapes")
    HIDDEN[damage][0](root)
    run_refused("--data", root, message=HIDDEN[damage][1])


def test_a_run_lists_all_problems_and_ends_with_the_worst(parley, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    root = write_shapes(tmp_path / "shapes")
    cut("train/bars/01.png")(root)
    other_mask(root)
    same_image("train/discs/01.png", "pool/00.png")(root)
    same_image("train/squares/01.png", "train/squares/02.png")(root)
    code, out, error = parley("run", "--data", root)
    assert code == 1
    assert "Problems found in the dataset" in out
    for told in ("unreadable", "pool/00.png", "mask size", "duplicate "):
        assert told in out
    assert "share no image" in error
    assert "(and 2 more)" in error


def test_a_file_is_no_dataset(run_refused, tmp_path):
    (tmp_path / "shapes").write_text("a file")
    run_refused("--data", tmp_path / "shapes", message="expected a dataset")


def test_working_data_that_no_record_names_are_refused(run_refused, tmp_path):
    write_shapes(tmp_path / "data")
    run_refused(message="data.dvc")
    (tmp_path / "data.dvc").write_text(f"outs:\n- md5: {'0' * 32}.dir\n  path: data\n")
    run_refused(message="dvc checkout")


# An import lists what it finds in one table; what makes the table impossible is one line.
TABLE = {
    "one-class": "two classes",
    "class-only-in-test": "in test only",
    "empty-class": "images of every class",
    "unreadable-train": "readable image",
    "white-mask": "expected values 1 object, 2 background",
    "bomb": "at most 89,478,485",
}


@pytest.mark.parametrize("damage", TABLE)
def test_an_import_of_bad_data_lists_problems_and_changes_nothing(
    parley, tmp_path, monkeypatch, damage
):
    from tests.flows.conftest import files_below

    monkeypatch.setenv("COLUMNS", "400")
    root = write_shapes(tmp_path / "shapes")
    DAMAGES[damage][0](root)
    before = files_below(tmp_path)
    code, out, error = parley("data", "import", root)
    assert (code, error) == (1, "")
    assert TABLE[damage] in out
    assert "nothing was imported" in out
    assert files_below(tmp_path) == before


def test_a_mask_of_another_size_is_listed(parley, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    other_mask(write_shapes(tmp_path / "shapes"))
    code, out, _ = parley("data", "import", tmp_path / "shapes")
    assert (code, "64x64 pixels (got 5x5)" in out) == (1, True)


def test_the_limit_of_pixels_is_an_option_that_its_problem_names(parley, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    root = write_shapes(tmp_path / "shapes")
    code, out, _ = parley("data", "import", root, "--max-pixels", "4095")
    assert (code, "at most 4,095 pixels (got 4,096)" in out) == (1, True)
    assert "raise --max-pixels of `parley data import`" in out
    assert not (tmp_path / "data").exists()
    monkeypatch.setattr("tasks.dataset.inspection.MAX_PIXELS", 4095)
    monkeypatch.setattr("tasks.dataset.importing.version", FakeVersion)
    assert parley("data", "import", root)[0] == 1
    assert parley("data", "import", root, "--max-pixels", "4096")[0] == 0
    assert (tmp_path / "data/train").is_dir()


class FakeVersion:
    """Records of versions, without DVC."""

    records = staticmethod(lambda dest: [])
    init = staticmethod(lambda folder: None)
    add = staticmethod(lambda folder: "0" * 32)
    push = staticmethod(lambda folder: None)


def test_names_with_brackets_are_shown_as_they_are(parley, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    root = write_shapes(tmp_path / "shapes")
    # Together they read as markup that closes what was never opened.
    (root / "train/ring[").mkdir()
    (root / "train/ring[/b].png").write_bytes(b"no image")
    code, out, _ = parley("data", "import", root)
    assert (code, "train/ring[/b].png" in out) == (1, True)


@pytest.mark.parametrize("damage", ["missing", "no-images", "no-train"])
def test_an_import_of_no_dataset_is_one_line(refused, tmp_path, damage):
    root = write_shapes(tmp_path / "shapes")
    DAMAGES[damage][0](root)
    refused("data", "import", root, message="expected")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "taken"], "no data at taken"),
        (["--to", "shapes/inside"], "source and destination apart"),
        (["--to", "/proc/parley/data"], "write beside"),
        (["--test-share", "7"], "from 0.05 to 0.9 (got 7"),
        (["--max-pixels", "0"], "from 1 to 178956970 (got 0"),
        (["--max-pixels", "178956971"], "shrink images that are larger"),
    ],
)
def test_an_import_to_a_bad_place_is_one_line(refused, tmp_path, arguments, message):
    (tmp_path / "taken").write_text("a file")
    write_shapes(tmp_path / "shapes")
    refused("data", "import", "shapes", *arguments, message=message)


@pytest.mark.slow
@pytest.mark.parametrize("remote", ["/proc/parley", "taken/inside"])
def test_an_import_whose_remote_takes_nothing_leaves_the_old_version(
    parley, refused, tmp_path, remote
):
    write_shapes(tmp_path / "shapes", seed=1)
    assert parley("data", "import", "shapes", "--no-push")[0] == 0
    old = (tmp_path / "data.dvc").read_bytes()
    config = (tmp_path / ".dvc/config").read_text()
    (tmp_path / "taken").write_text("a file")
    place = remote if remote.startswith("/") else str(tmp_path / remote)
    (tmp_path / ".dvc/config").write_text(config.replace("../.parley/dvc-remote", place))
    write_shapes(tmp_path / "others", seed=2)
    kept = visible(tmp_path)
    code, _, error = parley("data", "import", "others", "--replace")
    assert (code, error.count("\n")) == (1, 1)
    assert "expected `dvc push` to succeed" in error
    assert (tmp_path / "data.dvc").read_bytes() == old
    assert visible(tmp_path) == kept
    assert parley("data", "status")[0] == 0


def visible(root):
    """Every file but DVC's own memory, which holds copies by content."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.is_relative_to(root / ".dvc")
    }


@pytest.mark.parametrize(
    ("remote", "message"),
    [
        ("s3://key:secret@bucket/data", "without user, password or key"),
        ("s3://bucket/data?secret=hunter2", "without user, password or key"),
        ("gdrive://folder", "a folder or s3://BUCKET/PREFIX"),
        ("s3:///data", "a folder or s3://BUCKET/PREFIX"),
    ],
)
def test_a_remote_that_a_commit_may_not_hold_is_refused(
    refused, tmp_path, monkeypatch, remote, message
):
    write_shapes(tmp_path / "shapes")
    error = refused("data", "import", "shapes", "--remote", remote, message=message)
    assert "secret" not in error.replace("AWS_SECRET_ACCESS_KEY", "")
    assert "hunter2" not in error
    monkeypatch.setenv("PARLEY_DVC_REMOTE", remote)
    refused("data", "import", "shapes", message=message)
