"""Readings from an MQTT broker: taken in batches, acknowledged only when the caller says so.

The library is optional (`vedette[mqtt]`). The session outlives a connection, so what was not acknowledged comes again.
"""

import importlib
import importlib.util
import ssl
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from vedette.kernel.errors import Fault

_MOST = 256
_IDENTIFIER = "vedette-readings"


@dataclass(frozen=True, slots=True)
class MqttMessage:
    """What was published under a topic."""

    topic: str
    payload: bytes


class MqttBatch:
    """Messages in the order of their arrival."""

    def __init__(self, messages: Sequence[Any], client: Any) -> None:
        self._raw, self._client = messages, client
        self.messages = [MqttMessage(str(item.topic), _bytes(item.payload)) for item in messages]

    def acknowledge(self) -> None:
        """The broker may forget them."""
        for item in self._raw:
            if item.qos:
                self._client.ack(item.mid, item.qos)


class MqttReader:
    """Reads `topics` of the broker at `url`: mqtt://USER:PASSWORD@HOST:PORT, or mqtts:// with certificates checked."""

    def __init__(self, url: str, topics: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise Fault(
                "ConfigurationError", 500, "vst.mqtt_url is wrong: write mqtt://HOST:1883 or mqtts://HOST:8883."
            )
        self._parts, self._topics = parts, topics

    async def batches(self) -> AsyncGenerator[MqttBatch]:
        """Messages as they come, until the caller stops. Fault 503 when the broker is away or refuses us, 500 without
        the library."""
        if importlib.util.find_spec("aiomqtt") is None:
            raise Fault("ConfigurationError", 500, "vst.mqtt_url needs a library: pip install 'vedette[mqtt]'.")
        library = importlib.import_module("aiomqtt")
        parts = self._parts
        secure = parts.scheme == "mqtts"
        client = library.Client(
            parts.hostname,
            parts.port or (8883 if secure else 1883),
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            identifier=_IDENTIFIER,
            clean_session=False,
            tls_context=ssl.create_default_context() if secure else None,
        )
        client._client.manual_ack_set(True)
        try:
            async with client:
                await client.subscribe(self._topics, qos=1)
                async for first in client.messages:
                    waiting = [first]
                    while len(client.messages) and len(waiting) < _MOST:
                        waiting.append(await anext(client.messages))
                    yield MqttBatch(waiting, client._client)
        except library.MqttError as error:
            where = f"{parts.hostname}:{parts.port or ''}".rstrip(":")
            raise Fault("ServiceUnavailableError", 503, f"The MQTT broker at {where} is away: {error}.") from error


def _bytes(payload: object) -> bytes:
    return bytes(payload) if isinstance(payload, bytes | bytearray) else str(payload).encode()
