"""Session descriptions (SDP) of what our server streams: a video section, and one for sound where there is any. No I/O.

Sources: RFC 4566 (syntax), RFC 6184 §8.2.1 (H.264 parameters), RFC 7798 §7.1 (HEVC parameters), RFC 3640 §4.1 (AAC),
RFC 3551 §6 (G.711), the AOM's RTP payload format for AV1 §7.
"""

import base64
from collections.abc import Iterator

from vedette.media import h264, rtp
from vedette.media.packetise import PAYLOAD_TYPES
from vedette.media.unit import TICKS_PER_SECOND, Codec, CodecParameters

_VIDEO: dict[Codec, str] = {"h264": "H264", "hevc": "H265", "av1": "AV1"}
_AUDIO: dict[Codec, str] = {"aac": "mpeg4-generic", "pcmu": "PCMU", "pcma": "PCMA", "opus": "opus"}
_HEVC_SETS = ((32, "sprop-vps"), (33, "sprop-sps"), (34, "sprop-pps"))


def write_sdp(
    parameters: CodecParameters,
    *,
    name: str,
    control: str,
    session_id: int = 0,
    audio: CodecParameters | None = None,
    audio_control: str = "trackID=1",
) -> bytes:
    """The description of one live stream; `ValueError` for a codec without an RTP payload format here."""
    if parameters.codec not in _VIDEO:
        raise ValueError(f"no RTP payload format for {parameters.codec}")
    title = "".join(character for character in name if character.isprintable()) or "-"
    lines = [
        "v=0",
        f"o=- {session_id} 1 IN IP4 0.0.0.0",
        f"s={title}",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
        *_video_section(parameters, control),
        *(() if audio is None else _audio_section(audio, audio_control)),
    ]
    return ("\r\n".join(lines) + "\r\n").encode()


def _video_section(parameters: CodecParameters, control: str) -> Iterator[str]:
    encoding, kind = _VIDEO[parameters.codec], PAYLOAD_TYPES[parameters.codec]
    yield f"m=video 0 RTP/AVP {kind}"
    yield f"a=rtpmap:{kind} {encoding}/{TICKS_PER_SECOND}"
    readers = {"H264": _h264_parameters, "H265": _hevc_parameters}
    format_parameters = ";".join(readers[encoding](parameters)) if encoding in readers else ""
    if format_parameters:
        yield f"a=fmtp:{kind} {format_parameters}"
    if parameters.width and parameters.height:
        yield f"a=framesize:{kind} {parameters.width}-{parameters.height}"
    yield f"a=control:{control}"


def _audio_section(audio: CodecParameters, control: str) -> Iterator[str]:
    if audio.codec not in _AUDIO:
        raise ValueError(f"no RTP payload format for {audio.codec}")
    kind = PAYLOAD_TYPES[audio.codec]
    yield f"m=audio 0 RTP/AVP {kind}"
    yield f"a=rtpmap:{kind} {_AUDIO[audio.codec]}/{audio.sample_rate}/{max(1, audio.channels)}"
    if audio.codec == "aac":
        yield (
            f"a=fmtp:{kind} streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;"
            f"indexdeltalength=3;config={audio.extradata.hex()}"
        )
    yield f"a=control:{control}"


def _h264_parameters(parameters: CodecParameters) -> Iterator[str]:
    sps, pps = h264.parameter_sets(parameters.extradata)
    yield "packetization-mode=1"
    if sps and pps and len(sps[0]) >= 4:
        yield f"profile-level-id={h264.profile_level_id(sps[0])}"
        yield f"sprop-parameter-sets={','.join(base64.b64encode(nal).decode() for nal in (*sps, *pps))}"


def _hevc_parameters(parameters: CodecParameters) -> Iterator[str]:
    nals = h264.split(parameters.extradata)
    for kind, name in _HEVC_SETS:
        sets = [base64.b64encode(nal).decode() for nal in nals if rtp.nal_type("hevc", nal) == kind]
        if sets:
            yield f"{name}={','.join(sets)}"
