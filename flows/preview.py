"""The preview worker: computes what edits would do, asked and answered through the store.

Any number may run at once, and a run that waits in its own process answers too; of two results the
first stands. Nothing here decides anything.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from prefect import flow
from pydantic import ValidationError

from feedback.bundle import ReviewBundle
from feedback.errors import ArtifactError, ObjectNotFoundError, ParleyError, StoreError
from feedback.policy import Policy
from feedback.policy_file import load_policy
from feedback.preview_queue import PreviewQueue
from feedback.previews import Effect, Preview, PreviewRequest, answer_preview, edits_digest
from flows.channel import Stages, load_channel
from flows.context import SILENT, RunContext
from flows.params import PipelineParams
from tasks.origin import Origin, check_origin, load_origin, save_origin
from tasks.settings import Settings
from tasks.workplace import Workplace, open_workplace

logger = logging.getLogger(__name__)

_LONGEST_PAUSE = 60.0
_LONGEST_REASON = 1000


@flow(name="preview")
def preview(every_seconds: float = 2.0, rounds: int | None = None, policy: str = "") -> int:
    """Answer the questions of this installation's store.

    Args:
        every_seconds: Pause between two looks.
        rounds: How often to look; None does not end.
        policy: The gate's rule; empty takes the setting ``PARLEY_POLICY``.

    Returns:
        Questions that were answered.
    """
    settings = Settings()
    rule = load_policy(policy or settings.policy)
    workplace = open_workplace(settings)
    return keep_answering(workplace, every_seconds=every_seconds, policy=rule, rounds=rounds)


def keep_answering(
    workplace: Workplace,
    *,
    every_seconds: float,
    policy: Policy | None = None,
    rounds: int | None = None,
    on_answer: Callable[[Preview], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Look again and again; a store that is away is asked again with growing pauses.

    Args:
        workplace: Where stages run, and the store.
        every_seconds: Pause between two looks.
        policy: The gate's rule, which says when requests close; None takes ``single``.
        rounds: How often to look; None does not end.
        on_answer: Told of every answer.
        sleep: Waits some seconds.

    Returns:
        Questions that were answered.

    Raises:
        StoreError: If the last of a number of rounds could not reach the store.
    """
    queue = PreviewQueue(workplace.objects, policy=policy)
    done, answered, pause = 0, 0, every_seconds
    while True:
        done += 1
        try:
            for found in answer_waiting(workplace, queue):
                answered += 1
                if on_answer is not None:
                    on_answer(found)
            pause = every_seconds
        except StoreError as error:
            if done == rounds:
                raise
            pause = min(_LONGEST_PAUSE, max(pause, 1.0) * 2)
            logger.error("no preview can be read, next try in %.0f s: %s", pause, error)
        if done == rounds:
            return answered
        sleep(pause)


def answer_waiting(
    workplace: Workplace, queue: PreviewQueue, *, most: int | None = None
) -> list[Preview]:
    """Answer the questions that wait now.

    Args:
        workplace: Where stages run, and the store.
        queue: The questions.
        most: How many to answer; None answers all.

    Returns:
        What was answered, failures included.

    Raises:
        StoreError: If the store does not answer.
    """
    answered: list[Preview] = []
    for bundle, question in queue.waiting(datetime.now(UTC)):
        answered.append(_answer(workplace, bundle, question))
        answer_preview(workplace.objects, answered[-1])
        if len(answered) == most:
            break
    return answered


def note_origin(run: RunContext, explained: Stages, request_id: str) -> None:
    """Note what a request was made from, so that questions about it can be answered.

    Raises:
        StoreError: If the store cannot be written.
    """
    params = run.params.model_dump(mode="json")
    origin = Origin(
        request_id=request_id, params=params, dataset=run.dataset, stages=dict(explained)
    )
    save_origin(run.workplace.objects, origin)


def _answer(workplace: Workplace, bundle: ReviewBundle, question: PreviewRequest) -> Preview:
    envelope: dict[str, object] = {
        "request_id": bundle.request_id,
        "bundle_sha256": bundle.digest,
        "edits_sha256": edits_digest(bundle.channel, bundle.digest, question.responses),
        "asked_at": question.created_at,
    }
    started = time.monotonic()
    try:
        found = vars(_compute(workplace, bundle, question))
    except ObjectNotFoundError as error:
        # Something that was stored is gone, which no later look will mend.
        found = {"failed": str(error)[:_LONGEST_REASON]}
    except StoreError:
        raise
    except ParleyError as error:
        found = {"failed": str(error)[:_LONGEST_REASON]}
    except Exception as error:
        # A question comes from an inbox: whatever it sets off, the next one must be answered.
        logger.exception("the preview %s could not be computed", envelope["edits_sha256"])
        told = f"the worker met {type(error).__name__}; its log holds the details"
        found = {"failed": told}
    logger.info("preview %.12s took %.1f s", envelope["edits_sha256"], time.monotonic() - started)
    return Preview.model_validate({**envelope, **found, "answered_at": datetime.now(UTC)})


def _compute(workplace: Workplace, bundle: ReviewBundle, question: PreviewRequest) -> Effect:
    # Its own listeners, results and keys: a preview is no part of the run that waits.
    quiet = Workplace(workplace.settings, workplace.artifacts)
    origin = load_origin(quiet.objects, bundle.request_id)
    check_origin(quiet, origin, bundle.dataset.md5)
    try:
        params = PipelineParams.model_validate(origin.params)
    except ValidationError as error:
        raise ArtifactError(
            f"expected parameters that this version knows behind {bundle.request_id} "
            f"(got {error.error_count()} that it does not); start the run again"
        ) from error
    run = RunContext(bundle.run or bundle.request_id, params, origin.dataset, quiet, SILENT)
    return load_channel(bundle.channel).preview(run, origin.stages, question.responses)
