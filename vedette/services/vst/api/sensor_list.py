"""`sensor/export` and `sensor/import`: the camera list, as JSON or CSV."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response

from vedette.kernel.errors import Fault
from vedette.kernel.http import requires
from vedette.schema.identity import Action, Subject
from vedette.services.vst.api.common import JsonObject
from vedette.services.vst.service import Vst

_MOST_BYTES = 1 << 20
_EXPORTED: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {}, "text/csv": {}}}}
_IMPORTED = {"requestBody": {"required": True, "content": {"application/json": {}, "text/csv": {}}}}


def add_routes(router: APIRouter, service: Vst) -> None:
    """The routes of the camera list."""

    @router.get("/export", response_class=Response, responses=_EXPORTED)
    async def export_list(
        caller: Annotated[Subject, requires(Action.CONFIGURE)], format: Literal["json", "csv"] = "json"
    ) -> Response:
        """The camera list for another box or a spreadsheet. It never holds user names or passwords: add them to the
        file, as `username` and `password`, before it is imported."""
        content = service.camera_list.export(caller, as_csv=format == "csv")
        media_type = "text/csv" if format == "csv" else "application/json"
        headers = {"content-disposition": f'attachment; filename="cameras.{format}"'}
        return Response(content, media_type=media_type, headers=headers)

    @router.post("/import", dependencies=[requires(Action.CONFIGURE)], openapi_extra=_IMPORTED)
    async def import_list(request: Request) -> JsonObject:
        """Add the cameras of a list, JSON or CSV by its content type. Each is looked at; `skipped` says for each that
        was not added why not."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in ("application/json", "text/csv"):
            raise Fault("UnsupportedMediaTypeError", 415, "Send the list as application/json or text/csv.")
        lines = await service.camera_list.load(await _body(request), is_csv=kind == "text/csv")
        return {
            "added": [{"name": line.name, "sensorId": line.sensor_id} for line in lines if line.sensor_id],
            "skipped": [
                {"line": line.number, "name": line.name, "reason": line.reason} for line in lines if line.reason
            ],
        }


async def _body(request: Request) -> bytes:
    taken = bytearray()
    async for chunk in request.stream():
        taken += chunk
        if len(taken) > _MOST_BYTES:
            raise Fault("PayloadTooLargeError", 413, "A camera list has at most 1 MiB.")
    return bytes(taken)
