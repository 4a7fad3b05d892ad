"""What of a stream's sound is recorded: AAC as it is, G.711 as AAC, because MP4 holds no G.711 that plays."""

from vedette.kernel.log import get_logger
from vedette.media.audio import AacTranscoder
from vedette.media.unit import AccessUnit, CodecParameters


class Sound:
    """One stream's. Other codecs are left out, and the log says so once a session."""

    def __init__(self, stream_id: str) -> None:
        self._stream_id = stream_id
        self._source: CodecParameters | None = None
        self._transcoder: AacTranscoder | None = None

    def recordable(self, unit: AccessUnit) -> list[AccessUnit]:
        """The units to record for one that was heard."""
        codec = unit.parameters.codec
        if codec == "aac":
            return [unit]
        if unit.parameters is not self._source:
            self._source = unit.parameters
            self._transcoder = AacTranscoder(unit.parameters) if codec in ("pcmu", "pcma") else None
            if self._transcoder is None:
                get_logger("vst").warning("sound_left_out", stream_id=self._stream_id, codec=codec)
        return self._transcoder.push(unit) if self._transcoder else []
