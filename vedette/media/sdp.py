"""Session descriptions (SDP) of RTP streams, as they are read. No I/O.

Sources: RFC 4566 (syntax), RFC 6184 §8.2.1 (H.264 parameters), RFC 7798 §7.1 (HEVC parameters).
"""

import base64
import binascii
from dataclasses import dataclass, field

from vedette.media import h264

_HEVC_SETS = ("sprop-vps", "sprop-sps", "sprop-pps")


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One `m=` section; `parameters` is the `a=fmtp` line taken apart."""

    kind: str
    payload_type: int
    encoding: str = ""
    clock_rate: int = 0
    control: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    channels: int = 1

    def extradata(self) -> bytes:
        """The parameter sets of the `sprop` fields as Annex B, b"" when there are none; `ValueError` when malformed."""
        names = ("sprop-parameter-sets",) if self.encoding == "H264" else _HEVC_SETS
        encoded = [part for name in names for part in self.parameters.get(name, "").split(",") if part]
        try:
            return h264.join(base64.b64decode(part, validate=True) for part in encoded)
        except binascii.Error as error:
            raise ValueError("a parameter set is not base64") from error


def parse_sdp(data: bytes) -> list[MediaDescription]:
    """The media sections; unknown lines are skipped, `ValueError` for an `m=` line that is none."""
    sections: list[list[str]] = []
    for line in data.decode(errors="replace").splitlines():
        if line.startswith("m="):
            sections.append([line[2:]])
        elif sections:
            sections[-1].append(line)
    return [_parse_media(head, attributes) for head, *attributes in sections]


def session_control(data: bytes) -> str:
    """The `a=control` of the session itself, "" when there is none."""
    head, _, _ = data.decode(errors="replace").replace("\r\n", "\n").partition("\nm=")
    lines = (line for line in head.split("\n") if line.startswith("a=control:"))
    return next(lines, "").removeprefix("a=control:").strip()


def _parse_media(head: str, attributes: list[str]) -> MediaDescription:
    words = head.split()
    if len(words) < 4 or not words[3].isascii() or not words[3].isdigit():
        raise ValueError("an m= line needs kind, port, protocol and a payload type")
    encoding, clock_rate, control, channels, parameters = "", 0, "", 1, dict[str, str]()
    for line in attributes:
        key, _, value = line.removeprefix("a=").partition(":")
        first, _, rest = value.partition(" ")
        if key == "control":
            control = value.strip()
        elif key == "rtpmap" and first == words[3]:
            encoding, _, rate = rest.strip().partition("/")
            rate, _, count = rate.partition("/")
            channels = int(count) if count.isascii() and count.isdigit() and len(count) < 3 else 1
            clock_rate = int(rate) if rate.isascii() and rate.isdigit() and len(rate) < 10 else 0
        elif key == "fmtp" and first == words[3]:
            pairs = (part.strip().partition("=") for part in rest.split(";"))
            parameters = {name: text for name, equals, text in pairs if equals}
    return MediaDescription(words[0], int(words[3][:9]), encoding.upper(), clock_rate, control, parameters, channels)
