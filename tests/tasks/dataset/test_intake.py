"""Images from use come into the pool once and whole, whatever they are called."""

import json

import pytest

from feedback.errors import DatasetError
from feedback.local import LocalStore
from tasks.dataset import version
from tasks.dataset.intake import LOOKS_PER_IMAGE, take_in
from tests.feedback.memory import MemoryStore
from tests.tasks.dataset.intake_office import picture


def test_sound_images_come_into_the_pool_under_names_of_our_own(office):
    before = office.pool()
    office.store.put("intake/camera 1/a.jpeg", picture(1, "JPEG"))
    office.store.put("intake/b", picture(2))
    report = office.take()
    assert [receipt.outcome for receipt in report.receipts] == ["taken", "taken"]
    added = set(office.pool()) - set(before)
    assert {name.rpartition(".")[2] for name in added} == {"jpg", "png"}
    assert all(len(name.partition(".")[0]) == 32 for name in added)
    assert report.md5 == version.folder_md5(office.data) == version.read_md5(office.record)
    assert office.pushed == [report.md5]
    assert {receipt.dataset_md5 for receipt in office.receipts()} == {report.md5}
    # Nothing is taken away from where it was put, and nothing is looked at twice.
    assert len(office.store.list("intake/")) == 2
    assert office.take() == type(report)()
    assert len(office.pushed) == 1


def test_what_the_importer_refuses_is_refused_with_its_reason(office):
    sound = picture(1)
    office.store.put("intake/text.png", b"no image at all")
    office.store.put("intake/cut.png", sound[: len(sound) // 2])
    office.store.put("intake/cut.jpg", picture(2, "JPEG", (80, 60))[:-400])
    office.store.put("intake/bomb.png", picture(3, size=(60, 60)))
    office.store.put("intake/script.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    office.store.put("intake/large.png", picture(4, size=(100, 100)))
    office.store.put("intake/empty.png", b"")
    report = office.take(max_pixels=2000, max_bytes=20_000)
    assert report.md5 is None
    reasons = {receipt.name: receipt.reason for receipt in report.of("refused")}
    assert set(reasons) == {
        "text.png", "cut.png", "cut.jpg", "bomb.png", "script.eps", "large.png", "empty.png",
    }  # fmt: skip
    assert all(reason.startswith("expected") and "(got" in reason for reason in reasons.values())
    assert "pixels" in reasons["bomb.png"]
    assert "bytes" in reasons["large.png"]
    assert office.pool() == ["a.png"]
    assert office.take().receipts == ()


def test_an_image_that_the_dataset_has_is_a_duplicate_wherever_it_lies(office):
    for split in ("train/cat/0.png", "test/cat/1.jpg", "pool/a.png"):
        office.store.put(f"intake/{split}", (office.data / split).read_bytes())
    office.store.put("intake/one", picture(1))
    office.store.put("intake/the same", picture(1))
    report = office.take()
    assert len(report.of("taken")) == 1
    assert {receipt.file for receipt in report.of("duplicate")} > {
        "train/cat/0.png", "test/cat/1.jpg", "pool/a.png",
    }  # fmt: skip
    assert len(office.pool()) == 2


def test_the_newest_are_taken_first_and_the_others_wait(office):
    for n in range(5):
        office.store.put(f"intake/{n}", picture(n))
    report = office.take(max_images=2)
    assert [receipt.name for receipt in report.of("taken")] == ["4", "3"]
    assert report.n_left == 3
    assert [receipt.name for receipt in office.take(max_images=2).of("taken")] == ["2", "1"]


def test_junk_does_not_keep_an_intake_busy(office):
    for n in range(LOOKS_PER_IMAGE + 3):
        office.store.put(f"intake/{n:02d}", b"junk")
    report = office.take(max_images=1)
    assert len(report.receipts) == LOOKS_PER_IMAGE
    assert report.n_left == 3


def test_few_images_wait_until_there_are_enough(office):
    office.store.put("intake/1", picture(1))
    office.store.put("intake/junk", b"junk")
    report = office.take(min_images=2)
    assert (report.md5, report.n_left, office.pool()) == (None, 1, ["a.png"])
    assert office.outcomes() == {"junk": "refused"}
    office.store.put("intake/2", picture(2))
    assert len(office.take(min_images=2).of("taken")) == 2


def test_a_new_image_under_an_old_name_is_looked_at_anew(office):
    office.store.put("intake/latest.png", b"half an upload")
    assert office.take().of("refused")
    office.store.put("intake/latest.png", picture(1))
    assert office.take().of("taken")


HOSTILE = [
    "../../../etc/cron.d/x",
    "/etc/passwd",
    "a/../../pool/a.png",
    ".hidden/.git/config",
    "back\\slash",
    "line\nbreak\x00\x1b[2J",
    "e\u0301 not nfc",
    "\u202egnp.exe",
    "\udce9 no unicode",
    "x" * 600,
    "y" * 2000,
    "[bold]markup[/]",
    "pool/a.png",
]


def test_names_reach_neither_the_disk_nor_a_terminal(office, tmp_path):
    """A store that lists whatever somebody managed to put there."""
    for n, name in enumerate(HOSTILE):
        key = f"intake/{name}"
        office.store.objects[key] = (picture(n), office.store.now(), f"tag-{n}")
    before = {path for path in tmp_path.rglob("*") if ".dvc" not in path.parts}
    report = office.take(max_images=50)
    assert len(report.receipts) == len(HOSTILE)
    made = {path for path in tmp_path.rglob("*") if ".dvc" not in path.parts} - before
    assert {path.parent for path in made} == {office.data / "pool"}
    assert len(made) == len(report.of("taken")) == 3
    for receipt in office.receipts():
        assert (receipt.name + receipt.reason).isprintable()
        assert len(receipt.name) <= 200
        json.dumps(receipt.model_dump(mode="json"), ensure_ascii=False).encode("utf-8")
    assert office.take(max_images=50).receipts == ()


def test_names_that_only_a_disk_can_hold_are_refused(office, tmp_path):
    store = LocalStore(tmp_path / "store")
    folder = tmp_path / "store" / "intake"
    folder.mkdir()
    (folder / "e\u0301.png").write_bytes(picture(1))
    (folder / "a\\b.png").write_bytes(picture(2))
    (folder / "link.png").symlink_to("/etc/passwd")
    report = office.take(store)
    assert [receipt.outcome for receipt in report.receipts] == ["refused", "refused"]


def test_data_that_somebody_changed_are_not_recorded_in_passing(office):
    office.store.put("intake/1", picture(1))
    (office.data / "train/cat/9.png").write_bytes(picture(9))
    with pytest.raises(DatasetError, match="dvc checkout"):
        office.take()
    assert office.receipts() == []


def test_without_a_version_nothing_is_taken_and_nothing_written(sound):
    store = MemoryStore()
    assert take_in(store, sound, max_images=1).receipts == ()
    store.put("intake/1", picture(1))
    with pytest.raises(DatasetError, match="beside the data"):
        take_in(store, sound, max_images=1)
    assert not (sound.parent / ".dvc").exists()


@pytest.mark.slow
def test_dvc_itself_records_and_keeps_the_images(sound):
    data = sound.rename(sound.with_name("data"))
    version.init(data.parent)
    first = version.add(data)
    store = MemoryStore()
    store.put("intake/1", picture(1))
    report = take_in(store, data, max_images=5)
    assert report.md5 == version.read_md5(data.with_name("data.dvc")) != first
    (data / report.receipts[0].file).unlink()
    version.pull(data)
    assert version.folder_md5(data) == report.md5
