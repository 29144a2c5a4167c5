"""Every error that Saddlepoint raises on purpose.

SaddlepointError
├── InvalidRequest                 the request itself is wrong
│   ├── InvalidSpec                a field of a specification
│   │   ├── InvalidEpsilon
│   │   ├── UnsupportedAttack      not for this kind of policy or environment
│   │   └── InvalidSeeds
│   ├── InvalidWebhook
│   ├── TooManyEpisodes
│   ├── NotComparable              evaluations that differ in more than the policy
│   ├── UnknownAttack
│   ├── UnknownEnvironment
│   ├── UnsupportedEnvironment
│   ├── MalformedRequest           not parseable at all
│   ├── UnsupportedMediaType       the body is of another kind than the route takes
│   ├── NotAcceptable              no such representation
│   ├── LengthRequired
│   ├── BodyTooLarge
│   └── SlowBody
├── PolicyRejected                 the uploaded policy cannot be taken
│   ├── MalformedPolicy            truncated or corrupt
│   ├── UnsupportedFormat
│   ├── UnsafePickle
│   ├── ExternalDataForbidden
│   ├── UnsupportedOperator
│   ├── UnsupportedArchitecture
│   ├── ArchitectureMismatch
│   ├── ObservationMismatch
│   ├── ActionMismatch
│   ├── NonFiniteWeights
│   ├── BackendDisagreement
│   ├── UnpackedTooLarge
│   └── ResourceLimit
├── AccessDenied
│   ├── Unauthenticated
│   ├── Forbidden
│   ├── StorageQuotaExceeded       room is made by deleting something
│   └── ForeignHost                the request was addressed to another machine
├── NotFound
├── MethodNotAllowed
├── Conflict
│   ├── AlreadyEnded
│   ├── ReportNotReady
│   └── IdempotencyConflict
├── CleanScoreTooLow
├── Canceled                       the job was canceled by its owner
├── TooManyRequests                come back after `retry_after_s`
│   └── QuotaExceeded
├── Unavailable                    a part of the service is down; retry
├── UnexpectedAnswer               the client was answered by something that is not Saddlepoint, or another version
├── UnverifiedWebhook              the client's: a delivery is not known to come from the service
├── WaitTimedOut                   the client stopped waiting; the job goes on
├── StoreError
│   ├── ArtifactNotFound
│   └── ArtifactCorrupt
├── JobFailed                      an evaluation or training ended as failed
├── GateFailed                     the command line's: a policy did not pass its gate
├── FaultsFound                    the command line's: the doctor found something that does not work
└── InternalError

`code` is stable and machine-readable, `status` is the HTTP status it travels with. A message says the rule that
was broken, the value that broke it, and the remedy; it never carries the text of a foreign exception.
"""

from typing import ClassVar, Self


