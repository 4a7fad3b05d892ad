"""Uploaded files and temporary addresses in the database."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from vedette.services.vst.model import Upload
from vedette.services.vst.store.storage_tables import SHARE, UPLOAD


@dataclass(frozen=True, slots=True)
class Share:
    """A temporary address: what it gives is `content`, JSON; from `expires_us` on it gives nothing."""

    token: str
    stream_id: str
    content: bytes
    expires_us: int


class UploadStore:
    """Uploads and shares, seen through one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_upload(self, upload: Upload) -> None:
        """A file whose footage is in the catalogue."""
        values = {column.name: getattr(upload, column.name) for column in UPLOAD.c}
        self._connection.execute(insert(UPLOAD).values(**values))

    def list_uploads(self, stream_id: str | None = None) -> list[Upload]:
        """Uploads into one stream, or all, in order of time."""
        query = select(UPLOAD).order_by(UPLOAD.c.stream_id, UPLOAD.c.start_us)
        if stream_id is not None:
            query = query.where(UPLOAD.c.stream_id == stream_id)
        return [_to_upload(row) for row in self._connection.execute(query)]

    def get_upload(self, upload_id: str) -> Upload | None:
        """One upload."""
        row = self._connection.execute(select(UPLOAD).where(UPLOAD.c.upload_id == upload_id)).first()
        return None if row is None else _to_upload(row)

    def find_upload(self, file_name: str) -> Upload | None:
        """The upload of that file name, if there is one."""
        row = self._connection.execute(select(UPLOAD).where(UPLOAD.c.file_name == file_name).limit(1)).first()
        return None if row is None else _to_upload(row)

    def delete_upload(self, upload_id: str) -> None:
        """Forgets an upload; its footage is another matter."""
        self._connection.execute(delete(UPLOAD).where(UPLOAD.c.upload_id == upload_id))

    def set_share(self, share: Share) -> None:
        """A new temporary address, or a later end of one."""
        row = {"stream_id": share.stream_id, "content": share.content, "expires_us": share.expires_us}
        if self._connection.execute(update(SHARE).where(SHARE.c.token == share.token).values(**row)).rowcount == 0:
            self._connection.execute(insert(SHARE).values(token=share.token, **row))

    def find_share(self, content: bytes) -> Share | None:
        """The address that gives this content, if there is one."""
        row = self._connection.execute(select(SHARE).where(SHARE.c.content == content).limit(1)).first()
        return None if row is None else Share(row.token, row.stream_id, bytes(row.content), row.expires_us)

    def get_share(self, token: str) -> Share | None:
        """One temporary address, expired ones too for a while."""
        row = self._connection.execute(select(SHARE).where(SHARE.c.token == token)).first()
        return None if row is None else Share(row.token, row.stream_id, bytes(row.content), row.expires_us)

    def delete_shares(self, before_us: int) -> None:
        """Forgets addresses that expired before an instant."""
        self._connection.execute(delete(SHARE).where(SHARE.c.expires_us < before_us))


def _to_upload(row: Row[Any]) -> Upload:
    return Upload(**row._mapping)
