"""The tree of Parley's own exceptions.

::

    ParleyError
    ├── ParamsError                 a parameter is unknown or out of range
    ├── DatasetError                a dataset is missing, damaged or not the version asked for
    ├── WeightsError                a checkpoint does not fit the network
    ├── ChannelError
    │   ├── UnknownChannelError     no channel of that name
    │   └── IncompleteChannelError  a channel lacks one of its files or functions
    ├── StoreError                  object storage cannot be reached, written or trusted
    │   ├── StoreAwayError          object storage does not answer now, and may later
    │   ├── AccessDeniedError       the store's policy denies it to these credentials
    │   ├── ObjectNotFoundError     no object under that key
    │   └── ObjectTooLargeError     an object exceeds what its reader accepts
    ├── ArtifactError
    │   ├── DigestMismatchError     stored bytes are not the bytes that were written
    │   └── AuditError              the audit log is not the chain that was written
    ├── ExplanationError
    │   ├── NoConceptsFoundError    no cluster of a class passed the popularity rules
    │   └── LowAgreementError       the reasoner does not imitate the classifier well enough
    ├── PolicyError                 a policy file cannot be read, or met by anybody
    ├── ReviewerError               a reviewer or key cannot be enrolled, read or used
    ├── TrackingError               the tracking server refused or lost something
    │   └── StaleChampionError      another version is champion than a promotion was to replace
    ├── OrchestrationError          Prefect or a process of Parley's own does not answer
    └── FeedbackError               a reviewer's document is refused and told why
        ├── MalformedDocumentError  not JSON, too large, too deep, or not of the schema
        ├── SchemaVersionError      a version of the schema that this Parley lacks
        ├── BundleMismatchError     written for another request or other evidence
        ├── UnknownTargetError      names a class, slot, concept or edge not shown
        ├── IdentityError           its author is not the one whose inbox it lies in
        ├── SignatureError          not signed as the policy asks, or by somebody else
        ├── ReplayError             a one-time name or an old signature is used again
        ├── ContradictionError      asks for two things that cannot both hold
        ├── HasteError              an approval that took less time than the policy asks for
        ├── DuplicateError          was handed in before
        └── ClosedRequestError      the request is decided, expired or withdrawn

Every message says what was expected, what was got, and the remedy. Mistakes of the calling
programmer stay ``ValueError`` and ``TypeError``.
"""


class ParleyError(Exception):
    """Base of every error that Parley raises for its user.

    Example:
        >>> try:
        ...     raise DatasetError("expected at least two classes (got 1); add a folder per class")
        ... except ParleyError as error:
        ...     message = str(error)
    """


class ParamsError(ParleyError):
    """A parameter is unknown, of the wrong type or out of range."""


class DatasetError(ParleyError):
    """A dataset is missing, empty, damaged or not the version that was asked for."""


class WeightsError(ParleyError):
    """A checkpoint does not fit the network by name or shape."""


class ChannelError(ParleyError):
    """A channel cannot be used."""


class UnknownChannelError(ChannelError):
    """No channel of that name was discovered."""


class IncompleteChannelError(ChannelError):
    """A discovered channel lacks one of its files or functions."""


class StoreError(ParleyError):
    """Object storage cannot be reached, written or trusted."""


class StoreAwayError(StoreError):
    """Object storage does not answer now; the same call may work later."""


class AccessDeniedError(StoreError):
    """The store's policy denies it to these credentials."""


class ObjectNotFoundError(StoreError):
    """No object under that key."""


class ObjectTooLargeError(StoreError):
    """An object exceeds what its reader accepts."""


class ArtifactError(ParleyError):
    """A stored artifact is missing or unreadable."""


class DigestMismatchError(ArtifactError):
    """Stored bytes are not the bytes that were written."""


class AuditError(ArtifactError):
    """The audit log is not the chain that was written."""


class ExplanationError(ParleyError):
    """The network cannot be explained with these settings."""


class NoConceptsFoundError(ExplanationError):
    """No cluster of a class passed the popularity rules."""


class LowAgreementError(ExplanationError):
    """The reasoner does not imitate the classifier well enough to explain it."""


class PolicyError(ParleyError):
    """A policy file cannot be read, or could not be met by anybody."""


class ReviewerError(ParleyError):
    """A reviewer or key cannot be enrolled, read or used."""


class TrackingError(ParleyError):
    """The tracking server refused or lost something."""


class StaleChampionError(TrackingError):
    """Another version is champion than the one that a promotion was to replace."""


class OrchestrationError(ParleyError):
    """Prefect, or a process of Parley's own, cannot be reached or started."""


class FeedbackError(ParleyError):
    """A reviewer's document is refused; the message becomes the rejection's reason."""


class MalformedDocumentError(FeedbackError):
    """Not JSON, too large, too deep, or not of the schema."""


class SchemaVersionError(FeedbackError):
    """A version of the schema that this Parley does not speak."""


class BundleMismatchError(FeedbackError):
    """Written for another request or for other evidence than was shown."""


class UnknownTargetError(FeedbackError):
    """Names a class, slot, concept or edge that the bundle does not have."""


class IdentityError(FeedbackError):
    """Its author is not the one whose inbox it lies in."""


class SignatureError(FeedbackError):
    """Not signed as the policy asks, or signed by somebody else."""


class ReplayError(FeedbackError):
    """A one-time name or an old signature is used again."""


class ContradictionError(FeedbackError):
    """Asks for two things that cannot both hold."""


class HasteError(FeedbackError):
    """An approval took less time, by its own account, than the policy asks for."""


class DuplicateError(FeedbackError):
    """Was handed in before."""


class ClosedRequestError(FeedbackError):
    """The request is decided, expired or withdrawn and takes nothing more."""
