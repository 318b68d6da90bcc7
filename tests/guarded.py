"""An object store that denies what the bucket's policy does not allow."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from feedback.errors import AccessDeniedError
from feedback.objects import ObjectInfo, ObjectStore

START = "arn:aws:s3:::parley/"


def allowed(document: Any, action: str, key: str, *, start: str = START) -> set[str]:
    """Return the users who may do something to a key, as S3 reads the document."""
    found = set()
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow"
        patterns = statement["Resource"]
        # S3's stars stand for slashes too, as those of fnmatch do; neither has other signs here.
        assert not any(set("[?]") & set(pattern) for pattern in patterns)
        if action in statement["Action"] and any(fnmatchcase(start + key, p) for p in patterns):
            found |= {arn.rsplit("/", 1)[1] for arn in statement["Principal"]["AWS"]}
    return found


class GuardedStore:
    """A store in the hands of one user.

    Args:
        inner: What is kept.
        document: The bucket's policy.
        user: Who asks.
    """

    def __init__(self, inner: ObjectStore, document: Any, user: str) -> None:
        self._inner, self._document, self._user = inner, document, user

    @property
    def url(self) -> str:
        return "s3://parley"

    def put(self, key: str, data: bytes) -> None:
        self._check("s3:PutObject", key)
        self._inner.put(key, data)

    def put_if_absent(self, key: str, data: bytes) -> bool:
        self._check("s3:PutObject", key)
        return self._inner.put_if_absent(key, data)

    def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        self._check("s3:GetObject", key)
        return self._inner.get(key, max_bytes=max_bytes)

    def exists(self, key: str) -> bool:
        self._check("s3:GetObject", key)
        return self._inner.exists(key)

    def delete(self, key: str) -> None:
        self._check("s3:DeleteObject", key)
        self._inner.delete(key)

    def list(self, prefix: str = "") -> Sequence[ObjectInfo]:
        self._check("s3:ListBucket", "", start=START.rstrip("/"))
        return self._inner.list(prefix)

    def folders(self, prefix: str) -> Sequence[str]:
        self._check("s3:ListBucket", "", start=START.rstrip("/"))
        return self._inner.folders(prefix)

    def _check(self, action: str, key: str, *, start: str = START) -> None:
        if self._user not in allowed(self._document, action, key, start=start):
            raise AccessDeniedError(
                f"expected {action} of {key!r} (got AccessDenied); ask an owner"
            )
