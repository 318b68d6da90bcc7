"""What is kept of reviewers' marks."""

import pytest

from feedback.channels.saliency_grid import read_marks
from tasks.channels.saliency_grid.banking import bank_feedback
from tasks.channels.saliency_grid.basis import first_rows
from tasks.channels.saliency_grid.queueing import doubts_table, label_queue
from tasks.channels.saliency_grid.said import Said


@pytest.fixture
def bank(begun):
    def add(*answers, before=None):
        said = Said(agreed=read_marks(answers))
        return bank_feedback.fn(
            begun.fresh(), basis=begun.basis, before=before, said=[said], params=begun.channel
        )

    return add


def marked(begun, result):
    return {entry["image"]: entry for entry in begun.work.load_json(result, "marks")}


def test_marks_become_weights_of_cells_by_the_digest_of_the_image(begun, bank):
    found = bank(begun.answer(begun.digests[2], (0, 1), (3, 3)))
    entry = marked(begun, found)[begun.digests[2]]
    assert entry["name"] == begun.images.names[2]
    assert [(r, c) for r in range(4) for c in range(4) if entry["weights"][r][c]] == [
        (0, 1),
        (3, 3),
    ]
    assert (found.facts["marked_images"], found.facts["clicks"]) == (1, 2)


def test_later_rounds_add_and_a_later_answer_replaces(begun, bank):
    first, second = begun.digests[:2]
    before = bank(begun.answer(first, (0, 0)), begun.answer(second, (0, 0)))
    found = bank(begun.answer(second, (1, 0)), before=before)
    weights = {image: entry["weights"] for image, entry in marked(begun, found).items()}
    assert weights[first][0][0] == 1
    assert (weights[second][0][0], weights[second][1][0]) == (0, 1)
    # Somebody looked again and found nothing wrong.
    assert set(marked(begun, bank(begun.answer(second), before=found))) == {first}


def test_an_answer_that_has_little_in_common_with_the_one_it_replaces_is_doubted(begun, bank):
    image = begun.digests[0]
    first = bank(begun.answer(image, (0, 0), (0, 1)))
    alike = bank(begun.answer(image, (0, 0)), before=first)
    unlike = bank(begun.answer(image, (3, 3)), before=first)
    nothing = bank(begun.answer(image), before=first)
    skipped = bank(begun.answer(image, flags=("skip",)), before=first)
    # It has no marks any more, and waits in the label queue.
    unusable = bank(begun.answer(image, flags=("unusable",)), before=first)
    doubted = [
        "unlike_earlier" in str(begun.work.load_json(found, "doubts"))
        for found in (first, alike, unlike, nothing, skipped, unusable)
    ]
    assert doubted == [False, False, True, True, False, False]


@pytest.mark.parametrize("flag", ["skip", "unclear"])
def test_who_abstains_takes_back_nobodys_marks(begun, bank, flag):
    image = begun.digests[0]
    found = bank(begun.answer(image, (0, 1)), begun.answer(image, flags=(flag,)))
    assert set(marked(begun, found)) == {image}
    # Nobody has to look at an image because it was skipped.
    assert len(begun.work.load_json(found, "queue")) == (flag == "unclear")


@pytest.mark.parametrize("flag", ["label_suspect", "unusable"])
def test_a_flagged_image_is_queued_and_not_trained_on(begun, bank, flag):
    image = begun.digests[0]
    cells = ((0, 0),) if flag == "label_suspect" else ()
    before = bank(begun.answer(image, (0, 1)))
    found = bank(begun.answer(image, *cells, flags=(flag,), comment="look"), before=before)
    assert marked(begun, found) == {}
    queue = begun.work.load_json(found, "queue")
    assert [(one["name"], one["flags"]) for one in queue] == [(begun.images.names[0], flag)]
    # Somebody can look after it as soon as the round is closed, whatever becomes of the run.
    table = begun.workplace.artifacts.load_text(found.outputs["label_queue.csv"])
    assert table == f"name,sha256,flags,artefact,comment\n{queue[0]['name']},{image},{flag},,look\n"


def test_who_finds_it_unclear_takes_nothing_from_the_label_queue(begun, bank):
    image = begun.digests[0]
    before = bank(
        begun.answer(image, flags=("label_suspect", "artefact"), artefact="hair", comment="a ship")
    )
    found = bank(begun.answer(image, flags=("unclear",), comment="blurred"), before=before)
    (row,) = begun.work.load_json(found, "queue")
    assert (row["flags"], row["artefact"]) == ("label_suspect artefact unclear", "hair")
    assert row["comment"] == "a ship"


def test_of_two_files_of_equal_content_the_first_is_meant():
    assert first_rows(["a", "b", "a", "c", "b"]) == {"a": 0, "b": 1, "c": 3}


def test_doubtful_images_are_listed_with_every_reason():
    table = doubts_table(
        [{"image": "ab", "name": "=a.png", "doubts": ["on_object", "low_agreement"]}]
    )
    assert table.splitlines() == ["name,sha256,doubts", "'=a.png,ab,on_object low_agreement"]


def test_an_artefact_is_queued_and_its_marks_are_kept(begun, bank):
    image = begun.digests[0]
    found = bank(begun.answer(image, (0, 0), flags=("artefact",), artefact="hair"))
    assert set(marked(begun, found)) == {image}
    assert begun.work.load_json(found, "queue")[0]["artefact"] == "hair"


def test_marks_on_the_object_and_all_shown_cells_are_doubted(begun, bank):
    mask = begun.images.masks[0]
    rows, columns = (mask == 1).nonzero(as_tuple=True)
    cell = (int(rows.float().mean()) // 16, int(columns.float().mean()) // 16)
    everything = begun.answer(begun.digests[1], (0, 0), (0, 1), (1, 0), (3, 3))
    found = bank(begun.answer(begun.digests[0], cell), everything)
    doubts = {entry["image"]: entry["doubts"] for entry in begun.work.load_json(found, "doubts")}
    assert "on_object" in doubts[begun.digests[0]]
    assert "all_shown_marked" in doubts[begun.digests[1]]
    assert found.facts["doubted"] == 2


def test_an_image_that_left_the_dataset_is_counted_and_passed_over(begun, bank):
    found = bank(begun.answer("e" * 64, (0, 0)))
    assert (found.facts["unknown_images"], found.facts["marked_images"]) == (1, 0)


def test_words_of_reviewers_are_no_formulas_in_the_label_queue():
    entry = {
        "name": "a,b.png",
        "image": "f" * 64,
        "flags": "artefact",
        "artefact": "=HYPERLINK(1)",
        "comment": '-1 "quoted"\nline',
    }
    lines = label_queue([entry])
    assert lines.startswith("name,sha256,flags,artefact,comment\n")
    assert '"a,b.png"' in lines
    assert "'=HYPERLINK(1)" in lines
    assert '\'-1 ""quoted' in lines
