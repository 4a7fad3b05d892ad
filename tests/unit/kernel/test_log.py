"""No secret reaches a log line, whatever road it takes."""

import io
import logging

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from vedette.kernel import log

CANARY = "c4n4ry-S3cret"


@pytest.mark.parametrize(
    "text",
    [
        f"cannot open rtsp://admin:{CANARY}@10.0.0.3:554/ch1",
        f"Authorization: Bearer {CANARY}",
        f"GET /x?token={CANARY}&a=b",
        f"http://h/#ticket={CANARY}",
        f"vedette_ab12_{CANARY}",
    ],
)
def test_text_is_redacted(text: str) -> None:
    assert CANARY not in log.redact_text(text)


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=6))
def test_url_passwords_never_survive(password: str) -> None:
    cleaned = log.redact_text(f"rtsp://user:{password}@camera/stream")
    assert cleaned == f"rtsp://{log.REDACTED}@camera/stream"


@pytest.mark.parametrize("key", ["password", "api_token", "Authorization", "cookie", "relay_secret", "setup_code"])
def test_fields_with_secret_names_are_redacted_at_any_depth(key: str) -> None:
    assert CANARY not in str(log.redact({"outer": [{key: CANARY}]}))


def test_the_causes_inside_a_group_are_named() -> None:
    group = ExceptionGroup("tasks", [OSError(f"rtsp://a:{CANARY}@h/1"), ExceptionGroup("inner", [ValueError("why")])])
    assert log.redact(group) == [f"OSError: rtsp://{log.REDACTED}@h/1", ["ValueError: why"]]


def test_harmless_text_is_left_alone() -> None:
    text = "rtsp://10.0.0.3:554/ch1 opened in 12 ms; count@door is 3"
    assert log.redact_text(text) == text


def test_own_lines_library_lines_and_exceptions_take_the_same_road() -> None:
    stream = io.StringIO()
    log.configure(service="test", level="info", stream=stream)
    try:
        log.get_logger("unit").info("camera_failed", url=f"rtsp://a:{CANARY}@h/1", password=CANARY)
        logging.getLogger("library").warning("opening rtsp://a:%s@h/1", CANARY)
        try:
            raise OSError(f"rtsp://a:{CANARY}@h/1")
        except OSError as error:
            log.get_logger("unit").error("failed", cause=error, exc_info=error)
    finally:
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
        logging.getLogger().handlers.clear()
    written = stream.getvalue()
    assert written.count("\n") == 3
    assert '"event": "camera_failed"' in written
    assert '"service": "test"' in written
    assert CANARY not in written
