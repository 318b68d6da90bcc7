"""The saliency-grid channel: squares clicked during training weigh an input-gradient regulariser.

Reads like Algorithm 1 of Serrano e Silva et al. (IbPRIA 2023): train -> sample by entropy ->
explain -> mark -> train on, and at the end compare with the same training without marks.
"""

from collections.abc import Sequence

from pydantic import JsonValue

from feedback.bundle import ReviewBundle
from feedback.channels.saliency_grid import most_images
from feedback.decision import Decision
from feedback.document import FeedbackDocument
from feedback.errors import ExplanationError, ParamsError
from feedback.fields import JsonObject
from feedback.previews import Effect
from feedback.since import Scores
from flows.channel import Rounds, Stages
from flows.context import RunContext
from models.params import Params, TrainingParams
from models.saliency_grid.params import SaliencyGridParams
from tasks.channels.saliency_grid.banking import bank_feedback
from tasks.channels.saliency_grid.basis import Basis, digest_images
from tasks.channels.saliency_grid.carrying import carry_over_marks, find_beginning
from tasks.channels.saliency_grid.control import draw_random_marks
from tasks.channels.saliency_grid.evaluating import compare_marked, look_again
from tasks.channels.saliency_grid.explaining import explain_images
from tasks.channels.saliency_grid.reporting import evaluation_of
from tasks.channels.saliency_grid.reviewing import (
    build_review_bundle,
    measure_object_cells,
    simulated_answer,
)
from tasks.channels.saliency_grid.said import said_in
from tasks.channels.saliency_grid.training import ask_classifier, penalty_on, train_guided
from tasks.dataset.reference import DatasetRef
from tasks.evaluation import Evaluation
from tasks.stage import StageResult
from tasks.weights import weights_digest

_SUBJECTS = {"random_squares": "random squares", "marked_squares": "marked squares"}


def check(params: Params, dataset: DatasetRef, training: TrainingParams) -> None:
    """Refuse rounds that come after the last epoch, and more images than an answer can hold."""
    settings = SaliencyGridParams.model_validate(params)
    sampling, grid = settings.sampling, settings.grid
    if sampling.feedback_epochs[-1] >= training.epochs:
        raise ParamsError(
            f"expected the last round of asking before epoch {training.epochs}, the last one (got "
            f"it after epoch {sampling.feedback_epochs[-1]}); ask earlier or fewer times "
            "(saliency_grid.sampling), or train longer (training.epochs)"
        )
    # On the first batches with marks, up to an epoch of them, lambda is found and nothing acts.
    waits = sampling.waiting == "wait"
    marked = sampling.feedback_epochs[0 if waits else -1]
    if settings.penalty.is_balanced and marked + 2 > training.epochs:
        raise ParamsError(
            f"expected two epochs after the {'first' if waits else 'last'} round of asking, one to "
            f"find lambda on and one for marks to act in (got {training.epochs - marked}); ask "
            "earlier (saliency_grid.sampling), train longer (training.epochs) or set lambda "
            "(saliency_grid.penalty.strength)"
        )
    asked, most = min(sampling.n_images, dataset.n_train), most_images(grid.cells, grid.n_shown)
    if asked > most:
        raise ParamsError(
            f"expected at most {most} images per round with {grid.cells} x {grid.cells} cells and "
            f"{grid.n_shown} shown, so that an answer that marks them all can still be read (got "
            f"{asked}); ask about fewer in more rounds (saliency_grid.sampling) or show a coarser "
            "grid (saliency_grid.grid)"
        )


def rounds(params: Params) -> Rounds:
    """Ask after each feedback epoch, and wait for the answers or train on."""
    sampling = SaliencyGridParams.model_validate(params).sampling
    return Rounds(sampling.rounds, sampling.waiting == "wait")


def explain(run: RunContext, classifier: StageResult) -> Stages:
    """Train up to the round's epoch, and explain the network on images that it is unsure of."""
    settings, work = _settings(run), run.workplace
    digests = digest_images(work, dataset=run.dataset)
    stages = {"classifier": classifier, "digests": digests}
    basis = _basis(run, stages)
    if run.past:
        trained = run.past[-1].corrected["trained"]
        carried = run.past[0].explained["carried"]
        origin = str(run.past[0].explained["explained"].facts["origin"])
    else:
        beginning = find_beginning(
            work,
            basis=basis,
            settings=settings,
            seed=run.params.seed,
            run_id=run.run_id,
            model=run.params.model_name,
            policies=run.policies,
        )
        origin = beginning.origin
        carried = carry_over_marks(work, basis=basis, earlier=beginning.earlier, params=settings)
        until = settings.sampling.first_epoch
        with work.about(f"until epoch {until}"):
            trained = _train(run, basis, None, until, _first_marks(run, carried), run.params.seed)
    with work.about(f"round {run.round}"):
        explained = explain_images(
            work,
            basis=basis,
            trained=trained,
            asked=_asked(run),
            params=settings,
            seed=run.params.seed,
            origin=origin,
            carried=carried,
        )
    return stages | {"carried": carried, "trained": trained, "explained": explained}


def bundle(run: RunContext, explained: Stages) -> tuple[ReviewBundle, dict[str, bytes]]:
    """Freeze images, attribution and squares of this round into one request."""
    return build_review_bundle(
        run.workplace,
        basis=_basis(run, explained),
        explained=explained["explained"],
        model_name=run.params.model_name,
        run=run.run_id,
        round=run.round,
    )


def measure(run: RunContext, explained: Stages) -> Scores:
    """Say nothing beside the champion: the network is in the middle of its training."""
    return Scores({}, {})


