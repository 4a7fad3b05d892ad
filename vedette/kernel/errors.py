"""The one exception that crosses a border: a published code, an HTTP status and a sentence for its reader."""

from collections.abc import Mapping
from typing import Literal, override

type ErrorStyle = Literal["vst", "analytics"]
"""How a surface words its errors: `{error_code, error_message}` or `{error}`."""


class Fault(Exception):  # noqa: N818 - the word of the house, used on every page
    """Something the caller can be told. `code` is one of the published error codes, `status` a true HTTP status.

    `message` says what is wrong and what to do next; it never holds a secret. `headers` go out with the reply.
    """

    def __init__(self, code: str, status: int, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.message = message
        self.headers = dict(headers or {})

    def envelope(self, style: ErrorStyle) -> dict[str, str]:
        """The reply's body as the surface words it."""
        if style == "analytics":
            return {"error": self.message}
        return {"error_code": self.code, "error_message": self.message}

    @override
    def __repr__(self) -> str:
        return f"Fault({self.code!r}, {self.status}, {self.message!r})"


def invalid(message: str) -> Fault:
    """400: a parameter or body is missing or malformed."""
    return Fault("InvalidParameterError", 400, message)


def unauthorized(message: str = "Sign in first, or send a bearer token.") -> Fault:
    """401: nobody is signed in."""
    return Fault("ClientUnauthorizedError", 401, message)


def forbidden(message: str) -> Fault:
    """403: the subject is known and may not do this."""
    return Fault("ClientForbiddenError", 403, message)


def not_found(message: str, code: str = "VMSNoDataError") -> Fault:
    """404: no such thing, or none that the subject may see."""
    return Fault(code, 404, message)


def conflict(message: str) -> Fault:
    """409: it exists already, or its state does not allow this."""
    return Fault("ResourceConflictError", 409, message)


def unprocessable(message: str) -> Fault:
    """422: well formed, but the values contradict one another."""
    return Fault("UnprocessableEntityError", 422, message)


def unavailable(message: str) -> Fault:
    """503: not now; try again later."""
    return Fault("ServiceUnavailableError", 503, message)


def too_many(message: str, retry_after_s: int) -> Fault:
    """429: asked too often; `Retry-After` says when it is worth asking again."""
    return Fault("TooManyRequestsError", 429, message, headers={"retry-after": str(retry_after_s)})
