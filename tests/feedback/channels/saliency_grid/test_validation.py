import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from feedback.channel import load_feedback_channel
from feedback.channels.saliency_grid import (
    RESPONSE,
    pack_evidence,
    read_evidence,
    validate_response,
)
from feedback.document import parse_document
from feedback.errors import (
    BundleMismatchError,
    ContradictionError,
    FeedbackError,
    MalformedDocumentError,
    UnknownTargetError,
)
from feedback.fields import JsonObject
from tests.feedback.channels.saliency_grid.images import (
    DIGESTS,
    make_evidence,
    make_image,
    make_marks,
    make_request,
    make_upload,
)

REQUEST = make_request()


def judge(*responses: JsonObject, request=REQUEST, **changes: object) -> tuple[str, ...]:
    return validate_response(request, parse_document(make_upload(request, *responses, **changes)))


def test_the_channel_is_found_and_complete() -> None:
    assert load_feedback_channel("saliency_grid").RESPONSE is RESPONSE


def test_evidence_survives_packing() -> None:
    evidence = read_evidence(REQUEST)
    assert evidence == make_evidence()
    assert pack_evidence(evidence, {DIGESTS["tank.png"]: 1.5}) == (REQUEST.evidence, REQUEST.items)
    assert [item.priority for item in REQUEST.items] == [0, 1.5, 0]


@pytest.mark.parametrize(
    "marks",
    [
        make_marks(),
        make_marks((0, 6)),
        make_marks((0, 6, 1), (6, 0, 0.5)),  # a cell that was not outlined may be marked
        make_marks((0, 6), image="sha256:" + DIGESTS["ship.png"]),
        make_marks(flags=["skip"]),
        make_marks(flags=["unusable", "label_suspect"]),
        make_marks((0, 6), flags=["artefact"], artefact="Haar über der Läsion"),
        make_marks((0, 6), comment="the corner", seconds_spent=11),
    ],
)
def test_marks_that_fit_pass_without_a_warning(marks: JsonObject) -> None:
    assert judge(marks) == ()


@pytest.mark.parametrize(
    ("marks", "kind", "reason"),
    [
        (make_marks(name="another.png"), UnknownTargetError, "one of the 3 images"),
        (make_marks((7, 0)), UnknownTargetError, "from 0 to 6"),
        (make_marks((0, 27)), UnknownTargetError, "from 0 to 6"),
        (make_marks((0, 28)), MalformedDocumentError, "cells.0.c"),
        (make_marks((-1, 0)), MalformedDocumentError, "cells.0.r"),
        (make_marks((0.5, 0)), MalformedDocumentError, "cells.0.r"),
        (make_marks((0, 6), (0, 6)), ContradictionError, "each cell once"),
        (make_marks((0, 6, 1), (0, 6, 0.5)), ContradictionError, "each cell once"),
        (make_marks((0, 6, 0)), MalformedDocumentError, "at least 0.001"),
        (make_marks((0, 6, 1e-50)), MalformedDocumentError, "at least 0.001"),
        (make_marks((0, 6, -1)), MalformedDocumentError, "above 0"),
        (make_marks((0, 6, 1.01)), MalformedDocumentError, "cells.0.w"),
        (make_marks((0, 6, -1.01)), MalformedDocumentError, "cells.0.w"),
        (make_marks(cells=[{"r": 0, "c": 6, "w": True}]), MalformedDocumentError, "cells.0.w"),
        (make_marks(cells=[{"r": 0, "c": 6, "w": "1"}]), MalformedDocumentError, "cells.0.w"),
        (make_marks(grid={"g": 14, "h": 224, "w": 224}), BundleMismatchError, "the grid"),
        (make_marks(grid={"g": 7, "h": 224, "w": 112}), BundleMismatchError, "the grid"),
        (make_marks(shown=[[0, 6], [1, 6]]), BundleMismatchError, "the shown"),
        (make_marks(shown=[[1, 6], [0, 6], [3, 3]]), BundleMismatchError, "the shown"),
        (make_marks(epoch=3, model_version="m-4"), BundleMismatchError, "model_version, epoch"),
        (make_marks(explainer={"name": "grad_cam"}), BundleMismatchError, "the explainer"),
        (make_marks(flags=["skip", "skip"]), ContradictionError, "each flag once"),
        (make_marks(flags=["skip", "unclear"]), ContradictionError, "no other flag"),
        (make_marks((0, 6), flags=["skip"]), ContradictionError, "'skip'"),
        (make_marks((0, 6), flags=["unusable"]), ContradictionError, "'unusable'"),
        (make_marks(flags=["ugly"]), MalformedDocumentError, "flags.0"),
        (make_marks(artefact="hair"), ContradictionError, "the flag 'artefact'"),
        (make_marks(artefact="ha\u202eir", flags=["artefact"]), MalformedDocumentError, "control"),
        (make_marks(type="graph_edit"), MalformedDocumentError, "type"),
        (make_marks(version=2), MalformedDocumentError, "version"),
        (make_marks(lambda_=1), MalformedDocumentError, "lambda_"),
    ],
)
def test_marks_that_do_not_fit_are_refused(
    marks: JsonObject, kind: type[FeedbackError], reason: str
) -> None:
    with pytest.raises(kind, match=reason):
        judge(marks)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_weights_that_are_not_finite_are_refused(number: str) -> None:
    upload = make_upload(REQUEST, make_marks((0, 6, 0.125))).replace(b"0.125", number.encode())
    with pytest.raises(MalformedDocumentError, match="finite"):
        parse_document(upload)