class SaddlepointError(Exception):
    """The root: anything raised on purpose."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Error"

    def __init__(self, message: str, fields: tuple[tuple[str, str], ...] = ()) -> None:
        described = (f"{location}: {reason}" for location, reason in fields)
        details = "; ".join(text for text in described if text not in message)
        super().__init__(f"{message} ({details})" if details else message)
        self.message = message
        self.fields = fields
        """Where a body is wrong, and why: (location, message) of each field."""


class InvalidRequest(SaddlepointError):
    code, status, title = "invalid-request", 422, "The request is not valid"


class InvalidSpec(InvalidRequest):
    code, title = "invalid-spec", "The specification is not valid"


class InvalidEpsilon(InvalidSpec):
    code, title = "invalid-epsilon", "An epsilon is not valid"


class UnsupportedAttack(InvalidSpec):
    code, title = "unsupported-attack", "The attack does not apply here"


class InvalidSeeds(InvalidSpec):
    code, title = "invalid-seeds", "The seeds are not valid"


class InvalidWebhook(InvalidRequest):
    code, title = "invalid-webhook", "The webhook cannot be called"


class TooManyEpisodes(InvalidRequest):
    code, title = "too-many-episodes", "The evaluation is too large"


class NotComparable(InvalidRequest):
    code, title = "not-comparable", "The evaluations cannot be compared"


class UnknownAttack(InvalidRequest):
    code, title = "unknown-attack", "There is no such attack"


class UnknownEnvironment(InvalidRequest):
    code, title = "unknown-environment", "There is no such environment"


class UnsupportedEnvironment(InvalidRequest):
    code, title = "unsupported-environment", "The environment cannot be evaluated"


class MalformedRequest(InvalidRequest):
    code, status, title = "malformed-request", 400, "The request could not be parsed"


class UnsupportedMediaType(InvalidRequest):
    code, status, title = "unsupported-media-type", 415, "The body is of the wrong kind"


class NotAcceptable(InvalidRequest):
    code, status, title = "not-acceptable", 406, "There is no such representation"


class LengthRequired(InvalidRequest):
    code, status, title = "length-required", 411, "A length is required"


class BodyTooLarge(InvalidRequest):
    code, status, title = "body-too-large", 413, "The body is too large"


class SlowBody(InvalidRequest):
    code, status, title = "slow-body", 408, "The body came too slowly"


class PolicyRejected(SaddlepointError):
    code, status, title = "policy-rejected", 422, "The policy was rejected"


class MalformedPolicy(PolicyRejected):
    code, status, title = "malformed-policy", 400, "The policy file is damaged"


class UnsupportedFormat(PolicyRejected):
    code, status, title = "unsupported-format", 415, "The file is no policy we can read"


class UnsafePickle(PolicyRejected):
    code, title = "unsafe-pickle", "The file carries code"


class ExternalDataForbidden(PolicyRejected):
    code, title = "external-data-forbidden", "The model refers to data outside of the file"


class UnsupportedOperator(PolicyRejected):
    code, title = "unsupported-operator", "The model uses an operator that is not allowed"


class UnsupportedArchitecture(PolicyRejected):
    code, title = "unsupported-architecture", "The network is of a kind that is not supported"


class ArchitectureMismatch(PolicyRejected):
    code, title = "architecture-mismatch", "The weights do not fit the network"


class ObservationMismatch(PolicyRejected):
    code, title = "observation-mismatch", "The policy and the environment disagree on observations"


class ActionMismatch(PolicyRejected):
    code, title = "action-mismatch", "The policy and the environment disagree on actions"


class NonFiniteWeights(PolicyRejected):
    code, title = "non-finite-weights", "The weights hold NaN or infinity"


class BackendDisagreement(PolicyRejected):
    code, title = "backend-disagreement", "The model does not compute the same in both runtimes"


class UnpackedTooLarge(PolicyRejected):
    code, status, title = "unpacked-too-large", 413, "The file unpacks to too much"


class ResourceLimit(PolicyRejected):
    code, title = "resource-limit", "Reading the policy took too much time or memory"


class AccessDenied(SaddlepointError):
    code, status, title = "access-denied", 403, "Access denied"


class Unauthenticated(AccessDenied):
    code, status, title = "unauthenticated", 401, "A valid API key is required"


class Forbidden(AccessDenied):
    code, title = "forbidden", "This is not yours"


class StorageQuotaExceeded(AccessDenied):
    code, title = "storage-quota-exceeded", "There is no room left for this"


class ForeignHost(AccessDenied):
    code, title = "foreign-host", "The request is addressed to another machine"


class NotFound(SaddlepointError):
    code, status, title = "not-found", 404, "There is no such thing"


class MethodNotAllowed(SaddlepointError):
    code, status, title = "method-not-allowed", 405, "The method is not allowed here"


class Conflict(SaddlepointError):
    code, status, title = "conflict", 409, "The request conflicts with the present state"


class AlreadyEnded(Conflict):
    code, title = "already-ended", "It has already ended"


class ReportNotReady(Conflict):
    code, title = "report-not-ready", "There is no report yet"


class IdempotencyConflict(Conflict):
    code, title = "idempotency-conflict", "The idempotency key was used for another request"


class CleanScoreTooLow(SaddlepointError):
    code, status, title = "clean-score-too-low", 422, "The policy does not beat a random one"


class Canceled(SaddlepointError):
    code, status, title = "canceled", 409, "It was canceled"


class TooManyRequests(SaddlepointError):
    code, status, title = "too-many-requests", 429, "Too many requests"
    retry_after_s: int = 5

    def retried_after(self, seconds: int) -> Self:
        """The same, which may be mended after so long."""
        self.retry_after_s = seconds
        return self


class QuotaExceeded(TooManyRequests):
    code, title = "quota-exceeded", "A quota is used up"


class Unavailable(SaddlepointError):
    code, status, title = "unavailable", 503, "The service is not available right now"


class UnexpectedAnswer(SaddlepointError):
    code, status, title = "unexpected-answer", 502, "The answer could not be understood"


class UnverifiedWebhook(SaddlepointError):
    code, status, title = "unverified-webhook", 401, "The webhook is not known to come from the service"


class WaitTimedOut(SaddlepointError):
    code, status, title = "wait-timed-out", 504, "Waiting took too long"


class StoreError(SaddlepointError):
    code, status, title = "store-error", 503, "The artifact store failed"


class ArtifactNotFound(StoreError):
    code, status, title = "artifact-not-found", 404, "There is no such artifact"


class ArtifactCorrupt(StoreError):
    code, status, title = "artifact-corrupt", 500, "An artifact does not match its checksum"


class JobFailed(SaddlepointError):
    code, status, title = "job-failed", 500, "The job failed"


class GateFailed(SaddlepointError):
    code, status, title = "gate-failed", 422, "The policy did not pass the gate"


class FaultsFound(SaddlepointError):
    code, title = "faults-found", "Something does not work"


class InternalError(SaddlepointError):
    code, title = "internal-error", "Something went wrong here"


def _tree(root: type[SaddlepointError]) -> list[type[SaddlepointError]]:
    return [root, *(error for child in root.__subclasses__() for error in _tree(child))]


def by_code() -> dict[str, type[SaddlepointError]]:
    """Every error class by its `code`; how a client turns a problem back into an exception."""
    return {error.code: error for error in _tree(SaddlepointError)}
