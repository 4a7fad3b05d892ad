"""How a frame is written on the wire: one row an encoding, each with `encode(FrameMessage) -> bytes` and `decode`."""

from vedette.schema.encodings import full, minimal

ENCODINGS = {"full": full, "minimal": minimal}
