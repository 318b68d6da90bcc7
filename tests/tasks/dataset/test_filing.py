"""Closed reviews become data: once, whole, and never changed afterwards."""

import io
import json
import shutil
import tarfile
from contextlib import contextmanager

import pytest
import yaml

from feedback.bundle import parse_bundle
from feedback.canonical import sha256_hex
from feedback.channels.saliency_grid import read_evidence, read_marks
from feedback.decision import Decision
from feedback.errors import DatasetError
from feedback.exchange import check_upload, decide_single
from feedback.layout import file_key, upload_key
from feedback.policy import single_policy
from feedback.publishing import publish
from feedback.recording import record_transition
from feedback.states import ReviewState
from feedback.watching import watch_once
from tasks.channels.saliency_grid.said import Said, said_in
from tasks.dataset import filing, version
from tasks.dataset.filing import file_reviews
from tests.feedback.channels.saliency_grid.pair import ANSWERS, decide_pair
from tests.feedback.memory import MemoryStore, MortalStore
from tests.review_request import FILES, NOW, make_bundle, make_document
from tests.tasks.dataset.doom import Doom, was_killed

SHOWN = FILES | {"concepts.safetensors": b"features"}


class Office:
    """A DVC repository with a dataset, and a store; DVC is a file with the folder's md5."""

    def __init__(self, root):
        self.data, self.folder = root / "data", root / "reviews"
        self.record = root / "reviews.dvc"
        self.store, self.added, self.pushed = MemoryStore(lambda: NOW), [], []
        self.remote = root / "remote"

    def add(self, folder):
        md5 = version.folder_md5(folder)
        self.record.write_text(yaml.safe_dump({"outs": [{"md5": md5, "path": folder.name}]}))
        self.added.append(md5)
        return md5

    def push(self, folder):
        shutil.copytree(folder, self.remote, dirs_exist_ok=True)
        self.pushed.append(version.read_md5(self.record))

    def pull(self, folder):
        shutil.copytree(self.remote, folder)

    def close(self, verdict="approve", **changes):
        bundle = publish(self.store, make_bundle(files=SHOWN, **changes), SHOWN)
        upload = check_upload(bundle, make_document(bundle, verdict=verdict))
        decide_single(self.store, bundle, upload, now=NOW)
        return bundle

    def file(self, store=None):
        return file_reviews(store or self.store, self.data)

    def listed(self):
        return sorted(
            p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*") if p.is_file()
        )


@pytest.fixture
def office(tmp_path, monkeypatch):
    (tmp_path / ".dvc").mkdir()
    made = Office(tmp_path)
    for name in ("add", "push", "pull"):
        monkeypatch.setattr(version, name, getattr(made, name))
    return made


def test_a_closed_review_is_filed_with_all_that_it_was_made_of(office):
    bundle = office.close()
    name = bundle.request_id
    md5 = office.file()
    assert office.listed() == [
        f"{name}/bundle/concepts.safetensors", f"{name}/bundle/pictures.tar",
        f"{name}/decisions/0001.json", f"{name}/manifest.json",
    ]  # fmt: skip
    folder = office.folder / name
    assert parse_bundle((folder / "manifest.json").read_bytes(), name) == bundle
    decision = Decision.model_validate_json((folder / "decisions/0001.json").read_bytes())
    assert decision.is_approved
    assert decision.responses[0].document.reviewer == "u-5"
    with tarfile.open(fileobj=io.BytesIO((folder / "bundle/pictures.tar").read_bytes())) as packed:
        found = {m.name: packed.extractfile(m).read() for m in packed.getmembers()}
    assert found == FILES
    assert md5 == version.folder_md5(office.folder)
    assert office.pushed == [md5]


def test_answers_are_filed_as_they_were_handed_in(office):
    bundle = publish(office.store, make_bundle(), FILES)
    data = make_document(bundle)
    office.store.put(upload_key(bundle.request_id, "u-5", "nonce-001"), data)
    watch_once(office.store, single_policy(), NOW)
    office.file()
    folder = office.folder / bundle.request_id / "responses"
    assert (folder / "u-5-nonce-001.json").read_bytes() == data


def test_squares_are_filed_with_who_marked_what_and_teach_the_same_again(office):
    town, decision = decide_pair()
    office.file(town.store)
    folder = office.folder / decision.request_id
    manifest = (folder / "manifest.json").read_bytes()
    shown = read_evidence(parse_bundle(manifest, decision.request_id))
    filed = Decision.model_validate_json((folder / "decisions/0001.json").read_bytes())
    found = Said.of(filed, filed, shown)
    assert found == said_in(town.store, decision)
    assert {one.image for one in found.agreed} <= {one.image for one in shown.images}
    for reviewer in ("ada", "bob"):
        handed_in = json.loads((folder / f"responses/{reviewer}-nonce-0001.json").read_bytes())
        assert read_marks(handed_in["document"]["responses"]) == read_marks(ANSWERS[reviewer])


