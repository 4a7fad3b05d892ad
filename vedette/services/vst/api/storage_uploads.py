"""`storage/file` by PUT and POST: files that become sensors, whole or in pieces."""

from dataclasses import replace
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request

from vedette.kernel.clock import to_iso
from vedette.kernel.errors import invalid, unprocessable
from vedette.kernel.http import requires
from vedette.schema.identity import Action
from vedette.services.vst.api.common import JsonObject
from vedette.services.vst.service import Vst
from vedette.services.vst.service.chunks import Piece, Progress
from vedette.services.vst.service.forms import Form
from vedette.services.vst.service.uploads import Accepted, Wanted

type FileName = Annotated[str, Path(pattern=r"^[^\s/\\]+$", max_length=128)]
type SensorQuery = Annotated[str, Query(alias="sensorId", pattern=r"^[a-zA-Z0-9_-]*$", max_length=100)]
type Timestamp = Annotated[int, Query(ge=0)]
_FILES = frozenset({"file", "mediaFile"})
_SECONDS_UNTIL = 100_000_000_000
"""Epoch times below this are seconds (until the year 5138), from there on milliseconds."""
_BINARY: JsonObject = {"type": "string", "format": "binary"}
_FORM: JsonObject = {"type": "object", "properties": {"file": _BINARY, "metadata": {"type": "string"}}}
_STREAMED: JsonObject = {"x-vedette-body": "stream"}
"""The gateway lets bodies of any size pass; the limit of a file is VST's own."""


def _takes(media_type: str, schema: JsonObject) -> JsonObject:
    return {"requestBody": {"required": True, "content": {media_type: {"schema": schema}}}, **_STREAMED}


def add_uploads(router: APIRouter, service: Vst) -> None:
    """Adds the routes."""
    _add_put(router, service)
    whole = _takes("multipart/form-data", _FORM)

    @router.post("/file", dependencies=[requires(Action.CONFIGURE)], openapi_extra=whole)
    async def post_file(request: Request) -> JsonObject:
        """A file as a form: `file` or `mediaFile`, and `metadata` with the time and more.

        With the `nvstreamer-…` headers each form is one piece of a file: in any order, several at a time, and again
        after a break. `uploads/{identifier}` says which have arrived.
        """
        form = Form(request.headers.get("content-type", ""), request.stream(), files=_FILES)
        await form.begin()
        wanted = _named(request.headers.get("nvstreamer-file-name") or form.file_name)
        piece = _piece(request)
        if piece is None:
            accepted = await service.uploads.take(
                wanted, form.file(), _size(request), settle=lambda known: _settled(known, form)
            )
            return _post_reply(service, accepted, wanted.file_name)
        progress = await service.chunks.take(piece, wanted, form.file(), settle=lambda known: _settled(known, form))
        return _piece_reply(service, progress, wanted.file_name)

    @router.get("/uploads/{identifier}", dependencies=[requires(Action.CONFIGURE)])
    async def get_upload(identifier: Annotated[str, Path(max_length=128)]) -> JsonObject:
        """Which pieces of an upload have arrived, so that the others can be sent."""
        progress = await service.chunks.progress(identifier)
        return {"received": list(progress.received), "total": progress.total, "bytes": progress.bytes}


