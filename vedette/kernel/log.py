"""Structured logs: an event name and fields. Secrets and URL credentials are redacted here, for every line."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog

REDACTED = "[redacted]"
_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)?$|secret|token|ticket|cookie|authorization|credential|api_?key|setup_code", re.IGNORECASE
)
_URL_CREDENTIALS = re.compile(r"\b([a-z][a-z0-9+.-]*://)[^/\s@'\"]*@", re.IGNORECASE)
_QUERY_SECRET = re.compile(r"([?&#](?:token|ticket|code|password|secret|key)=)[^&\s'\"]+", re.IGNORECASE)
_BEARER = re.compile(r"\b(bearer|basic|digest)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_API_TOKEN = re.compile(r"\bvedette_[A-Za-z0-9]+_[A-Za-z0-9_-]+")

type Logger = structlog.typing.FilteringBoundLogger


def redact_text(text: str) -> str:
    """The text without URL credentials, bearer values, API tokens and secret query values."""
    text = _URL_CREDENTIALS.sub(rf"\1{REDACTED}@", text)
    text = _QUERY_SECRET.sub(rf"\1{REDACTED}", text)
    text = _BEARER.sub(rf"\1 {REDACTED}", text)
    return _API_TOKEN.sub(REDACTED, text)


def redact(value: Any, key: str = "") -> Any:
    """A copy of `value` that is safe to write down; mappings and sequences are walked."""
    if key and _SECRET_KEY.search(key):
        return REDACTED
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {name: redact(item, str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    if isinstance(value, BaseExceptionGroup):
        return [redact(cause) for cause in value.exceptions]
    if isinstance(value, BaseException):
        return redact_text(f"{type(value).__name__}: {value}")
    return value


def _redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in list(event):
        event[key] = redact(event[key], key)
    return event


def configure(*, service: str, level: str = "info", stream: TextIO | None = None) -> None:
    """Sets up structured logging for this process: JSON lines, or columns on a terminal, on standard error."""
    out = stream or sys.stderr
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
        _redact_event,
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(timestamp_key="time") if out.isatty() else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(service=service)
    _adopt_standard_logging(shared, renderer, out)


def _adopt_standard_logging(
    shared: list[structlog.typing.Processor], renderer: structlog.typing.Processor, out: TextIO
) -> None:
    """Library log lines take the same road, so that they are redacted too."""
    adopted = logging.StreamHandler(out)
    adopted.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [adopted]
    root.setLevel(logging.WARNING)


def get_logger(name: str) -> Logger:
    """A logger whose lines carry `logger=name`."""
    logger: Logger = structlog.get_logger().bind(logger=name)
    return logger
