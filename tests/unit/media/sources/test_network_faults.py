"""Every error of the network becomes a sentence that says what to do, and none names an address."""

import errno
import socket
import ssl

import pytest

from vedette.media import rtsp_faults
from vedette.media.sources.network_faults import of_error


@pytest.mark.parametrize(
    ("error", "secure", "status", "words"),
    [
        (ConnectionRefusedError(111, "10.0.0.1"), False, 502, "Nothing listens"),
        (OSError(errno.EHOSTUNREACH, "10.0.0.1"), False, 502, "No network"),
        (OSError(errno.ENETUNREACH, "10.0.0.1"), False, 502, "No network"),
        (socket.gaierror(-2, "camera.lan"), False, 502, "host name"),
        (ssl.SSLError(1, "10.0.0.1"), True, 502, "secure connection"),
        (ConnectionResetError(104, "10.0.0.1"), True, 502, "secure connection"),
        (ConnectionResetError(104, "10.0.0.1"), False, 502, "cannot be reached"),
        (ConnectionRefusedError(111, "10.0.0.1"), True, 502, "Nothing listens"),
        (TimeoutError("10.0.0.1"), False, 408, "did not answer in time"),
    ],
)
def test_before_the_stream_began(error: OSError, secure: bool, status: int, words: str) -> None:
    fault = of_error(error, secure=secure)
    assert (fault.status, words in fault.message, "10.0.0.1" in fault.message) == (status, True, False)


def test_after_it_began() -> None:
    assert of_error(ConnectionResetError(104, "x"), opened=True).message == rtsp_faults.broken().message
    assert of_error(TimeoutError("x"), opened=True).status == 408