def _add_put(router: APIRouter, service: Vst) -> None:
    async def put(request: Request, name: str, timestamp: int, sensor_id: str) -> JsonObject:
        wanted = Wanted(name, _start_us(timestamp), sensor_id)
        return _put_reply(await service.uploads.take(wanted, request.stream(), _size(request)), name)

    whole = _takes("application/octet-stream", _BINARY)

    @router.put("/file/{filename}", dependencies=[requires(Action.CONFIGURE)], openapi_extra=whole)
    async def put_file(
        request: Request, filename: FileName, sensor_id: SensorQuery = "", timestamp: Timestamp = 0
    ) -> JsonObject:
        """A file as it is; it becomes a sensor of its own, or goes on one that is a file.

        Its footage begins at `timestamp`, epoch milliseconds, or ends now. It is copied into recordings, never encoded
        again. 409 for a name that is taken, 415 for what is no video file, 422 for one that cannot be kept, 507 without
        space for it.
        """
        return await put(request, filename, timestamp, sensor_id)

    @router.put("/file/{filename}/{timestamp}", dependencies=[requires(Action.CONFIGURE)], openapi_extra=whole)
    async def put_file_at(
        request: Request, filename: FileName, timestamp: Annotated[int, Path(ge=0)], sensor_id: SensorQuery = ""
    ) -> JsonObject:
        """The same with the time in the path."""
        return await put(request, filename, timestamp, sensor_id)


def _named(name: str) -> Wanted:
    if not name or len(name) > 128 or any(character.isspace() or character in "/\\" for character in name):
        raise invalid("The file needs a name of up to 128 characters without blanks and slashes.")
    return Wanted(name)


def _settled(wanted: Wanted, form: Form) -> Wanted:
    """What the form's other fields say, which may come after the file."""
    if form.fields.get("mediaFilePath") or form.fields.get("metadataFilePath"):
        raise unprocessable("Files of this machine are not read. Send the file itself.")
    text = form.fields.get("metadata") or form.fields.get("metadataFile")
    if not text:
        return wanted
    try:
        told: Any = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise unprocessable("metadata is no JSON.") from error
    if not isinstance(told, dict):
        raise unprocessable("metadata is a JSON object.")
    timestamp = told.get("timestamp", 0)
    if not isinstance(timestamp, int) or timestamp < 0:
        raise unprocessable("metadata.timestamp is epoch milliseconds.")
    checksum = told.get("checksum", "")
    return replace(wanted, start_us=_start_us(timestamp), details=text, checksum=str(checksum))


def _start_us(timestamp: int) -> int | None:
    if not timestamp:
        return None
    return timestamp * (1_000_000 if timestamp < _SECONDS_UNTIL else 1000)


def _size(request: Request) -> int | None:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() else None


def _piece(request: Request) -> Piece | None:
    headers = request.headers
    identifier, number = headers.get("nvstreamer-identifier", ""), headers.get("nvstreamer-chunk-number", "")
    if not identifier and not number:
        return None
    total = headers.get("nvstreamer-total-chunks", "0")
    if not identifier or len(identifier) > 128 or not number.isdecimal() or not total.isdecimal():
        raise invalid("A piece needs nvstreamer-identifier and nvstreamer-chunk-number, and totals are numbers.")
    is_last = headers.get("nvstreamer-is-last-chunk", "false").lower() == "true"
    return Piece(identifier, int(number), int(total), is_last)


def _put_reply(accepted: Accepted, name: str) -> JsonObject:
    file = accepted.file
    return {
        "bytes": accepted.sent_bytes,
        "filePath": file.path,
        "filename": name,
        "id": file.file_id,
        "sensorId": accepted.sensor_id,
        "streamId": file.stream_id,
        "timestamp": to_iso(file.start_us),
    }


def _post_reply(service: Vst, accepted: Accepted, name: str) -> JsonObject:
    file = accepted.file
    return {
        "bytes": accepted.sent_bytes,
        "created_at": service.now(),
        "fileName": name,
        "filePath": file.path,
        "id": file.file_id,
        "sensorId": accepted.sensor_id,
        "streamId": file.stream_id,
    }


def _piece_reply(service: Vst, progress: Progress, name: str) -> JsonObject:
    """Once the file is whole the same as for one that came at once; until then what has arrived."""
    if progress.accepted is not None:
        return _post_reply(service, progress.accepted, name)
    return {
        "bytes": progress.bytes,
        "created_at": service.now(),
        "fileName": name,
        "filePath": "",
        "id": "pending",
        "sensorId": "pending",
        "received": list(progress.received),
        "total": progress.total,
    }
