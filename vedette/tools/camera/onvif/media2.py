"""The media service of the second generation (ONVIF Media2): the same streams, any codec."""

from vedette.media.unit import VideoCodec
from vedette.tools.camera.onvif import media
from vedette.tools.camera.onvif.model import Call, Operation
from vedette.tools.camera.onvif.ptz import configuration as ptz_configuration
from vedette.tools.camera.onvif.soap import SoapError
from vedette.tools.camera.onvif.xml import Xml, el
from vedette.tools.camera.orders import StreamName

_NAMES: dict[VideoCodec, str] = {"h264": "H264", "hevc": "H265", "av1": "AV1"}
_AUDIO_NAMES = {"aac": "MP4A-LATM", "pcmu": "PCMU", "pcma": "PCMA"}


def get_profiles(call: Call) -> Xml:
    """All of them; configurations only when a type asks for them."""
    operation = call.message.operation
    types = {node.text for node in operation.children if node.name == "Type"}
    token = operation.value("Token")
    streams = [media.stream_of(call, token)] if token else call.device.streams.stream_names()
    return el("tr2:GetProfilesResponse", *(_profile(call, stream, types) for stream in streams))


def _profile(call: Call, stream: StreamName, types: set[str]) -> Xml:
    audio = call.device.streams.audio_codec(stream)
    parts = {
        "VideoSource": el("tr2:VideoSource", *media.source_configuration(call), token="source_config"),  # noqa: S106
        "VideoEncoder": _encoder(call, stream, "tr2:VideoEncoder"),
        "AudioEncoder": None if audio is None else _audio(stream, audio),
        "PTZ": None if call.device.sloppy else ptz_configuration("tr2:PTZ"),
    }
    wanted = [part for name, part in parts.items() if part is not None and types & {name, "All"}]
    configurations = el("tr2:Configurations", *wanted) if wanted else None
    return el("tr2:Profiles", el("tr2:Name", stream), configurations, token=media.profile_token(stream), fixed=True)


def _encoder(call: Call, stream: StreamName, tag: str) -> Xml:
    encoding = call.device.streams.encoding(stream)
    return el(
        tag,
        el("tt:Name", stream),
        el("tt:UseCount", 1),
        el("tt:Encoding", _NAMES[encoding.codec]),
        media.resolution("tt:Resolution", encoding.width, encoding.height),
        el(
            "tt:RateControl",
            el("tt:FrameRateLimit", float(encoding.fps)),
            el("tt:BitrateLimit", encoding.kbps or 8192),
            ConstantBitRate=False,
        ),
        el("tt:Quality", 5.0),
        token=media.encoder_token(stream),
        GovLength=encoding.gop,
        Profile="Main",
    )


def _audio(stream: StreamName, codec: str) -> Xml:
    return el(
        "tr2:AudioEncoder",
        el("tt:Name", "sound"),
        el("tt:UseCount", 1),
        el("tt:Encoding", _AUDIO_NAMES[codec]),
        el("tt:Bitrate", 64),
        el("tt:SampleRate", 48 if codec == "aac" else 8),
        token=f"audio_{stream}",
    )


def get_stream_uri(call: Call) -> Xml:
    """Where a profile is streamed."""
    return el("tr2:GetStreamUriResponse", el("tr2:Uri", media.stream_uri(call, media.asked(call))))


def get_snapshot_uri(call: Call) -> Xml:
    """Where a JPEG of a profile is."""
    stream = media.asked(call)
    return el("tr2:GetSnapshotUriResponse", el("tr2:Uri", f"{call.address}{media.SNAPSHOT_PATH}/{stream}.jpg"))


def get_encoders(call: Call) -> Xml:
    """One encoder's settings, or all."""
    token = call.message.operation.value("ConfigurationToken")
    streams = [media.stream_of(call, token)] if token else call.device.streams.stream_names()
    listed = [_encoder(call, stream, "tr2:Configurations") for stream in streams]
    return el("tr2:GetVideoEncoderConfigurationsResponse", *listed)


def get_encoder_options(_call: Call) -> Xml:
    """What they may be, by codec."""
    return el("tr2:GetVideoEncoderConfigurationOptionsResponse", *(_options(codec) for codec in _NAMES))


def _options(codec: VideoCodec) -> Xml:
    return el(
        "tr2:Options",
        el("tt:Encoding", _NAMES[codec]),
        media.span("tt:QualityRange", 0, 10),
        *(media.resolution("tt:ResolutionsAvailable", *size) for size in media.RESOLUTIONS),
        media.span("tt:BitrateRange", 64, 20_000),
        GovLengthRange="1 300",
        FrameRatesSupported=" ".join(str(rate) for rate in (30, 25, 20, 15, 10, 5, 1)),
        ConstantBitRateSupported=False,
    )


def set_encoder(call: Call) -> Xml:
    """Encodes otherwise from now on."""
    configuration = call.message.operation.find("Configuration")
    codecs = {name: codec for codec, name in _NAMES.items()}
    if configuration is None or configuration.value("Encoding") not in codecs:
        raise SoapError("A configuration with a known encoding is missing.", "InvalidArgVal", "ConfigModify")
    length = configuration.attributes.get("GovLength", "")
    gop = float(length) if length.isascii() and length.isdigit() else None
    media.apply(call, configuration, gop=gop, codec=codecs[configuration.value("Encoding")])
    return el("tr2:SetVideoEncoderConfigurationResponse")


def set_synchronization_point(call: Call) -> Xml:
    """A keyframe is due; every stream here has one each second or so."""
    media.asked(call)
    return el("tr2:SetSynchronizationPointResponse")


OPERATIONS: dict[str, Operation] = {
    "GetProfiles": get_profiles,
    "GetStreamUri": get_stream_uri,
    "GetSnapshotUri": get_snapshot_uri,
    "GetVideoEncoderConfigurations": get_encoders,
    "GetVideoEncoderConfigurationOptions": get_encoder_options,
    "SetVideoEncoderConfiguration": set_encoder,
    "SetSynchronizationPoint": set_synchronization_point,
}
