"""Whoever dies during an intake, or goes away: nothing is lost and nothing doubled."""

import shutil

import pytest

from feedback.errors import StoreError
from tasks.dataset import intake_plan, version
from tests.feedback.memory import Killed, MemoryStore, MortalStore
from tests.tasks.dataset.doom import Doom, was_killed
from tests.tasks.dataset.intake_office import Clock, picture


class Away(MemoryStore):
    """Answers a number of calls, then no more."""

    def __init__(self, inner, answers):
        super().__init__(inner.now)
        self.objects, self.answers = inner.objects, answers

    def _asked(self):
        self.answers -= 1
        if self.answers < 0:
            raise StoreError("expected the store (got no answer); start it")

    def list(self, prefix=""):
        self._asked()
        return super().list(prefix)

    def get(self, key, *, max_bytes=None):
        self._asked()
        return super().get(key, max_bytes=max_bytes)


@pytest.mark.parametrize("answers", [0, 1, 2, 3])
def test_a_store_that_is_away_changes_nothing(office, answers, tmp_path):
    office.store.put("intake/1", picture(1))
    office.store.put("intake/2", picture(2))
    before = office.record.read_bytes(), office.pool()
    with pytest.raises(StoreError, match="got no answer"):
        office.take(Away(office.store, answers))
    assert (office.record.read_bytes(), office.pool()) == before
    assert office.receipts() == []
    assert len(office.take().of("taken")) == 2


def mortal(monkeypatch, office, dies_at):
    """Die before or after the n-th step that leaves a trace, or in the middle of a copy."""
    doom = Doom(dies_at)

    def cut_short(source, target):
        target.write_bytes(source.read_bytes()[:100])
        doom.point()
        target.write_bytes(source.read_bytes())

    monkeypatch.setattr(version, "add", doom.around(office.add))
    monkeypatch.setattr(version, "push", doom.around(version.push))
    monkeypatch.setattr(intake_plan.shutil, "copyfile", doom.around(cut_short))
    monkeypatch.setattr(intake_plan, "give_receipts", doom.around(intake_plan.give_receipts))


def test_whoever_dies_anywhere_nothing_is_lost_and_nothing_doubled(office, monkeypatch, tmp_path):
    shutil.copytree(office.data, tmp_path / "kept")
    wanted = sorted([*office.contents(), picture(1), picture(2)])
    n_deaths = 0
    for dies_at in range(1, 100):
        shutil.rmtree(office.data)
        shutil.copytree(tmp_path / "kept", office.data)
        office.store, office.pushed = MemoryStore(Clock()), []
        office.add(office.data)
        office.store.put("intake/1", picture(1))
        office.store.put("intake/2", picture(2))
        with monkeypatch.context() as patch:
            mortal(patch, office, dies_at)
            if not was_killed(office.take):
                break
        n_deaths += 1
        report = office.take()
        assert office.contents() == wanted, dies_at
        assert version.read_md5(office.record) == version.folder_md5(office.data)
        assert office.outcomes() == {"1": "taken", "2": "taken"}, dies_at
        assert office.pushed[-1] == version.read_md5(office.record)
        assert report.md5 in (None, version.read_md5(office.record))
    # Two copies of three steps each, record, push and receipts.
    assert n_deaths == 12


@pytest.mark.parametrize("after", [False, True])
def test_a_process_that_dies_at_a_call_to_the_store_is_made_good(office, after):
    office.store.put("intake/1", picture(1))
    office.store.put("intake/junk", b"junk")
    for dies_at in range(1, 40):
        store = MortalStore(office.store, dies_at=dies_at, after=after)
        if not was_killed(lambda store=store: office.take(store)):
            break
    assert office.outcomes() == {"1": "taken", "junk": "refused"}
    assert len(office.pool()) == 2


def test_a_record_that_was_cut_short_is_written_again(office, monkeypatch):
    office.store.put("intake/1", picture(1))

    def torn(folder):
        office.record.write_text("outs:\n- md5")
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(version, "add", torn)
        with pytest.raises(Killed):
            office.take()
    assert office.take().md5 == version.read_md5(office.record)


def test_a_plan_gives_way_to_data_that_were_changed_meanwhile(office, monkeypatch):
    office.store.put("intake/1", picture(1))
    with monkeypatch.context() as patch:
        mortal(patch, office, 2)
        with pytest.raises(Killed):
            office.take()
    shutil.rmtree(office.data / "pool")
    (office.data / "train/cat/9.png").write_bytes(picture(9))
    office.add(office.data)
    report = office.take()
    assert len(report.of("taken")) == 1
    assert len(office.pool()) == 1
