"""Names to addresses, with the rule of where cameras may be. The address that was checked is the one that is dialled,
so a name that changes its mind between check and connection opens nothing."""

import socket
from collections.abc import Sequence

import anyio

from vedette.kernel.errors import Fault, forbidden
from vedette.services.vst.core import address


class CameraDialler:
    """Turns a camera's URL and credentials into the URL that is opened."""

    def __init__(self, allowed_networks: Sequence[str]) -> None:
        self._networks = address.networks_of(allowed_networks)

    async def resolve(self, url: str) -> str:
        """The address of the camera. Fault 403 when one of its addresses lies outside, 502 when there is none."""
        host, port = address.host_of(url)
        try:
            found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            message = f"The name {host[:100]} cannot be found. Check the address of the camera."
            raise Fault("CommunicationError", 502, message) from error
        addresses = [str(item[4][0]) for item in found]
        if not addresses or not all(address.is_allowed(item, self._networks) for item in addresses):
            raise forbidden(
                f"{host[:100]} lies outside the networks that cameras may be in. "
                "An admin can add its network to vst.allowed_networks."
            )
        return addresses[0]
