"""Stage: marks of earlier runs' reviews, the first bank of a run."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel, ConfigDict, JsonValue

from feedback.canonical import canonical_json, sha256_hex
from feedback.channels.saliency_grid import CarriedReview, read_evidence
from feedback.closed import ClosedReview
from feedback.policy import Policy
from models.saliency_grid.params import SaliencyGridParams
from tasks.asked import save_taken, taken_by_run
from tasks.channels.saliency_grid.bank import Bank
from tasks.channels.saliency_grid.banking import take
from tasks.channels.saliency_grid.basis import Basis, first_rows, load_fitted
from tasks.channels.saliency_grid.said import Said
from tasks.earlier import approved_reviews, reviews_before
from tasks.stage import Work, stage
from tasks.workplace import Workplace

if TYPE_CHECKING:
    from models.imageset import ImageSet

CHANNEL = "saliency_grid"
NO_MATTER: dict[str, bool | set[str]] = {
    "seeds": True,
    "reviewer": True,
    "sampling": {"rounds", "waiting"},
    "carry_over": {"enabled"},
}
"""Settings that decide nothing of what is shown: who answers, how often is asked, who waits."""


class EarlierMarks(BaseModel):
    """What an approved review of an earlier run said.

    Attributes:
        request_id: The review.
        decided_at: When it was closed.
        labels: Class that each image was labelled with when it was shown.
        said: Accepted answers.
        resize: How images were made square; None where nobody noted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    request_id: str
    decided_at: datetime
    labels: dict[str, str | None]
    said: Said
    resize: str | None = None


class Beginning(NamedTuple):
    """What a run starts from."""

    origin: str
    """Digest of data, settings and earlier reviews."""
    earlier: list[EarlierMarks]
    """What earlier reviews said, the oldest first."""


def find_beginning(
    workplace: Workplace,
    *,
    basis: Basis,
    settings: SaliencyGridParams,
    seed: int,
    run_id: str,
    model: str,
    policies: Collection[Policy],
) -> Beginning:
    """Find what people said in the reviews of earlier runs, and name what this run starts from.

    Args:
        workplace: Holds the reviews.
        basis: What was computed before.
        settings: Parameters of the channel.
        seed: Seed of the run.
        run_id: The run; which reviews it starts from is noted once.
        model: Registered name.
        policies: Rules whose decisions are taken.
    """
    own: dict[str, JsonValue] = {
        "basis": basis.content_key(),
        "params": settings.model_dump(mode="json", exclude=NO_MATTER),
        "seed": seed,
    }

    def origin(reviews: Sequence[ClosedReview]) -> str:
        taken = sorted([one.bundle.request_id, one.closing.digest] for one in reviews)
        named: list[JsonValue] = [[*pair] for pair in taken]
        return sha256_hex(canonical_json({**own, "reviews": named}))

    taken: list[ClosedReview] = []
    if settings.carry_over.enabled:
        approved = approved_reviews(
            workplace.objects, channel=CHANNEL, model=model, policies=policies
        )
        found = reviews_before(approved, _origin_of, origin)
        # A run that goes on after a crash must not start from what was said meanwhile.
        requests = tuple(one.bundle.request_id for one in found)
        noted = save_taken(workplace, taken_by_run(run_id, 0), requests)
        taken = [one for one in approved if one.bundle.request_id in noted]
    return Beginning(origin(taken), [_earlier(review) for review in reversed(taken)])


@task(name="carry-over-marks", cache_policy=NO_CACHE)
@stage("carry_over_marks", version=5)
def carry_over_marks(
    work: Work, *, basis: Basis, earlier: list[EarlierMarks], params: SaliencyGridParams
) -> dict[str, JsonValue]:
    """Make the first bank of a run of what people said of the same images in earlier ones.

    Of each image the latest answer counts. Images are the same when their files are; one whose
    label was changed since is another question, and the cells of one that is made square in another
    way by now would cover something else. Cells of another grid become those of this one by their
    areas, and marks of what should matter are left out where the penalty cannot act on them.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        earlier: What earlier reviews said, the oldest first.
        params: Grid and limits of this run.

    Returns:
        Counts of images taken up, gone, relabelled and reshaped; outputs as of ``Bank``,
        ``reviews`` (what became of each) and ``asked`` (digests of images that nobody skipped or
        found unclear).
    """
    images, digests = load_fitted(work, basis)
    row_of = first_rows(digests)
    bank = Bank()
    names = [one.request_id for one in earlier]
    gone, relabelled, reshaped = (dict.fromkeys(names, 0) for _ in range(3))
    for one in earlier:
        for answer in one.said.agreed:
            row = row_of.get(answer.image)
            if row is None:
                gone[one.request_id] += 1
            elif one.labels.get(answer.image) != _label(basis, images, row):
                relabelled[one.request_id] += 1
            elif one.resize not in (None, basis.training.resize):
                reshaped[one.request_id] += 1
            else:
                take(bank, images, row, answer, one.said, params, one.request_id)
    told = [
        CarriedReview(
            request_id=one.request_id,
            decided_at=one.decided_at,
            n_images=len(last := _last_word(bank, one.request_id)),
            n_marked=len(last & bank.marks.keys()),
            n_gone=gone[one.request_id],
            n_relabelled=relabelled[one.request_id],
            n_reshaped=reshaped[one.request_id],
        ).model_dump(mode="json")
        for one in earlier
    ]
    work.save_json("reviews", [*told])
    work.save_json("asked", [*sorted(bank.carried)])
    return {
        **bank.save(work),
        "clicks": 0,
        "unknown_images": 0,
        "gone": sum(gone.values()),
        "relabelled": sum(relabelled.values()),
        "reshaped": sum(reshaped.values()),
    }


def _origin_of(review: ClosedReview) -> str:
    return read_evidence(review.bundle).origin or ""


def _earlier(review: ClosedReview) -> EarlierMarks:
    evidence = read_evidence(review.bundle)
    return EarlierMarks(
        request_id=review.bundle.request_id,
        decided_at=review.closing.decided_at,
        labels={one.image: one.true_class for one in evidence.images},
        said=Said.of(review.standing, review.closing, evidence),
        resize=evidence.resize,
    )


def _label(basis: Basis, images: "ImageSet", row: int) -> str:
    return basis.dataset.classes[int(images.labels[row])]


def _last_word(bank: Bank, review: str) -> set[str]:
    return {image for image, entry in bank.carried.items() if entry["review"] == review}
