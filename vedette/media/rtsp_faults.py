"""Why a camera cannot be read, as a sentence for whoever typed the URL; never the URL itself, nor who signs in."""

import re
from urllib.parse import urlsplit

from vedette.kernel.errors import Fault, invalid, not_found

_NAME = re.compile(r"[^0-9A-Za-z.:\-\[\]]")


class HostSilent(Fault):
    """The host itself does not answer: it is off, or no network leads to it."""


def no_host() -> Fault:
    """408: no connection came about in time."""
    return HostSilent(
        "DeviceRequestTimeoutError", 408, "The camera did not answer in time. Is it on, and the address right?"
    )


def no_route() -> Fault:
    """502: the network says that it cannot reach the host."""
    return HostSilent(
        "CommunicationError", 502, "No network leads to this address. Check the address and this box's network."
    )


def not_rtsp() -> Fault:
    """400: another protocol, or none."""
    return invalid("What answers at this address does not speak RTSP. Check the port (554 is usual) and the path.")


def bad_url() -> Fault:
    """400: nothing to connect to."""
    return invalid("The URL is not valid. Check host and port: rtsp://host:554/path.")


def unauthorized() -> Fault:
    """403: the camera asked for credentials and did not take ours."""
    return Fault("CameraUnauthorizedError", 403, "The camera refuses the user name or password. Check both.")


def silent(*, opened: bool = False) -> Fault:
    """408: nothing came in time. `opened`: the stream had begun already."""
    if opened:
        return _timeout("The camera has stopped sending. Check its network and power; it may need a restart.")
    return _timeout("The camera did not answer in time. Is it on, and the address right?")


def no_keyframe(seconds: float) -> Fault:
    """408: media, but never a picture to begin with."""
    return _timeout(
        f"The camera sent no keyframe for {seconds:g} s. Check its encoder: set its keyframe interval to 1 or 2 s."
    )


def no_video() -> Fault:
    """422: a description without a video section."""
    return Fault("VMSNotSupportedError", 422, "The URL answers, but carries no video. Check the path.")


def unknown_codec(name: str) -> Fault:
    """415: video that we do not read."""
    return Fault("UnsupportedMediaTypeError", 415, f"The camera sends {name[:40]}; set it to H.264, H.265 or AV1.")


def ended() -> Fault:
    """502: a camera has no end."""
    return unreachable("The camera ended the stream. Is it restarting, or has it other viewers?")


def broken() -> Fault:
    """502: the connection failed after the stream had begun."""
    return unreachable("The connection to the camera broke. Check its network and power.")


def other_transport() -> Fault:
    """502: TCP where only UDP goes, or the other way round."""
    return unreachable("The camera does not send over this transport. Choose the other one of TCP and UDP.")


def of_status(status: int, *, location: str = "") -> Fault:
    """What an answer other than 200 means. A redirection is not followed, because whoever answers at a camera's
    address must not choose where this box connects to; only the new host's name is passed on."""
    if status in (401, 403):
        return unauthorized()
    if status == 404:
        return not_found("The camera has no stream at this path. Look up the RTSP path of its model.", "VMSNoDataError")
    if status == 400:
        return not_rtsp()
    if status == 461:
        return other_transport()
    if 300 <= status < 400:
        host = _host(location)
        return unreachable(
            f"The camera redirects to {host}, which is not followed. Check that address, and enter it if it is right."
        )
    return unreachable("The camera refuses to stream. It may have too many viewers: close some, or restart it.")


def unreachable(message: str) -> Fault:
    """502 with this message."""
    return Fault("CommunicationError", 502, message)


def _timeout(message: str) -> Fault:
    return Fault("DeviceRequestTimeoutError", 408, message)


def _host(location: str) -> str:
    try:
        host = urlsplit(location).hostname or ""
    except ValueError:
        host = ""
    return _NAME.sub("", host)[:80] or "another address"