def test_two_answers_on_one_image_are_refused() -> None:
    with pytest.raises(ContradictionError, match="one response per image"):
        judge(make_marks((0, 6)), make_marks())
    assert judge(make_marks((0, 6)), make_marks(name="tank.png")) == ()


def test_a_rejection_carries_no_marks() -> None:
    with pytest.raises(ContradictionError, match="verdict 'reject'"):
        judge(make_marks((0, 6)), verdict="reject")
    assert judge(make_marks(flags=["label_suspect"]), verdict="reject") == ()


def test_what_should_matter_may_be_marked_where_the_request_asks_for_it() -> None:
    asks = make_request(allow_important=True)
    assert judge(make_marks((0, 6, -1), (1, 6, 1)), request=asks) == ()


@pytest.mark.parametrize(
    ("marks", "reason"),
    [
        (make_marks((0, 6), (1, 6), (3, 3)), "every one of the 3 cells shown on ship.png"),
        (
            make_marks(*((r, c) for r in range(7) for c in range(7) if r < 4 or c < 2)),
            r"69% of ship.png is marked; above 60%",
        ),
        (make_marks((0, 6), flags=["label_suspect"]), "wait until that is settled"),
        (make_marks((0, 6), flags=["unclear"]), "called unclear"),
        (make_marks((0, 6), name="jet.png"), r"jet.png failed \(all zero\)"),
    ],
)
def test_marks_that_will_hardly_help_are_warned_of(marks: JsonObject, reason: str) -> None:
    images = tuple(
        make_image(name, failure="all_zero" if name == "jet.png" else None) for name in DIGESTS
    )
    warnings = judge(marks, request=make_request(images=images))
    assert any(re.search(reason, warning) for warning in warnings), warnings


def test_marks_on_padding_are_warned_of() -> None:
    # 224 pixels, 7 cells of 32: the picture has the rows 3 to 5 and half of row 2.
    padded = make_image("ship.png", content=(80, 0, 192, 224), shown=())
    request = make_request(images=(padded, make_image("tank.png")))
    on_picture = make_marks((2, 0), (5, 6), shown=[])
    assert judge(on_picture, request=request) == ()
    (warning,) = judge(make_marks((1, 0), (2, 0), (6, 3), shown=[]), request=request)
    assert warning.startswith("2 of the cells marked on ship.png are mostly padding")
    # Another image of the request is not padded.
    assert judge(make_marks((1, 0), name="tank.png"), request=request) == ()


def test_evidence_without_padding_keeps_its_bytes() -> None:
    assert "content" not in make_image("ship.png").model_dump(mode="json")
    padded = make_image("ship.png", content=(80, 0, 192, 224))
    assert read_evidence(make_request(images=(padded,))).images == (padded,)


@pytest.mark.parametrize(
    "changes",
    [
        {"images": (make_image("ship.png", content=(80, 0, 225, 224)),)},
        {"images": (make_image("ship.png", content=(80, 0, 80, 224)),)},
        {"images": (make_image("ship.png"), make_image("ship.png"))},
        {"images": (make_image("ship.png", shown=({"r": 0, "c": 7, "score": 1.0},)),)},
        {"images": (make_image("ship.png", shown=({"r": 0, "c": 0, "score": 1.0},) * 2),)},
        {"grid": {"g": 7, "h": 6, "w": 224}},
        {"images": ()},
    ],
)
def test_evidence_that_does_not_fit_together_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        make_evidence(**changes)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


# The first draw of text builds hypothesis's table of Unicode.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_hostile_answers_are_read_or_refused_but_never_break_anything(data: st.DataObject) -> None:
    marks = make_marks((0, 6), (1, 6, 0.5), flags=["artefact"], artefact="hair")
    for field in data.draw(st.sets(st.sampled_from(sorted(marks)), max_size=3)):
        if data.draw(st.booleans()):
            del marks[field]
        else:
            marks[field] = data.draw(json_values)
    if data.draw(st.booleans()):
        marks["cells"] = data.draw(
            st.lists(
                st.fixed_dictionaries(
                    {"r": st.integers(-2, 30), "c": st.integers(-2, 30)},
                    optional={"w": st.floats(-2, 2)},
                ),
                max_size=6,
            )
        )
    refusal = ""
    try:
        warnings = judge(marks)
    except FeedbackError as error:
        refusal = str(error)
    if refusal:
        assert re.match(r"expected .*got ", refusal, re.DOTALL)
        return
    # What passed is what may be applied without looking again.
    (cells, weights) = (
        [(cell["r"], cell["c"]) for cell in marks.get("cells", [])],
        [cell.get("w", 1.0) for cell in marks.get("cells", [])],
    )
    assert len(set(cells)) == len(cells)
    assert all(0 <= r < 7 and 0 <= c < 7 for r, c in cells)
    assert all(0 < w <= 1 for w in weights)
    assert marks["image"] in DIGESTS.values()
    assert all(isinstance(warning, str) for warning in warnings)
