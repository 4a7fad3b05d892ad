"""`/ws-emdx/`: frames, crossings and alerts as they happen, one JSON object a text message.

Query: `sensorId`, a sensor's name or id, any number of times; without it all sensors that the caller may see. Messages
are told apart by `type`; times are ISO-8601 UTC, points are pixels of the source picture:

* `frame`: the keys of a frame on the bus (`sensorId` = name, `timestamp`, `objects[]` with `id`, `bbox`, `type`,
  `confidence`, `info`) and `counts`: `{"fov": {class: n}, "rois": {roiId: {class: n}}, "tripwires": {tripwireId: {"IN":
  n, "OUT": n}}}`, occupancies of this frame and crossings of all time. Comes before the frame's counts are stored.
* `crossing`: `{sensorId, tripwireId, direction: IN|OUT, objectId, objectType, timestamp, point: {x, y}}`, and `visit`,
  the same with `roiId` and `direction: ENTRY|EXIT`. Come after they are stored.
* `alert`: the keys of the alerts API, except that its `type` is called `alertType` here, and `state: raised|cleared`.

A viewer that does not keep up loses frames, never crossings or alerts; one that is thousands of events behind is closed
with code 1013 and may come back.
"""

import anyio
from fastapi import APIRouter, WebSocket, WebSocketDisconnect, WebSocketException

from vedette.kernel.errors import Fault
from vedette.kernel.http import subject
from vedette.schema.identity import Action
from vedette.services.analytics.api.access import Access
from vedette.services.analytics.service.analytics import AnalyticsService
from vedette.services.analytics.service.live import Viewer


def router(service: AnalyticsService, access: Access) -> APIRouter:
    """The live socket."""
    routes = APIRouter(tags=["live"])

    @routes.websocket("/ws-emdx/", dependencies=[access.needs(Action.LIVE)])
    async def live(socket: WebSocket) -> None:
        """Live frames, crossings and alerts."""
        sensors = await _wanted(socket, service, access)
        await socket.accept()
        with service.live.watching(sensors) as viewer:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_until_closed, socket, tasks.cancel_scope)
                await _send(socket, viewer)
                tasks.cancel_scope.cancel()

    return routes


async def _wanted(socket: WebSocket, service: AnalyticsService, access: Access) -> frozenset[str] | None:
    caller, names = subject(socket), socket.query_params.getlist("sensorId")
    if not names:
        return frozenset(caller.sensors) if caller.sensors else None
    try:
        sensors = [await service.directory.get(name) for name in names]
    except Fault as fault:
        raise WebSocketException(code=1008, reason=fault.message) from fault
    if not all(access.may_see(caller, sensor) for sensor in sensors):
        raise WebSocketException(code=1008, reason="There is no such sensor.")
    return frozenset(sensor.sensor_id for sensor in sensors)


async def _send(socket: WebSocket, viewer: Viewer) -> None:
    try:
        while (message := await viewer.next()) is not None:
            await socket.send_text(message.decode())
        await socket.close(code=1013, reason="Too far behind. Connect again.")
    except WebSocketDisconnect:
        return


async def _until_closed(socket: WebSocket, scope: anyio.CancelScope) -> None:
    """Reads and ignores what the client sends: that is how its leaving is noticed."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
    scope.cancel()
