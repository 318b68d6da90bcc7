"""Who may write what in the bucket, as the document that S3 services take.

One identity per kind of process, each with keys of its own. Most of them read the whole bucket,
which holds no secret. A reviewer's own key writes their inbox, and that of the model in use writes
``intake/``; neither reads anything. What nobody is allowed here is left to the bucket's owner: to
delete versions, to change this document.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from feedback import layout
from feedback.errors import ParamsError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,79}")

FOLLOWING = (2, 3)
"""Numbers of the decisions that only say what became of an approval: promoted, stale, revoked."""


@dataclass(frozen=True)
class Identity:
    """What one kind of process may change.

    Attributes:
        name: User of the S3 service.
        writes: Patterns of keys, in which ``*`` is any text.
        deletes: Patterns of keys that it may take away.
        reads: Whether it reads the bucket.
    """

    name: str
    writes: tuple[str, ...]
    deletes: tuple[str, ...] = ()
    reads: bool = True


_FOLLOWING = tuple(layout.decision_key("*", number) for number in FOLLOWING)
_PROMOTIONS = f"{layout.PROMOTIONS}*"

IDENTITIES = (
    # Answers of whoever its proxy vouches for, and their questions about edits; signed by its key.
    Identity("parley-page", (layout.upload_key("*", "*", "*"),)),
    # It alone judges uploads and writes the first decision on a request.
    Identity(
        "parley-watcher",
        (
            f"{layout.REJECTIONS}*",
            f"{layout.ACCEPTED}*",
            layout.notice_key("*", "*"),
            layout.policy_key("*"),
            f"{layout.DECISIONS}*",
            f"{layout.AUDIT}*",
        ),
        # Notes of runs that ended without taking them away: those that died, or were given up.
        (f"{layout.WAITING}*",),
    ),
    # Runs ask, wait, and say what became of an approval. They do not answer, and do not decide.
    Identity(
        "parley-runs",
        (
            "artifacts/*",
            "stages/*",
            "tracking/*",
            "runs/*",
            "origins/*",
            "finished/*",
            layout.intaken_key("*"),
            _PROMOTIONS,
            f"{layout.REVIEWS}*",
            f"{layout.WAITING}*",
            layout.preview_answer_key("*", "*"),
            *_FOLLOWING,
            f"{layout.AUDIT}*",
        ),
        (f"{layout.WAITING}*",),
    ),
    # People at a command line who enrol reviewers and take promotions back.
    Identity(
        "parley-operator",
        (f"{layout.REVIEWERS}*", _PROMOTIONS, *_FOLLOWING, f"{layout.AUDIT}*"),
    ),
    # Where the model is used: hands in images without labels, at most.
    Identity("parley-use", (f"{layout.INTAKE}*",), reads=False),
)
_PROBE = layout.probe_key("*")
"""Every process writes one object twice at its start, to see that the second write is refused."""


def bucket_policy(
    bucket: str, *, prefix: str = "", account: str = "", reviewers: Sequence[str] = ()
) -> dict[str, JsonValue]:
    """Return the policy of the bucket that holds the object store.

    Args:
        bucket: Name of the bucket.
        prefix: Where in the bucket the store lies, without slashes at its ends.
        account: Number of the account that the users belong to; empty on Ceph.
        reviewers: Names of reviewers with keys of their own, each the user ``reviewer-NAME``.

    Returns:
        The document, to be put on the bucket by its owner.

    Raises:
        ParamsError: If a name is not one that reviewers or buckets have.
    """
    for name in (bucket, *reviewers):
        # A star or a slash in a name would open more than it says.
        if not _NAME.fullmatch(name):
            raise ParamsError(
                "expected names of letters, digits, '_', '.', '@', '-' "
                f"(got {name[:80]!r}); correct it"
            )
    if "*" in prefix or "?" in prefix or prefix.strip("/") != prefix:
        raise ParamsError(f"expected a prefix such as team (got {prefix[:80]!r}); correct it")
    place = f"arn:aws:s3:::{bucket}"
    start = f"{place}/{prefix}/" if prefix else f"{place}/"

    def allow(
        sid: str, names: Sequence[str], action: Sequence[str], resources: Sequence[str]
    ) -> dict[str, JsonValue]:
        users: list[JsonValue] = [f"arn:aws:iam::{account}:user/{name}" for name in names]
        return {
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {"AWS": users},
            "Action": list(action),
            "Resource": list(resources),
        }

    everybody = [identity.name for identity in IDENTITIES if identity.reads]
    statements: list[JsonValue] = [
        allow("List", everybody, ["s3:ListBucket"], [place]),
        allow("Read", everybody, ["s3:GetObject"], [f"{start}*"]),
        allow("Probe", everybody, ["s3:PutObject", "s3:DeleteObject"], [f"{start}{_PROBE}"]),
    ]
    for identity in IDENTITIES:
        short = identity.name.removeprefix("parley-").capitalize()
        for verb, action, patterns in (
            ("Write", "s3:PutObject", identity.writes),
            ("Delete", "s3:DeleteObject", identity.deletes),
        ):
            if patterns:
                allowed = [start + pattern for pattern in patterns]
                statements.append(allow(f"{short}{verb}", [identity.name], [action], allowed))
    for number, name in enumerate(reviewers, 1):
        inbox = start + layout.upload_key("*", name, "*")
        statements.append(
            allow(f"Reviewer{number}HandIn", [f"reviewer-{name}"], ["s3:PutObject"], [inbox])
        )
    return {"Version": "2012-10-17", "Statement": statements}
