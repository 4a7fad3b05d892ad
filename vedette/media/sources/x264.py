"""The software H.264 encoder of the test pattern and of transcoded camera files: small delay, no B-frames."""

from collections.abc import Iterator
from fractions import Fraction
from typing import cast

import av
import numpy as np
from numpy.typing import NDArray

from vedette.kernel.errors import unavailable
from vedette.media import h264
from vedette.media.unit import TICKS_PER_SECOND, AccessUnit, CodecParameters, seconds_to_90k

ENCODER = "libx264"


class H264Encoder:
    """BGR pictures in, access units out, one for one. Fault 503 when this build of libav has no libx264.

    `keyframe_interval` counts pictures. Widths and heights must be even.
    """

    def __init__(
        self, *, width: int, height: int, fps: Fraction, keyframe_interval: int, preset: str = "veryfast", crf: int = 23
    ) -> None:
        if ENCODER not in av.codec.codecs_available:
            raise unavailable("This installation cannot encode H.264: libav was built without libx264.")
        context = cast(av.VideoCodecContext, av.CodecContext.create(ENCODER, "w"))
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base, context.framerate = Fraction(1, TICKS_PER_SECOND), fps
        context.gop_size, context.max_b_frames, context.thread_count = keyframe_interval, 0, 1
        context.options = {
            "preset": preset,
            "profile": "baseline",  # what every browser decodes over WebRTC
            "tune": "zerolatency",
            "crf": str(crf),
            "x264-params": f"scenecut=0:keyint={keyframe_interval}:min-keyint={keyframe_interval}:repeat-headers=1",
        }
        self._context = context
        self._duration_90k = seconds_to_90k(float(1 / fps))
        self._parameters: CodecParameters | None = None

    def encode(self, image: NDArray[np.uint8], *, pts_90k: int, wall_us: int) -> Iterator[AccessUnit]:
        """Encode one uint8 BGR picture of shape (height, width, 3)."""
        frame = av.VideoFrame.from_ndarray(image, format="bgr24")
        return self.encode_frame(frame, pts_90k=pts_90k, wall_us=wall_us)

    def encode_frame(self, frame: av.VideoFrame, *, pts_90k: int, wall_us: int) -> Iterator[AccessUnit]:
        """Encode one decoded frame of any pixel format; it is scaled to the encoder's size."""
        picture = frame.reformat(self._context.width, self._context.height, "yuv420p")
        picture.pts, picture.time_base, picture.pict_type = pts_90k, Fraction(1, TICKS_PER_SECOND), 0
        for packet in self._context.encode(picture):
            yield self._unit(bytes(packet), bool(packet.is_keyframe), pts_90k, wall_us)

    def _unit(self, data: bytes, is_keyframe: bool, pts_90k: int, wall_us: int) -> AccessUnit:
        if self._parameters is None:
            extradata = h264.extradata_of(data)
            self._parameters = CodecParameters("h264", extradata, self._context.width, self._context.height)
        return AccessUnit(data, pts_90k, pts_90k, wall_us, is_keyframe, self._parameters, self._duration_90k)
