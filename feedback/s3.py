"""Object store in a bucket of any S3 service that honours conditional writes.

Credentials, region and endpoint come from boto3's own places (``AWS_ACCESS_KEY_ID``,
``AWS_ENDPOINT_URL_S3``, ``AWS_REGION``, profiles); none of them is ever logged or repeated.
"""

import random
import time
from collections.abc import Callable, Sequence
from typing import Literal

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    IncompleteReadError,
    SSLError,
)

from feedback.errors import (
    AccessDeniedError,
    ObjectNotFoundError,
    ObjectTooLargeError,
    StoreAwayError,
    StoreError,
)
from feedback.keys import check_folder, check_key, check_prefix
from feedback.objects import ObjectInfo

_NOT_FOUND = frozenset({"404", "NoSuchKey", "NotFound"})
_TAKEN = frozenset({"412", "PreconditionFailed"})
# Two conditional writes of one key met: S3 asks the loser to try again.
_CONFLICT = frozenset({"409", "ConditionalRequestConflict", "OperationAborted"})
# 403: the answer to HEAD has no body that would name the code.
_DENIED = frozenset({"403", "AccessDenied"})
_CONFLICT_TRIES = 8
# What a service that is down, starting or overloaded answers, or the proxy before it.
_AWAY_STATUS = frozenset({429, 500, 502, 503, 504})
_AWAY = frozenset({"RequestTimeout", "SlowDown", "InternalError", "ServiceUnavailable"})
_SILENCE = (ConnectionError, HTTPClientError, IncompleteReadError)


class S3Store:
    """Objects of one bucket under one prefix.

    Every request is sent once, and ``StoreAwayError`` says that it may be sent again: how long is
    for ``feedback/patient.py`` to say, which must know whether an answer was lost.
    """

    def __init__(
        self,
        bucket: str,
        *,
        prefix: str = "",
        endpoint: str | None = None,
        addressing: Literal["auto", "path", "virtual"] = "auto",
        silence: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepare the client; nothing is sent yet.

        Args:
            bucket: Bucket, which must exist.
            prefix: Start of every key, without slashes at its ends.
            endpoint: Address of the service; None takes the environment's.
            addressing: Bucket in the path or in the host name; auto takes the path for every
                endpoint but Amazon's.
            silence: Longest time without a byte of an answer, seconds.
            sleep: Waits between conflicting conditional writes.

        Raises:
            StoreError: If the client's settings are not usable.
        """
        self._bucket = bucket
        self._prefix = f"{check_key(prefix)}/" if prefix else ""
        self._sleep = sleep
        config = Config(
            connect_timeout=5,
            read_timeout=silence,
            retries={"mode": "standard", "total_max_attempts": 1},
            s3={"addressing_style": addressing},
            # Services other than Amazon's often refuse the checksums that boto3 adds on its own.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        try:
            self._client = boto3.client("s3", endpoint_url=endpoint, config=config)
        except (BotoCoreError, ValueError) as error:
            raise StoreError(
                f"expected usable S3 settings (got {type(error).__name__}); "
                "check AWS_REGION, the endpoint and the credentials' environment variables"
            ) from None

    @property
    def url(self) -> str:
        """Address of the store."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def put(self, key: str, data: bytes) -> None:
        """Write an object, replacing one of the same key."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=self._key(key), Body=data)
        except (ClientError, BotoCoreError) as error:
            raise self._explained("write", key, error) from None

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Write an object unless its key is taken (``If-None-Match: *``)."""
        name = self._key(key)
        for attempt in range(_CONFLICT_TRIES):
            try:
                self._client.put_object(Bucket=self._bucket, Key=name, Body=data, IfNoneMatch="*")
            except (ClientError, BotoCoreError) as error:
                if _code(error) in _TAKEN:
                    return False
                if _code(error) not in _CONFLICT:
                    raise self._explained("write", key, error) from None
                self._sleep(random.uniform(0, min(2.0, 0.05 * 2**attempt)))
            else:
                return True
        raise StoreError(
            f"expected to write {key!r} to {self.url} (got a conflict {_CONFLICT_TRIES} times); "
            "try again when the store is less busy"
        )

    def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        """Read an object, at most ``max_bytes`` of it."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key(key))
            size: int = answer["ContentLength"]
            if max_bytes is not None and size > max_bytes:
                answer["Body"].close()
                raise ObjectTooLargeError(
                    f"expected at most {max_bytes} bytes at {key!r} (got {size})"
                )
            data: bytes = answer["Body"].read()
        except (ClientError, BotoCoreError) as error:
            if _code(error) in _NOT_FOUND:
                raise ObjectNotFoundError(
                    f"expected an object at {key!r} of {self.url} (got none); check its name"
                ) from None
            raise self._explained("read", key, error) from None
        return data

    def exists(self, key: str) -> bool:
        """Tell whether there is an object under the key."""
        try:
            self._client.head_object(Bucket=self._bucket, Key=self._key(key))
        except (ClientError, BotoCoreError) as error:
            if _code(error) in _NOT_FOUND:
                return False
            raise self._explained("look for", key, error) from None
        return True

    def delete(self, key: str) -> None:
        """Remove an object; no error when there is none."""
        try:
            self._client.delete_object(Bucket=self._bucket, Key=self._key(key))
        except (ClientError, BotoCoreError) as error:
            raise self._explained("delete", key, error) from None

    def list(self, prefix: str = "") -> Sequence[ObjectInfo]:
        """List the objects whose key starts with ``prefix``, sorted by key."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + check_prefix(prefix)
        )
        try:
            found = [
                ObjectInfo(
                    key=entry["Key"].removeprefix(self._prefix),
                    size=entry["Size"],
                    modified=entry["LastModified"],
                    etag=entry["ETag"].strip('"'),
                )
                for page in pages
                for entry in page.get("Contents", ())
                # Consoles make empty objects that end with a slash to show folders.
                if not entry["Key"].endswith("/")
            ]
        except (ClientError, BotoCoreError) as error:
            raise self._explained("list", prefix, error) from None
        return sorted(found, key=lambda info: info.key)

    def folders(self, prefix: str) -> Sequence[str]:
        """List the parts that follow ``prefix`` in the keys of objects deeper down, sorted."""
        start = self._prefix + check_folder(prefix)
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=start, Delimiter="/"
        )
        try:
            found = [
                entry["Prefix"].removeprefix(start).rstrip("/")
                for page in pages
                for entry in page.get("CommonPrefixes", ())
            ]
        except (ClientError, BotoCoreError) as error:
            raise self._explained("list", prefix, error) from None
        return sorted(found)

    def _key(self, key: str) -> str:
        return self._prefix + check_key(key)

    def _explained(self, verb: str, key: str, error: Exception) -> StoreError:
        # Neither the message nor the chain repeats the request, which may hold signed headers.
        kind = StoreError
        if _code(error) in _DENIED:
            kind = AccessDeniedError
        elif _is_away(error):
            kind = StoreAwayError
        return kind(
            f"expected to {verb} {key!r} in {self.url} (got {_code(error)}); check that the bucket "
            "exists, the service answers and the credentials allow it"
        )


def _code(error: Exception) -> str:
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        return str(code or error.response["ResponseMetadata"]["HTTPStatusCode"])
    return type(error).__name__


def _is_away(error: Exception) -> bool:
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return status in _AWAY_STATUS or _code(error) in _AWAY
    # A certificate that is wrong is wrong in a minute, too.
    return isinstance(error, _SILENCE) and not isinstance(error, SSLError)
