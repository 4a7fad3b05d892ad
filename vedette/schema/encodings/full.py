"""Full JSON: every key of the message; both time keys are written, either is read."""

import msgspec

from vedette.schema.frame import FrameMessage

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(FrameMessage)


def encode(frame: FrameMessage) -> bytes:
    """JSON bytes of the frame."""
    return _encoder.encode(frame)


def decode(payload: bytes) -> FrameMessage:
    """The frame; raises msgspec.DecodeError or msgspec.ValidationError on anything else."""
    return _decoder.decode(payload)
