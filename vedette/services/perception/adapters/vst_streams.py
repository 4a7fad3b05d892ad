"""VST's list of live streams, read once at start and after every loss of the bus."""

from typing import Any
from urllib.parse import urlsplit

from vedette.kernel.client import Client
from vedette.kernel.errors import unavailable
from vedette.services.perception.model import StreamRequest

PATH = "/vst/api/v1/live/streams"


async def list_streams(client: Client) -> list[StreamRequest]:
    """The main stream of every sensor that has one to offer. Fault 503 when VST does not answer or makes no sense."""
    content = await client.get_json(PATH)
    try:
        return parse(content)
    except (TypeError, KeyError, AttributeError) as error:
        raise unavailable(f"The list of streams at {PATH} is not one: {type(error).__name__}.") from error


def parse(content: Any) -> list[StreamRequest]:
    """Requests from the reply: an array of objects that map a sensor id to its streams."""
    found: list[StreamRequest] = []
    for item in content:
        for sensor_id, streams in item.items():
            usable = [stream for stream in streams if urlsplit(str(stream.get("url", ""))).scheme]
            if usable:
                main = next((stream for stream in usable if stream.get("isMain")), usable[0])
                name = str(main.get("name") or sensor_id)
                found.append(StreamRequest(camera_id=str(sensor_id), name=name, url=str(main["url"])))
    return found
