"""Every answer to as many images as are allowed can be read, and every decision can be written."""

import hashlib

import pytest

from feedback.bounded import MAX_BYTES
from feedback.bundle import ReviewBundle
from feedback.channels.saliency_grid import (
    Grid,
    MarkedCell,
    ShownCell,
    answer_bytes,
    answer_on,
    most_images,
    read_evidence,
)
from feedback.decision import MOST_EDITS
from feedback.document import parse_document
from feedback.errors import MalformedDocumentError
from feedback.inbox import MOST_WARNINGS, check_upload
from tests.feedback.channels.saliency_grid.images import make_image, make_request, make_upload


def ask(n_images: int, cells: int, n_shown: int) -> ReviewBundle:
    grid = [(r, c) for r in range(cells) for c in range(cells)][-n_shown:]
    return make_request(
        model_version="f" * 12,
        grid=Grid(g=cells, h=224, w=224),
        images=tuple(
            make_image(
                "ship.png",
                image=hashlib.sha256(str(n).encode()).hexdigest(),
                shown=tuple(ShownCell(r=r, c=c, score=1.0) for r, c in grid),
                failure="incomplete",
            )
            for n in range(n_images)
        ),
    )


def answer_all(bundle: ReviewBundle) -> bytes:
    evidence = read_evidence(bundle)
    cells = range(evidence.grid.g)
    marked = [MarkedCell(r=r, c=c) for r in cells for c in cells]
    said = {"flags": ("label_suspect", "unclear"), "seconds_spent": 12.5}
    return make_upload(
        bundle,
        *(
            answer_on(evidence, image, marked, **said).model_dump(mode="json")
            for image in evidence.images
        ),
        comment="x" * 4000,
        seconds_by_item={image.image: 12.5 for image in evidence.images},
    )


@pytest.mark.parametrize(("cells", "n_shown"), [(4, 1), (7, 10), (28, 784)])
def test_an_answer_that_marks_every_cell_of_the_most_images_can_be_read(
    cells: int, n_shown: int
) -> None:
    most = most_images(cells, n_shown)
    bundle = ask(most, cells, n_shown)
    data = answer_all(bundle)
    # What was computed is a bound, and no idle one.
    assert 0.5 * most * answer_bytes(cells, n_shown) < len(data) < MAX_BYTES
    warnings = check_upload(bundle, data).warnings
    assert len(warnings) <= MOST_WARNINGS


def test_twice_as_many_images_can_be_too_many() -> None:
    with pytest.raises(MalformedDocumentError, match="at most 262144 bytes"):
        parse_document(answer_all(ask(2 * most_images(28, 784), 28, 784)))


def test_warnings_beyond_what_is_kept_are_counted() -> None:
    bundle = ask(228, 4, 1)
    kept = check_upload(bundle, answer_all(bundle)).warnings
    # Everything marked, large area, label, unclear, failed: five for each of 228 images.
    assert len(kept) == MOST_WARNINGS
    assert kept[-1] == f"{5 * 228 - MOST_WARNINGS + 1} more warnings are left out"


def test_a_decision_holds_all_that_three_reviewers_may_say() -> None:
    for cells in range(4, 29):
        for n_shown in (1, cells**2):
            # Marks of one, while a second skips the image and a third finds it unclear.
            assert 1 <= most_images(cells, n_shown) <= MOST_EDITS // 3
