"""Sound that MP4 cannot hold becomes AAC: G.711 access units in, AAC access units out, on the same clock. Blocking, but
a frame takes well below a millisecond.

An encoder's output belongs earlier than it comes out; libav says by how much, and so every frame keeps the time of what
is heard in it. Small holes are filled with silence, larger ones and jumps begin anew.
"""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import cast

import av
import numpy as np
from numpy.typing import NDArray

from vedette.kernel.errors import unprocessable
from vedette.media.unit import TICKS_PER_SECOND, AccessUnit, AudioCodec, CodecParameters, ticks_to_us

_DECODERS: dict[str, str] = {"pcmu": "pcm_mulaw", "pcma": "pcm_alaw"}
_FRAME = 1024
_BIT_RATE = 32_000
"""For one channel at 8 kHz; more than G.711's own bandwidth needs."""
_SLACK_90K = TICKS_PER_SECOND * 40 // 1000
_SILENCE_90K = TICKS_PER_SECOND


class AacTranscoder:
    """One stream of G.711. `parameters` is shared by all units that come out. Fault 422 for any other codec."""

    def __init__(self, source: CodecParameters) -> None:
        if source.codec not in _DECODERS:
            raise unprocessable(f"Only G.711 is turned into AAC, not {source.codec}. Record without sound.")
        self._rate, self._channels = source.sample_rate, max(1, source.channels)
        self._samples_of = _expansion(source.codec)
        self._encoder = self._new_encoder()
        extradata = bytes(self._encoder.extradata or b"")
        self.parameters = CodecParameters("aac", extradata, sample_rate=self._rate, channels=self._channels)
        self._template = AccessUnit(b"", 0, 0, 0, False, self.parameters)
        self._waiting = np.zeros((0, self._channels), np.float32)
        self._begin: int | None = None
        self._wall_offset_us = 0
        self._taken = self._encoded = 0

    def push(self, unit: AccessUnit) -> list[AccessUnit]:
        """The AAC frames that are complete with this unit."""
        found: list[AccessUnit] = []
        if self._begin is not None:
            late = unit.pts_90k - (self._begin + self._ticks(self._taken))
            if late > _SILENCE_90K or late < -_SILENCE_90K:
                found += self.flush()
            elif late > _SLACK_90K:
                self._take(np.zeros((late * self._rate // TICKS_PER_SECOND, self._channels), np.float32))
        if self._begin is None:
            self._begin = unit.pts_90k
        self._wall_offset_us = unit.wall_us - ticks_to_us(unit.pts_90k)
        self._take(self._samples_of[np.frombuffer(unit.data, np.uint8)].reshape(-1, self._channels))
        while len(self._waiting) >= _FRAME:
            found += self._encode(self._waiting[:_FRAME])
            self._waiting = self._waiting[_FRAME:]
        return found

    def flush(self) -> list[AccessUnit]:
        """What is still inside, and a fresh start."""
        found: list[AccessUnit] = []
        if self._begin is not None:
            if len(self._waiting):
                filled = np.zeros((_FRAME, self._channels), np.float32)
                filled[: len(self._waiting)] = self._waiting
                found += self._encode(filled)
            found += self._units(None)
            self._encoder = self._new_encoder()
        self._waiting = self._waiting[:0]
        self._begin, self._taken, self._encoded = None, 0, 0
        return found

    def _take(self, samples: NDArray[np.float32]) -> None:
        self._waiting = np.concatenate([self._waiting, samples])
        self._taken += len(samples)

    def _encode(self, samples: NDArray[np.float32]) -> Iterator[AccessUnit]:
        layout = "mono" if self._channels == 1 else "stereo"
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._encoded, Fraction(1, self._rate)
        self._encoded += _FRAME
        yield from self._units(frame)

    def _units(self, frame: av.AudioFrame | None) -> Iterator[AccessUnit]:
        begin = self._begin or 0
        for packet in self._encoder.encode(frame):
            at = packet.pts or 0
            pts = begin + self._ticks(at)
            yield replace(
                self._template,
                data=bytes(packet),
                pts_90k=pts,
                dts_90k=pts,
                wall_us=self._wall_offset_us + ticks_to_us(pts),
                duration_90k=self._ticks(at + _FRAME) - self._ticks(at),
            )

    def _ticks(self, samples: int) -> int:
        return (samples * TICKS_PER_SECOND * 2 + self._rate) // (2 * self._rate)

    def _new_encoder(self) -> av.AudioCodecContext:
        encoder = av.CodecContext.create("aac", "w")
        encoder.sample_rate, encoder.format = self._rate, "fltp"
        encoder.layout = "mono" if self._channels == 1 else "stereo"
        encoder.bit_rate = _BIT_RATE * self._channels * max(1, self._rate // 8000)
        encoder.time_base = Fraction(1, self._rate)
        encoder.open()
        return encoder


@cache
def _expansion(codec: AudioCodec) -> NDArray[np.float32]:
    """What each of the 256 octets of G.711 stands for, in −1 to 1."""
    decoder = cast(av.AudioCodecContext, av.CodecContext.create(_DECODERS[codec], "r"))
    decoder.sample_rate, decoder.layout = 8000, "mono"
    [frame] = decoder.decode(av.Packet(bytes(range(256))))
    return (frame.to_ndarray().reshape(-1) / 32768).astype(np.float32)