def test_filing_again_does_nothing_and_a_promotion_adds_one_file(office):
    bundle = office.close()
    first = office.file()
    assert office.file() == first
    assert (len(office.added), len(office.pushed)) == (1, 1)
    record_transition(office.store, bundle.request_id, ReviewState.PROMOTED, now=NOW)
    before = set(office.listed())
    assert office.file() != first
    assert set(office.listed()) - before == {f"{bundle.request_id}/decisions/0002.json"}


def test_open_requests_and_folders_without_versions_are_left_alone(office, tmp_path):
    publish(office.store, make_bundle(), FILES)
    assert office.file() is None
    office.close(notes="closed")
    shutil.rmtree(tmp_path / ".dvc")
    assert office.file() is None
    assert not office.folder.exists()
    assert not (tmp_path / ".dvc").exists()


def test_rejected_reviews_are_filed_too(office):
    bundle = office.close(verdict="reject")
    office.file()
    assert f"{bundle.request_id}/manifest.json" in office.listed()


def test_a_review_that_was_tampered_with_is_neither_filed_nor_in_the_way(office, caplog):
    broken, sound = office.close(notes="broken"), office.close(notes="sound")
    office.store.put(file_key(broken.request_id, "graph.png"), b"another picture")
    office.file()
    assert {name.split("/")[0] for name in office.listed()} == {sound.request_id}
    assert "is not filed yet" in caplog.text
    office.store.put(file_key(broken.request_id, "graph.png"), FILES["graph.png"])
    office.file()
    assert f"{broken.request_id}/manifest.json" in office.listed()


def test_filed_reviews_that_somebody_changed_are_not_recorded_in_passing(office):
    bundle = office.close()
    office.file()
    (office.folder / bundle.request_id / "manifest.json").write_bytes(b"{}")
    office.close(notes="next")
    with pytest.raises(DatasetError, match=r"dvc checkout reviews\.dvc"):
        office.file()
    assert len(office.added) == 1


def test_another_host_goes_on_from_the_recorded_reviews(office):
    first = office.close(notes="first")
    office.file()
    shutil.rmtree(office.folder)
    # The store has forgotten the first one.
    for key in [key for key in office.store.objects if first.request_id in key]:
        office.store.delete(key)
    second = office.close(notes="second")
    office.file()
    assert {name.split("/")[0] for name in office.listed()} == {
        first.request_id, second.request_id,
    }  # fmt: skip


def steps(monkeypatch, office, dies_at):
    """Die before or after the n-th thing that is written, or in the middle of a file."""
    doom, whole = Doom(dies_at), filing.written_whole

    @contextmanager
    def torn(path, *, durable):
        doom.point()
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(".0123abcd.part")
        half.write_bytes(b"half")
        doom.point()
        half.unlink()
        with whole(path, durable=durable) as stream:
            yield stream
        doom.point()

    monkeypatch.setattr(filing, "written_whole", torn)
    monkeypatch.setattr(version, "add", doom.around(office.add))
    monkeypatch.setattr(version, "push", doom.around(office.push))


def test_whoever_dies_anywhere_all_is_filed_once(office, monkeypatch):
    office.close(notes="one")
    office.close(notes="two")
    office.file()
    wanted, md5, n_deaths = office.listed(), version.folder_md5(office.folder), 0
    for dies_at in range(1, 200):
        for trace in (office.folder, office.remote):
            shutil.rmtree(trace)
        office.record.unlink()
        with monkeypatch.context() as patch:
            steps(patch, office, dies_at)
            if not was_killed(office.file):
                break
        n_deaths += 1
        assert office.file() == md5, dies_at
        assert office.listed() == wanted, dies_at
        assert version.folder_md5(office.remote) == md5, dies_at
    # Three points around each of eight files, two around the record and two around the copy.
    assert n_deaths == 3 * len(wanted) + 4


def test_the_store_may_go_away_at_any_call(office):
    office.close(notes="one")
    for dies_at in range(1, 100):
        store = MortalStore(office.store, dies_at=dies_at, after=False)
        if not was_killed(lambda store=store: office.file(store)):
            break
    assert len(office.listed()) == 4
    assert office.file() == office.added[-1]


@pytest.mark.slow
def test_dvc_itself_records_them_beside_the_dataset(sound):
    data = sound.rename(sound.with_name("data"))
    version.init(data.parent)
    dataset = version.add(data)
    store = MemoryStore(lambda: NOW)
    bundle = publish(store, make_bundle(), FILES)
    decide_single(store, bundle, check_upload(bundle, make_document(bundle)), now=NOW)
    md5 = file_reviews(store, data)
    assert md5 == version.read_md5(data.with_name("reviews.dvc"))
    # The dataset's version is what it was: no stage is computed again because of an answer.
    assert version.verify_working_data(data, data.with_name("data.dvc")) == dataset
    shutil.rmtree(data.with_name("reviews"))
    assert file_reviews(store, data) == md5
    found = data.with_name("reviews") / bundle.request_id / "manifest.json"
    assert sha256_hex(found.read_bytes()) == bundle.digest
