"""Between the decoder and the tracker: frames in order, of which only the newest keeps its pixels.

When inference falls behind, an older picture that still waits loses its pixels and becomes a frame like those between
inferences: the tracker answers it by prediction and no timestamp is lost. The queue never ages by more than one
picture.
"""

from collections import deque
from dataclasses import replace

import anyio

from vedette.media.unit import Frame
from vedette.services.perception.adapters.decoders import NO_PIXELS


class Mailbox:
    """Holds at most `size` frames; the oldest goes when it is full. `superseded` and `overflowed` count both kinds of
    loss.
    """

    def __init__(self, size: int = 256) -> None:
        self._frames: deque[Frame] = deque()
        self._size = size
        self._filled = anyio.Event()
        self.superseded = 0
        self.overflowed = 0

    def __len__(self) -> int:
        return len(self._frames)

    def put(self, frame: Frame) -> None:
        """Adds a frame; never waits."""
        if frame.image.size:
            self._strip()
        if len(self._frames) >= self._size:
            self._frames.popleft()
            self.overflowed += 1
        self._frames.append(frame)
        self._filled.set()

    async def get(self) -> Frame:
        """The oldest frame, as soon as there is one."""
        while not self._frames:
            self._filled = anyio.Event()
            await self._filled.wait()
        return self._frames.popleft()

    def take_before_picture(self) -> list[Frame]:
        """All frames up to and with the one whose pixels wait here; none when no pixels wait."""
        if not self.holds_picture:
            return []
        taken: list[Frame] = []
        while not (taken and taken[-1].image.size):
            taken.append(self._frames.popleft())
        return taken

    @property
    def holds_picture(self) -> bool:
        """Whether pixels wait here."""
        return any(frame.image.size for frame in self._frames)

    def _strip(self) -> None:
        for index, frame in enumerate(self._frames):
            if frame.image.size:
                self._frames[index] = replace(frame, image=NO_PIXELS)
                self.superseded += 1
