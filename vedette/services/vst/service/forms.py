"""A posted form with one large file in it: small fields are kept, the file passes through."""

from collections.abc import AsyncIterator

from vedette.kernel.errors import invalid
from vedette.services.vst.core.multipart import Multipart, MultipartError, PartBegin, PartData, PartEnd, boundary_of

_MOST_FIELD_BYTES = 65_536


class Form:
    """Reads a form once, from the begin: `begin`, then `file`, and after that `fields` has all of them."""

    def __init__(self, content_type: str, body: AsyncIterator[bytes], *, files: frozenset[str]) -> None:
        try:
            self._parser = Multipart(boundary_of(content_type))
        except MultipartError as error:
            raise invalid(f"Send the file as multipart/form-data: {error}.") from error
        self._body, self._files = body, files
        self.fields: dict[str, bytes] = {}
        self.file_name = ""
        self._open = ""
        self._in_file = self._has_file = False
        self._ready: list[bytes] = []

    async def begin(self) -> None:
        """Reads up to the begin of the file. Fault 400 when there is none, or no form."""
        while not self._has_file:
            if not await self._more():
                raise invalid(f"The form has no file. Send it as the field {' or '.join(sorted(self._files))}.")

    async def file(self) -> AsyncIterator[bytes]:
        """The file's bytes; afterwards the rest of the form has been read. Fault 400 when the form was cut off."""
        while True:
            for data in self._ready:
                yield data
            self._ready = []
            if not await self._more():
                break
        for data in self._ready:
            yield data
        try:
            self._parser.close()
        except MultipartError as error:
            raise invalid(f"The form is not whole: {error}.") from error

    async def _more(self) -> bool:
        data = await anext(self._body, None)
        if data is None:
            return False
        try:
            events = self._parser.feed(data)
        except MultipartError as error:
            raise invalid(f"The form is wrong: {error}.") from error
        for event in events:
            match event:
                case PartBegin(name, file_name):
                    self._begin_part(name, file_name)
                case PartData(content):
                    self._take(content)
                case PartEnd():
                    self._in_file = False
        return True

    def _begin_part(self, name: str, file_name: str | None) -> None:
        self._in_file = name in self._files and not self._has_file
        if self._in_file:
            self._has_file, self.file_name = True, file_name or ""
        else:
            self._open = name
            self.fields[name] = b""

    def _take(self, content: bytes) -> None:
        if self._in_file:
            self._ready.append(content)
            return
        self.fields[self._open] += content
        if len(self.fields[self._open]) > _MOST_FIELD_BYTES:
            raise invalid(f"The field {self._open[:40]} is too long.")
