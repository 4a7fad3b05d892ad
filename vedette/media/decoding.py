"""Which of libav's decoders turns a recording into pictures."""

from typing import cast

import av

from vedette.kernel.errors import unavailable
from vedette.media.unit import CodecParameters

_NAMES = {"h264": ("h264",), "hevc": ("hevc",), "av1": ("libdav1d", "libaom-av1")}
"""libav's own `av1` only drives hardware, so it is not among these."""


def new_decoder(parameters: CodecParameters) -> av.VideoCodecContext:
    """A software decoder for an elementary stream; Fault 503 when libav was built without one."""
    for name in _NAMES.get(parameters.codec, ()):
        if name in av.codec.codecs_available:
            decoder = cast(av.VideoCodecContext, av.CodecContext.create(name, "r"))
            decoder.extradata = parameters.extradata or None
            return decoder
    raise unavailable(f"Nothing here decodes {parameters.codec}: libav was built without a decoder for it.")
