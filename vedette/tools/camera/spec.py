"""How a stream of the synthetic scene is encoded."""

from dataclasses import dataclass

from vedette.kernel.errors import invalid
from vedette.media.unit import VideoCodec
from vedette.tools.camera.tone import SoundCodec


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """Codec, size in pixels, frames per second, keyframe distance `gop` in frames, B-frames between two others.

    `kbps` 0 means what a fixed quality takes; otherwise the picture is given grain that needs as much. `audio` is the
    codec of the sound, None for silence.
    """

    codec: VideoCodec = "h264"
    width: int = 640
    height: int = 360
    fps: int = 15
    gop: int = 15
    b_frames: int = 0
    kbps: int = 0
    audio: SoundCodec | None = None

    def check(self) -> None:
        """Fault 400 for what cannot be made."""
        if self.width % 2 or self.height % 2 or self.width < 320 or self.height < 180:
            raise invalid("The scene cannot be drawn in this size; it needs an even one of at least 320x180.")
        if self.width > 3840 or self.height > 2160:
            raise invalid("The scene cannot be drawn larger than 3840x2160.")
        if not 1 <= self.fps <= 1000 or not 1 <= self.gop <= 1000 or not 0 <= self.b_frames <= 4:
            raise invalid("Frames a second and keyframe distances go from 1 to 1000, B-frames to 4.")
        if self.b_frames and self.codec == "av1":
            raise invalid("AV1 has no B-frames: its pictures are sent in the order in which they are shown.")
        if not 0 <= self.kbps <= 100_000:
            raise invalid("The bit rate goes up to 100,000 kbit/s.")
