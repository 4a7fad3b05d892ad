"""What libav says when a camera cannot be read, as a sentence for whoever typed the URL; never the URL itself."""

import errno

import av

from vedette.kernel.errors import Fault, invalid, not_found

_UNREACHABLE = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})


def fault_of(error: Exception, *, opened: bool = False) -> Fault:
    """`opened`: the stream had begun already. Faults 400, 403, 404, 408, 422 and 502."""
    if isinstance(error, av.error.ExitError | TimeoutError):
        return silent(opened=opened)
    if isinstance(error, av.error.HTTPClientError | av.error.HTTPServerError):
        return _refused(error)
    if opened:
        return _unreachable("The connection to the camera broke. Check its network and power.")
    if isinstance(error, ConnectionRefusedError):
        return _unreachable("Nothing listens at this address and port. Is RTSP enabled on the camera?")
    if isinstance(error, av.error.ArgumentError):
        return invalid("The URL is not valid. Check host and port: rtsp://host:554/path.")
    if isinstance(error, ValueError):  # InvalidDataError is one
        return invalid("What answers at this address does not speak RTSP. Check the port (554 is usual) and the path.")
    return _system_fault(error.errno if isinstance(error, OSError) else None)


def silent(*, opened: bool = False) -> Fault:
    """408: nothing came in time."""
    if opened:
        return _timeout("The camera has stopped sending. Check its network and power; it may need a restart.")
    return _timeout("The camera did not answer in time. Is it on, and the address right?")


def _refused(error: av.error.FFmpegError) -> Fault:
    """RTSP status codes, which libav words as those of HTTP."""
    if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError):
        return Fault("CameraUnauthorizedError", 403, "The camera refuses the user name or password. Check both.")
    if isinstance(error, av.error.HTTPNotFoundError):
        return not_found("The camera has no stream at this path. Look up the RTSP path of its model.", "VMSNoDataError")
    if isinstance(error, av.error.HTTPBadRequestError):
        return invalid("What answers at this address does not speak RTSP. Check the port (554 is usual) and the path.")
    return _unreachable("The camera refuses to stream. It may have too many viewers: close some, or restart it.")


def _system_fault(number: int | None) -> Fault:
    if number in _UNREACHABLE:
        return _unreachable("No network leads to this address. Check the address and this box's network.")
    if number == errno.EPROTONOSUPPORT:
        return _unreachable("The camera does not send over this transport. Choose the other one of TCP and UDP.")
    if number == errno.EPERM:  # libav's answer to a description without streams
        return Fault("VMSNotSupportedError", 422, "The URL answers, but carries no video. Check the path.")
    if number == errno.EIO:  # libav does not tell these apart
        return _unreachable("The host name is not known, or no secure connection came about. Check host and scheme.")
    return _unreachable("The camera cannot be reached. Check address, network and power.")


def _unreachable(message: str) -> Fault:
    return Fault("CommunicationError", 502, message)


def _timeout(message: str) -> Fault:
    return Fault("DeviceRequestTimeoutError", 408, message)
