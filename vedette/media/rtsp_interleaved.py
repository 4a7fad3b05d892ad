"""An RTSP connection taken apart as it plays: packets in `$` frames, and messages between them. No I/O.

Packets are handed on by place, not copied; there are thousands of them a second. Where a frame should begin and neither
a frame nor a message does, the splitter looks for the next frame that can be told, over a bounded distance.
"""

import re
from collections.abc import Callable, Mapping

from vedette.media.rtsp_messages import InterleavedFrame, MessageParser, Request, Response, RtspSyntaxError

MAX_GARBAGE_BYTES = 256 * 1024
_DOLLAR = 0x24
_FRAMING_BYTES = 4
_BLANK = b"\r\n"
_STARTS = tuple(
    start.encode()
    for start in ("RTSP/", "OPTIONS ", "ANNOUNCE ", "GET_PARAMETER ", "SET_PARAMETER ", "REDIRECT ", "TEARDOWN ")
)
_LONGEST_START = max(map(len, _STARTS))
_ANCHOR = re.compile(rb"\$[\x00-\x1f]..[\x80-\xbf]", re.DOTALL)
"""A frame of a low channel that holds version 2 of RTP or RTCP. Messages are not looked for: nothing hangs on them."""
_ANCHOR_BYTES = 5

type PacketSink = Callable[[bytes, int, int], None]
"""Takes `data[start:end]`; it may keep slices of `data`, which is immutable."""


class Splitter:
    """Takes what the connection gave, in any chunking; calls back with packets and messages in their order.

    `sinks` maps channels to who takes their packets; frames of other channels are skipped. `RtspSyntaxError` when the
    peer does not speak RTSP: at once while `strict` (no packets yet), else after `MAX_GARBAGE_BYTES` in one piece.
    """

    def __init__(self, on_message: Callable[[Request | Response], None], sinks: Mapping[int, PacketSink]) -> None:
        self.strict = True
        self.garbage_bytes = 0
        self._on_message = on_message
        self._sinks = sinks
        self._rest = b""
        self._text: MessageParser | None = None
        self._skipped = 0
        self._is_lost = False

    def receive(self, data: bytes) -> None:
        """Take the next bytes; holds no more than one frame or message back."""
        if self._rest:
            data = self._rest + data
            self._rest = b""
        position, size = 0, len(data)
        sinks = self._sinks
        while position < size:
            if self._text is not None or data[position] != _DOLLAR or self._is_lost:
                data, position = self._other(data, position)
                size = len(data)
                if position < 0:
                    return
                continue
            if size - position < _FRAMING_BYTES:
                break
            end = position + _FRAMING_BYTES + (data[position + 2] << 8 | data[position + 3])
            if end > size:
                break
            sink = sinks.get(data[position + 1])
            if sink is not None:
                sink(data, position + _FRAMING_BYTES, end)
            position = end
        self._rest = data[position:]

    def _other(self, data: bytes, position: int) -> tuple[bytes, int]:
        """Something that is no frame: (what is left to read, where); −1 for where when more must come first."""
        if self._text is None and self._is_lost:
            return self._search(data, position)
        if self._text is None:
            if data[position] in _BLANK:
                return data, position + 1
            window = data[position : position + _LONGEST_START]
            if not window.startswith(_STARTS):
                if any(start.startswith(window) for start in _STARTS):
                    self._rest = data[position:]
                    return b"", -1
                return self._lose(data, position)
            self._text = MessageParser(lenient=True)
        self._text.receive(data[position:])
        message = self._text.next_message()
        if message is None:
            return b"", -1
        rest, self._text = self._text.take_rest(), None
        if not isinstance(message, InterleavedFrame):
            self._on_message(message)
        return rest, 0

    def _lose(self, data: bytes, position: int) -> tuple[bytes, int]:
        if self.strict:
            raise RtspSyntaxError("not RTSP")
        self._is_lost = True
        return self._search(data, position)

    def _search(self, data: bytes, position: int) -> tuple[bytes, int]:
        """Skip to what looks like a frame."""
        found = _ANCHOR.search(data, position)
        place = found.start() if found else max(position, len(data) - _ANCHOR_BYTES + 1)
        self._skipped += place - position
        self.garbage_bytes += place - position
        if self._skipped > MAX_GARBAGE_BYTES:
            raise RtspSyntaxError("too much that is not RTSP")
        if found is None:
            self._rest = data[place:]
            return b"", -1
        self._is_lost, self._skipped = False, 0
        return data, place
