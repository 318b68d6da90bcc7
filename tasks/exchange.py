"""Tasks that exchange review requests, answers and decisions through object storage."""

import json
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from feedback import exchange, waiting
from feedback.answer import GateRequest
from feedback.bundle import ReviewBundle
from feedback.canonical import sha256_hex
from feedback.decision import Decision
from feedback.document import MAX_BYTES
from feedback.errors import (
    ClosedRequestError,
    MalformedDocumentError,
    ObjectNotFoundError,
)
from feedback.gate import closing_time
from feedback.policy import Policy, single_policy
from feedback.recording import load_decisions
from feedback.upload import parse_upload
from tasks.workplace import Workplace


@task(name="submit-feedback", cache_policy=NO_CACHE)
def submit_feedback(workplace: Workplace, request_id: str, data: bytes) -> str | None:
    """Hand in a feedback document for the request, as a reviewer's command line does.

    Args:
        workplace: Holds the object store.
        request_id: The request it must be for.
        data: The document.

    Returns:
        Key of the upload, or None when the request is decided already and takes nothing more.

    Raises:
        FeedbackError: If the document is refused; nothing was handed in then.
    """
    if exchange.load_decision(workplace.objects, request_id) is not None:
        return None
    bundle = exchange.load_bundle(workplace.objects, request_id)
    document = parse_upload(data).document
    exchange.check_upload(bundle, data, key="", reviewer=document.reviewer)
    return exchange.submit(workplace.objects, request_id, document.reviewer, document.nonce, data)


def check_feedback(workplace: Workplace, data: bytes, policy: Policy | None = None) -> None:
    """Judge a document that a run is given beforehand, as far as that is possible before the run.

    A request that the store does not know may be published by the run itself; the document is then
    judged once it is.

    Args:
        workplace: Holds the object store.
        data: The document.
        policy: The gate's rule, which says when the request closes; None takes ``single``.

    Raises:
        FeedbackError: If it is malformed, does not fit the request that it names, or comes after
            another decision on it.
    """
    document = parse_upload(data).document
    try:
        bundle = exchange.load_bundle(workplace.objects, document.request_id)
    except ObjectNotFoundError:
        return
    exchange.check_upload(bundle, data)
    decisions = load_decisions(workplace.objects, bundle.request_id)
    # The same run again brings the words that the decision was made from, and is welcome.
    heard = {response.sha256 for decision in decisions for response in decision.responses}
    if decisions and sha256_hex(data) not in heard:
        raise closed_error(bundle.request_id, decisions[-1])
    if not decisions:
        check_deadline(bundle, policy)


def closed_error(request_id: str, decision: Decision) -> ClosedRequestError:
    """Return the refusal of an answer that comes after the decision."""
    return ClosedRequestError(
        f"expected an open request (got {request_id!r}, {decision.state.value} since "
        f"{decision.decided_at:%Y-%m-%d %H:%M}); see `parley review list`, or ask anew with "
        "another seed or PARLEY_STORE"
    )


def check_deadline(bundle: ReviewBundle, policy: Policy | None = None) -> None:
    """Refuse an answer to a request that is closed by the passing of time.

    Args:
        bundle: The request.
        policy: The gate's rule, which says when it closes; None takes ``single``.

    Raises:
        ClosedRequestError: If it is.
    """
    rule = policy or single_policy()
    closing = closing_time(GateRequest.of(bundle), rule)
    if closing is not None and datetime.now(UTC) > closing:
        raise ClosedRequestError(
            f"expected an answer by {closing:%Y-%m-%d %H:%M}, as the policy {rule.name!r} has it "
            "(got one later); name the gate's policy if it is another one, or ask anew with "
            "another seed or PARLEY_STORE"
        )


def read_feedback_file(path: Path) -> bytes:
    """Read a feedback document from disk, no more of it than is allowed.

    Raises:
        MalformedDocumentError: If it cannot be read or is too large.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise MalformedDocumentError(
            f"expected a feedback document at {path} (got: {error.strerror}); check the path"
        ) from error
    if len(data) > MAX_BYTES:
        raise MalformedDocumentError(
            f"expected at most {MAX_BYTES} bytes in {path} (got more); shorten comments and reasons"
        )
    return data


@task(name="collect-decision", cache_policy=NO_CACHE)
def collect_decision(
    workplace: Workplace,
    request_id: str,
    *,
    poll_seconds: float,
    on_wait: Callable[[float], None] | None = None,
    policy: Policy | None = None,
    trusted: Collection[Policy] = (),
) -> Decision:
    """Wait until the request is decided, judging uploads as they come.

    Never cached: the same question has another answer later.

    Args:
        workplace: Holds the object store.
        request_id: Which request.
        poll_seconds: Pause between looks.
        on_wait: Told the seconds waited so far.
        policy: The gate's rule; None takes ``single``.
        trusted: Other rules by which it may have been decided before.

    Returns:
        The decision.
    """
    return waiting.wait_for_decision(
        workplace.objects,
        request_id,
        policy=policy,
        trusted=trusted,
        poll_seconds=poll_seconds,
        on_wait=on_wait,
    )


@task(name="look-for-decision", cache_policy=NO_CACHE)
def look_for_decision(
    workplace: Workplace,
    request_id: str,
    *,
    policy: Policy | None = None,
    trusted: Collection[Policy] = (),
) -> Decision | None:
    """Return the decision on a request if there is one by now, judging what lies in its inbox.

    Args:
        workplace: Holds the object store.
        request_id: Which request.
        policy: The gate's rule; None takes ``single``.
        trusted: Other rules by which it may have been decided before.
    """
    return waiting.look_for_decision(workplace.objects, request_id, policy=policy, trusted=trusted)


def save_report(workplace: Workplace, run_id: str, report: Mapping[str, object]) -> None:
    """Keep a run's report in the store, where ``parley report`` finds it."""
    data = json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False).encode()
    workplace.objects.put(f"runs/{run_id}/report.json", data)
    workplace.objects.put("runs/latest.json", json.dumps({"run": run_id}).encode())


def load_report(workplace: Workplace, run_id: str) -> bytes:
    """Return the report of a run; ``latest`` names the one that finished last.

    Raises:
        ObjectNotFoundError: If there is no such run.
    """
    if run_id == "latest":
        run_id = str(json.loads(workplace.objects.get("runs/latest.json"))["run"])
    return workplace.objects.get(f"runs/{run_id}/report.json")
