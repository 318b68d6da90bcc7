"""Questions what edits would do, as a worker takes them from the inboxes: in turns, read once.

Inboxes are written by reviewers, so whatever lies there is judged like an answer. What is no
question is left out and not read again; a reviewer who asks a thousand times delays only themself.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, zip_longest

from feedback.answer import GateRequest
from feedback.bounded import MAX_BYTES
from feedback.bundle import ReviewBundle
from feedback.errors import (
    ArtifactError,
    ChannelError,
    FeedbackError,
    IdentityError,
    ObjectNotFoundError,
    ObjectTooLargeError,
)
from feedback.gate import closing_time
from feedback.layout import (
    INBOX,
    inbox_prefix,
    parse_preview_key,
    preview_answer_key,
    preview_answer_prefix,
    request_of,
)
from feedback.objects import ObjectInfo, ObjectStore
from feedback.policy import Policy, single_policy
from feedback.previews import (
    PreviewRequest,
    check_question,
    has_result,
    parse_preview_request,
)
from feedback.publishing import load_bundle, open_requests

logger = logging.getLogger(__name__)

# ValueError: pydantic's, from evidence that does not follow its channel's schema.
_UNUSABLE = (FeedbackError, ChannelError, ObjectNotFoundError, ObjectTooLargeError, ValueError)


class PreviewQueue:
    """The questions of a store that no worker has answered."""

    def __init__(
        self, store: ObjectStore, request_id: str | None = None, *, policy: Policy | None = None
    ) -> None:
        """Open the queue.

        Args:
            store: Where requests lie.
            request_id: The only request to look at; None looks at all.
            policy: The gate's rule, which says when requests close; None takes ``single``.
        """
        self._store, self._request_id = store, request_id
        self._policy = policy or single_policy()
        self._refused: set[tuple[str, str]] = set()

    def waiting(self, now: datetime) -> Iterator[tuple[ReviewBundle, PreviewRequest]]:
        """Look for questions on open requests.

        Args:
            now: Moment of the look; what is closed by then is left out.

        Yields:
            Request and question, one of every reviewer in turn, none that was answered meanwhile.

        Raises:
            StoreError: If the store cannot be read.
        """
        bundles: dict[str, ReviewBundle | None] = {}
        for info in self._in_turns():
            request_id = request_of(info.key)
            if request_id not in bundles:
                bundles[request_id] = self._open(request_id, now)
            bundle = bundles[request_id]
            question = self._read(bundle, info) if bundle else None
            if bundle and question:
                yield bundle, question

    def _in_turns(self) -> list[ObjectInfo]:
        """Return the unanswered keys, one of every reviewer of every request after another."""
        prefix = INBOX if self._request_id is None else inbox_prefix(self._request_id)
        asked: dict[str, dict[str, list[ObjectInfo]]] = defaultdict(lambda: defaultdict(list))
        for info in self._store.list(prefix):
            named = parse_preview_key(info.key)
            if named is not None and (info.key, info.etag) not in self._refused:
                asked[request_of(info.key)][named[0]].append(info)
        if not asked:
            return []
        lines: list[list[ObjectInfo]] = []
        for request_id in asked.keys() & set(open_requests(self._store)):
            answered = {
                info.key: info.modified
                for info in self._store.list(preview_answer_prefix(request_id))
            }
            # S3 counts whole seconds, so what seems to come at the same time is looked at as well.
            lines += [
                [
                    info
                    for info in infos
                    if (at := answered.get(_answer_key(info))) is None or info.modified >= at
                ]
                for infos in asked[request_id].values()
            ]
        turns: Sequence[tuple[ObjectInfo | None, ...]] = list(zip_longest(*lines))
        return [info for info in chain.from_iterable(turns) if info is not None]

    def _open(self, request_id: str, now: datetime) -> ReviewBundle | None:
        try:
            bundle = load_bundle(self._store, request_id)
        except (ObjectNotFoundError, ArtifactError) as error:
            logger.info("left out the previews of %s: %s", request_id, error)
            return None
        closing = closing_time(GateRequest.of(bundle), self._policy)
        return None if closing is not None and now >= closing else bundle

    def _read(self, bundle: ReviewBundle, info: ObjectInfo) -> PreviewRequest | None:
        """Read a question that is what its name says and that nobody has answered meanwhile."""
        try:
            # Others may have asked the same, or another worker answered, since the look began.
            if self._is_answered(bundle, info):
                return None
            question = parse_preview_request(self._store.get(info.key, max_bytes=MAX_BYTES))
            named = (question.reviewer, check_question(bundle, question))
            if named != parse_preview_key(info.key):
                raise IdentityError(
                    "expected the reviewer and edits that its name says (got other); ask from the "
                    "page"
                )
        except _UNUSABLE as error:
            logger.info("left out the preview %s: %s", info.key, error)
            self._refused.add((info.key, info.etag))
            return None
        return question

    def _is_answered(self, bundle: ReviewBundle, info: ObjectInfo) -> bool:
        """Return whether a result stands, or a failure that is later than the question."""
        named = parse_preview_key(info.key)
        if has_result(self._store, bundle, named[1] if named else ""):
            return True
        key = _answer_key(info)
        return any(
            found.modified > info.modified for found in self._store.list(key) if found.key == key
        )


def _answer_key(info: ObjectInfo) -> str:
    named = parse_preview_key(info.key)
    return preview_answer_key(request_of(info.key), named[1] if named else "")
