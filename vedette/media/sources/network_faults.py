"""What the network says when a camera cannot be read, as a sentence for whoever typed the URL; never an address."""

import errno
import socket
import ssl

from vedette.kernel.errors import Fault
from vedette.media import rtsp_faults

_UNREACHABLE = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})


def of_error(error: OSError, *, opened: bool = False, secure: bool = False) -> Fault:
    """What the network said. `opened`: the stream had begun already; `secure`: TLS was to be spoken."""
    if isinstance(error, TimeoutError):
        return rtsp_faults.silent(opened=True) if opened else rtsp_faults.no_host()
    if opened:
        return rtsp_faults.broken()
    if isinstance(error, ConnectionRefusedError):
        return rtsp_faults.unreachable("Nothing listens at this address and port. Is RTSP enabled on the camera?")
    if isinstance(error, socket.gaierror):
        return rtsp_faults.unreachable("The host name is not known. Check it, or enter the camera's IP address.")
    if isinstance(error, ssl.SSLError) or (secure and isinstance(error, ConnectionError)):
        return rtsp_faults.unreachable(
            "No secure connection came about. Check the port, or choose rtsp:// in place of rtsps://."
        )
    if error.errno in _UNREACHABLE:
        return rtsp_faults.no_route()
    return rtsp_faults.unreachable("The camera cannot be reached. Check address, network and power.")