def respond(run: RunContext, explained: Stages, bundle: ReviewBundle) -> FeedbackDocument:
    """Answer as the simulated reviewer, who marks shown squares that lie outside the object."""
    settings = _settings(run)
    shares = measure_object_cells(
        run.workplace,
        basis=_basis(run, explained),
        explained=explained["explained"],
        cells=settings.grid.cells,
    ).facts["shares"]
    return simulated_answer(bundle, shares if isinstance(shares, dict) else {}, settings.reviewer)


def preview(run: RunContext, explained: Stages, edits: Sequence[JsonObject]) -> Effect:
    """Refuse: what marks do shows after epochs of training."""
    raise ExplanationError(
        "expected a channel whose edits show their effect within seconds (got saliency_grid); "
        "answer the request, and see the next round"
    )


def correct(run: RunContext, explained: Stages, decisions: Sequence[Decision]) -> Stages:
    """Add the marks to those of earlier rounds, and train on with all of them."""
    settings, basis = _settings(run), _basis(run, explained)
    with run.workplace.about(f"round {run.round}"):
        bank = bank_feedback(
            run.workplace,
            basis=basis,
            before=run.past[-1].corrected["bank"] if run.past else explained["carried"],
            said=[said_in(run.workplace.objects, one) for one in decisions],
            params=settings,
        )
    epochs = settings.sampling.feedback_epochs
    until = epochs[run.round] if run.round < len(epochs) else run.params.training.epochs
    with run.workplace.about(f"marked squares, until epoch {until}"):
        trained = _train(
            run, basis, explained["trained"], until, _marks(run, bank), run.params.seed
        )
    return {"bank": bank, "trained": trained}


def evaluate(run: RunContext, explained: Stages, corrected: Stages) -> Evaluation:
    """Compare with the same training without marks, and with as many squares at random."""
    settings, work, basis = _settings(run), run.workplace, _basis(run, explained)
    banks = [explained["carried"], *(one.corrected["bank"] for one in run.past)]
    trained: dict[str, list[StageResult]] = {"original": [], **{arm: [] for arm in _SUBJECTS}}
    for seed in range(run.params.seed, run.params.seed + settings.seeds):
        trained["original"].append(_original(run, basis, seed))
        trained["random_squares"].append(_again(run, basis, banks, seed, "random_squares"))
        trained["marked_squares"].append(
            corrected["trained"]
            if seed == run.params.seed
            else _again(run, basis, banks, seed, "marked_squares")
        )
    compared = compare_marked(
        work,
        basis=basis,
        bank=corrected["bank"],
        trained=trained,
        params=run.params.promotion,
        seed=run.params.seed,
    )
    looked = look_again(
        work,
        basis=basis,
        bank=corrected["bank"],
        original=trained["original"][0],
        corrected=corrected["trained"],
        explainer=settings.explainer,
    )
    return evaluation_of(
        work,
        candidate=corrected["trained"],
        carried=explained["carried"],
        bank=corrected["bank"],
        compared=compared,
        looked=looked,
    )


def _original(run: RunContext, basis: Basis, seed: int) -> StageResult:
    """Train without marks: to the same epochs, from the same weights, on the same batches."""
    if seed == run.params.seed:
        return ask_classifier(run.workplace, basis=basis)
    with run.workplace.about(f"no marks, seed {seed}"):
        return _train(run, basis, None, run.params.training.epochs, [], seed)


def _again(
    run: RunContext, basis: Basis, banks: Sequence[StageResult], seed: int, arm: str
) -> StageResult:
    """Train once more with the marks as they came in, or with as many at random."""
    epochs = (*_settings(run).sampling.feedback_epochs, run.params.training.epochs)

    def part(start: StageResult | None, bank: StageResult, until: int) -> StageResult:
        if arm == "random_squares":
            bank = draw_random_marks(run.workplace, bank=bank, seed=seed)
        marks = _first_marks(run, bank) if start is None else _marks(run, bank)
        return _train(run, basis, start, until, marks, seed)

    with run.workplace.about(f"{_SUBJECTS[arm]}, seed {seed}"):
        trained = part(None, banks[0], epochs[0])
        for bank, until in zip(banks[1:], epochs[1:], strict=True):
            trained = part(trained, bank, until)
        return trained


def _train(
    run: RunContext,
    basis: Basis,
    start: StageResult | None,
    until: int,
    marks: list[JsonValue],
    seed: int,
) -> StageResult:
    return train_guided(
        run.workplace,
        basis=basis,
        classifier=run.params.classifier,
        weights_sha256=weights_digest(run.params.classifier.weights),
        start=start,
        until=until,
        marks=marks,
        penalty=penalty_on(marks, _settings(run).penalty),
        seed=seed,
    )


def _first_marks(run: RunContext, carried: StageResult) -> list[JsonValue]:
    """Return the marks that act before anybody is asked: those of earlier runs.

    A lambda that is found during training would be found on a network that knows nothing yet, and
    stall it (decision 0026); there they act from the first round on.
    """
    return [] if _settings(run).penalty.is_balanced else _marks(run, carried)


def _marks(run: RunContext, bank: StageResult) -> list[JsonValue]:
    return run.workplace.artifacts.load_list(bank.outputs["marks"])


def _asked(run: RunContext) -> list[str]:
    """Return the images that earlier rounds asked about."""
    asked: list[str] = []
    for one in run.past:
        shown = run.workplace.artifacts.load_json(one.explained["explained"].outputs["priorities"])
        asked += shown if isinstance(shown, dict) else {}
    return sorted(asked)


def _basis(run: RunContext, stages: Stages) -> Basis:
    return Basis(
        dataset=run.dataset,
        training=run.params.training,
        classifier=stages["classifier"],
        digests=stages["digests"],
    )


def _settings(run: RunContext) -> SaliencyGridParams:
    return SaliencyGridParams.model_validate(run.params.of_channel())
