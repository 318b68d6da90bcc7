"""What a run is told about its reviewers before it starts."""

import pytest

from feedback.errors import ParamsError, PolicyError
from feedback.publishing import publish
from flows.inputs import check_inputs
from flows.params import load_params
from tasks.settings import Settings
from tasks.workplace import open_workplace
from tests.review_request import FILES, make_answer, make_bundle
from tests.shapes import tiny_overrides

PAIR = "name: pair\nroles: {domain: {}, ml: {signatures: [own]}}\n"


def check(workplace, data, **changes):
    return check_inputs(load_params(None, (*tiny_overrides(**changes), f"data={data}")), workplace)


def test_the_first_policy_decides_and_the_trusted_ones_are_taken_too(
    workplace, shapes_dir, tmp_path
):
    (tmp_path / "pair.yaml").write_text(PAIR)
    given = check(
        workplace,
        shapes_dir,
        review__reviewer="inbox",
        review__policy=tmp_path / "pair.yaml",
        review__trusted_policies="[single]",
    )
    assert [policy.name for policy in given.policies] == ["pair", "single"]


def test_a_run_that_asks_people_goes_by_the_rule_of_the_watcher(workplace, shapes_dir, tmp_path):
    (tmp_path / "pair.yaml").write_text(PAIR)
    rule = {"policy": str(tmp_path / "pair.yaml")}
    there = open_workplace(workplace.settings.model_copy(update=rule))
    asks = {"review__reviewer": "inbox"}
    assert check(there, shapes_dir, **asks).policies[0].name == "pair"
    # What the parameters name comes first, and nobody simulated is in a team's rule.
    assert check(there, shapes_dir, **asks, review__policy="single").policies[0].name == "single"
    assert check(there, shapes_dir).policies[0].name == "single"


def test_a_simulated_reviewer_who_could_never_be_heard_is_refused(workplace, shapes_dir):
    with pytest.raises(ParamsError, match=r"simulated reviewer \(got 'signed'\); set review.revi"):
        check(workplace, shapes_dir, review__policy="signed")
    assert check(workplace, shapes_dir).policies[0].name == "single"


def test_a_policy_that_is_not_there_is_refused_before_any_work(workplace):
    with pytest.raises(PolicyError, match="expected single, signed or a policy file"):
        check(workplace, "no-data", review__policy="nobody.yaml")


@pytest.mark.parametrize("waiting", ["wait", "async"])
def test_a_file_answers_one_round_only(workplace, shapes_dir, tmp_path, waiting):
    bundle = publish(workplace.objects, make_bundle(), FILES)
    answer = tmp_path / "answer.json"
    answer.write_bytes(make_answer(bundle))
    asked = {
        "channel": "saliency_grid",
        "training__epochs": "9",
        "saliency_grid__sampling__waiting": waiting,
        "review__reviewer": f"file:{answer}",
    }
    with pytest.raises(ParamsError, match=r"got 5 rounds\); ask once.*review submit"):
        check(workplace, shapes_dir, **asked)
    assert check(workplace, shapes_dir, saliency_grid__sampling__rounds="1", **asked)
    assert check(workplace, shapes_dir, **(asked | {"review__reviewer": "inbox"}))


@pytest.mark.parametrize(
    ("images", "cells", "shown", "most"), [("40", "28", "784", 7), ("11", "28", "10", 10)]
)
def test_more_images_than_an_answer_can_hold_are_refused_before_any_work(
    workplace, shapes_dir, images, cells, shown, most
):
    asked = {
        "channel": "saliency_grid",
        "training__epochs": "9",
        "saliency_grid__grid__cells": cells,
        "saliency_grid__grid__n_shown": shown,
    }
    with pytest.raises(ParamsError, match=f"at most {most} images per round with 28 x 28 cells"):
        check(workplace, shapes_dir, saliency_grid__sampling__n_images=images, **asked)
    assert check(workplace, shapes_dir, saliency_grid__sampling__n_images=str(most), **asked)
    # A round never asks about more images than there are: 30 to learn from.
    plain = asked | {"saliency_grid__grid__cells": "7", "saliency_grid__grid__n_shown": "10"}
    assert check(workplace, shapes_dir, saliency_grid__sampling__n_images="1000", **plain)


@pytest.mark.parametrize(
    ("given", "author"),
    [
        ("ada", "ada"),
        ("Ada Lovelace", "Ada-Lovelace"),
        ("CORP\\ada", "CORP-ada"),
        ("..", "unknown"),
    ],
)
def test_the_author_is_named_as_reviewers_are(monkeypatch, given, author):
    monkeypatch.setenv("PARLEY_AUTHOR", given)
    assert Settings().author_name() == author


def test_without_a_setting_the_author_is_the_system_s_user(monkeypatch):
    monkeypatch.delenv("PARLEY_AUTHOR", raising=False)
    monkeypatch.setenv("LOGNAME", "grace")
    assert Settings().author_name() == "grace"
