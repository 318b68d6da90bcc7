"""Which reviews a run starts from: those of earlier runs, none of its own."""

from typing import NamedTuple

import pytest

from tasks.earlier import reviews_before


class Review(NamedTuple):
    name: str
    origin: str


def origin_of(review):
    return review.origin


def named(settings):
    """Name what a run of these settings starts from, given the reviews that it takes up."""
    return lambda reviews: f"{settings}({','.join(sorted(one.name for one in reviews))})"


def names(reviews):
    return [one.name for one in reviews]


def test_a_first_run_starts_from_nothing_and_the_next_from_all_that_was_said():
    assert reviews_before([], origin_of, named("a")) == []
    said = [Review("r2", "a()"), Review("r1", "a()")]
    assert names(reviews_before(said, origin_of, named("b"))) == ["r2", "r1"]


def test_a_run_made_again_does_not_start_from_its_own_reviews():
    assert reviews_before([Review("r1", "a()")], origin_of, named("a")) == []
    second = Review("r3", "b(r1,r2)")
    said = [second, Review("r2", "a()"), Review("r1", "a()")]
    assert names(reviews_before(said, origin_of, named("b"))) == ["r2", "r1"]


def test_an_early_run_made_again_after_others_starts_from_everything():
    """Its own answers too: people are not asked twice."""
    said = [Review("r3", "b(r1,r2)"), Review("r2", "a()"), Review("r1", "a()")]
    assert names(reviews_before(said, origin_of, named("a"))) == ["r3", "r2", "r1"]


@pytest.mark.parametrize("settings", ["a", "b"])
def test_the_order_of_reviews_does_not_decide_what_is_taken_up(settings):
    said = [Review("r3", "b(r1,r2)"), Review("r2", "a()"), Review("r1", "a()")]
    found = {
        frozenset(names(reviews_before(order, origin_of, named(settings))))
        for order in (said, said[::-1], [said[1], said[0], said[2]])
    }
    assert len(found) == 1
