"""The media service of the first generation (ONVIF Media): profiles, URIs, H.264 encoders."""

from dataclasses import replace

from vedette.media.unit import VideoCodec
from vedette.tools.camera.onvif.model import NOWHERE, Call, Encoding, Operation
from vedette.tools.camera.onvif.ptz import configuration as ptz_configuration
from vedette.tools.camera.onvif.soap import SoapError
from vedette.tools.camera.onvif.xml import Node, Xml, el, group
from vedette.tools.camera.orders import StreamName

SOURCE = "video_source"
SNAPSHOT_PATH = "/onvif/snapshot"
RESOLUTIONS = ((1920, 1080), (1280, 720), (640, 360), (320, 180))
MOST_FPS = 30
_NAMES_1 = {"h264": "H264"}
_AUDIO_NAMES = {"aac": "AAC", "pcmu": "G711", "pcma": "G711"}
_RATES = {"aac": 48, "pcmu": 8, "pcma": 8}


def profile_token(stream: StreamName) -> str:
    """The token of a stream's profile."""
    return f"profile_{stream}"


def encoder_token(stream: StreamName) -> str:
    """The token of a stream's encoder."""
    return f"encoder_{stream}"


def stream_of(call: Call, token: str) -> StreamName:
    """The stream that a profile or encoder token names; `SoapError` for another."""
    for stream in call.device.streams.stream_names():
        if token in (profile_token(stream), encoder_token(stream)):
            return stream
    raise SoapError("There is no such profile or configuration.", "InvalidArgVal", "NoProfile")


def asked(call: Call, name: str = "ProfileToken") -> StreamName:
    """The stream that the operation is about."""
    return stream_of(call, call.message.operation.value(name))


def get_profiles(call: Call) -> Xml:
    """All of them."""
    listed = [_profile(call, stream, "trt:Profiles") for stream in call.device.streams.stream_names()]
    return el("trt:GetProfilesResponse", *listed)


def get_profile(call: Call) -> Xml:
    """One."""
    return el("trt:GetProfileResponse", _profile(call, asked(call), "trt:Profile"))


def _profile(call: Call, stream: StreamName, tag: str) -> Xml:
    return el(
        tag,
        el("tt:Name", stream),
        el("tt:VideoSourceConfiguration", *source_configuration(call), token="source_config"),  # noqa: S106 - a name
        _encoder(call, stream, "tt:VideoEncoderConfiguration"),
        _audio(call, stream),
        None if call.device.sloppy else ptz_configuration("tt:PTZConfiguration"),
        token=profile_token(stream),
        fixed=True,
    )


def source_configuration(call: Call) -> tuple[Xml, ...]:
    """The content of the one video source configuration."""
    encoding = call.device.streams.encoding("main")
    bounds = {"x": 0, "y": 0, "width": encoding.width, "height": encoding.height}
    return (
        el("tt:Name", "source"),
        el("tt:UseCount", len(call.device.streams.stream_names())),
        el("tt:SourceToken", SOURCE),
        el("tt:Bounds", **bounds),
    )


def _encoder(call: Call, stream: StreamName, tag: str) -> Xml | None:
    """None for a codec that this service has no word for."""
    encoding = call.device.streams.encoding(stream)
    if encoding.codec not in _NAMES_1:
        return None
    profile = el("tt:H264", el("tt:GovLength", encoding.gop), el("tt:H264Profile", "Main"))
    return el(
        tag,
        el("tt:Name", stream),
        el("tt:UseCount", 1),
        el("tt:Encoding", _NAMES_1[encoding.codec]),
        resolution("tt:Resolution", encoding.width, encoding.height),
        el("tt:Quality", 5.0),
        el(
            "tt:RateControl",
            el("tt:FrameRateLimit", encoding.fps),
            el("tt:EncodingInterval", 1),
            el("tt:BitrateLimit", encoding.kbps or 8192),
        ),
        profile,
        None if call.device.sloppy else multicast(),
        el("tt:SessionTimeout", "PT60S"),
        token=encoder_token(stream),
    )


def _audio(call: Call, stream: StreamName, tag: str = "tt:AudioEncoderConfiguration") -> Xml | None:
    codec = call.device.streams.audio_codec(stream)
    if codec is None:
        return None
    return el(
        tag,
        el("tt:Name", "sound"),
        el("tt:UseCount", 1),
        el("tt:Encoding", _AUDIO_NAMES[codec]),
        el("tt:Bitrate", 64),
        el("tt:SampleRate", _RATES[codec]),
        multicast(),
        el("tt:SessionTimeout", "PT60S"),
        token=f"audio_{stream}",
    )


def resolution(tag: str, width: int, height: int) -> Xml:
    """A picture size."""
    return el(tag, el("tt:Width", width), el("tt:Height", height))


def multicast() -> Xml:
    """No multicast."""
    return el(
        "tt:Multicast",
        el("tt:Address", el("tt:Type", "IPv4"), el("tt:IPv4Address", "0.0.0.0")),  # noqa: S104 - no address is meant
        el("tt:Port", 0),
        el("tt:TTL", 0),
        el("tt:AutoStart", False),
    )


def get_video_sources(call: Call) -> Xml:
    """The one sensor chip."""
    encoding = call.device.streams.encoding("main")
    listed = el(
        "trt:VideoSources",
        el("tt:Framerate", float(encoding.fps)),
        resolution("tt:Resolution", encoding.width, encoding.height),
        token=SOURCE,
    )
    return el("trt:GetVideoSourcesResponse", listed)


def get_stream_uri(call: Call) -> Xml:
    """Where a profile is streamed."""
    stream = asked(call)
    return el(
        "trt:GetStreamUriResponse",
        el(
            "trt:MediaUri",
            el("tt:Uri", stream_uri(call, stream)),
            el("tt:InvalidAfterConnect", False),
            el("tt:InvalidAfterReboot", False),
            el("tt:Timeout", "PT0S"),
        ),
    )


def stream_uri(call: Call, stream: StreamName) -> str:
    """The RTSP URL at the address that the client reached; a sloppy device names another."""
    url = call.device.streams.stream_url(stream)
    scheme, _, host, rest = url.split("/", 3)
    port = host.rpartition(":")[2]
    reached = NOWHERE if call.device.sloppy else call.host.rpartition(":")[0]
    return f"{scheme}//{reached}:{port}/{rest}"


def get_snapshot_uri(call: Call) -> Xml:
    """Where a JPEG of a profile is."""
    stream = asked(call)
    return el(
        "trt:GetSnapshotUriResponse",
        el(
            "trt:MediaUri",
            el("tt:Uri", f"{call.address}{SNAPSHOT_PATH}/{stream}.jpg"),
            el("tt:InvalidAfterConnect", False),
            el("tt:InvalidAfterReboot", False),
            el("tt:Timeout", "PT0S"),
        ),
    )


def get_encoder(call: Call) -> Xml:
    """One encoder's settings."""
    stream = asked(call, "ConfigurationToken")
    return el("trt:GetVideoEncoderConfigurationResponse", _encoder(call, stream, "trt:Configuration"))


def get_encoders(call: Call) -> Xml:
    """All encoders' settings."""
    listed = [_encoder(call, stream, "trt:Configurations") for stream in call.device.streams.stream_names()]
    return el("trt:GetVideoEncoderConfigurationsResponse", *listed)


def get_audio_encoders(call: Call) -> Xml:
    """How the sound is encoded, stream by stream."""
    listed = [_audio(call, stream, "trt:Configurations") for stream in call.device.streams.stream_names()]
    return el("trt:GetAudioEncoderConfigurationsResponse", *listed)


def get_encoder_options(_call: Call) -> Xml:
    """What they may be."""
    limits = {"tt:FrameRateRange": (1, MOST_FPS), "tt:EncodingIntervalRange": (1, 1)}
    return el(
        "trt:GetVideoEncoderConfigurationOptionsResponse",
        el(
            "trt:Options",
            span("tt:QualityRange", 0, 10),
            el(
                "tt:H264",
                *(resolution("tt:ResolutionsAvailable", *size) for size in RESOLUTIONS),
                span("tt:GovLengthRange", 1, 300),
                *(span(tag, *limit) for tag, limit in limits.items()),
                el("tt:H264ProfilesSupported", "Baseline"),
                el("tt:H264ProfilesSupported", "Main"),
            ),
        ),
    )


def span(tag: str, least: int, most: int) -> Xml:
    """A range."""
    return group(el(tag, el("tt:Min", least), el("tt:Max", most)))


def set_encoder(call: Call) -> Xml:
    """Encodes otherwise from now on."""
    configuration = call.message.operation.find("Configuration")
    if configuration is None:
        raise SoapError("A configuration is missing.", "InvalidArgVal")
    apply(call, configuration, gop=configuration.number("H264", "GovLength"))
    return el("trt:SetVideoEncoderConfigurationResponse")


def apply(call: Call, configuration: Node, *, gop: float | None, codec: VideoCodec | None = None) -> None:
    """Takes over what a configuration of either media service says."""
    stream = stream_of(call, configuration.attributes.get("token", ""))
    now = call.device.streams.encoding(stream)
    try:
        wanted = replace(
            now,
            width=int(configuration.number("Resolution", "Width") or now.width),
            height=int(configuration.number("Resolution", "Height") or now.height),
            fps=int(configuration.number("RateControl", "FrameRateLimit") or now.fps),
            kbps=int(configuration.number("RateControl", "BitrateLimit") or now.kbps),
            gop=int(gop or now.gop),
        )
    except ValueError as error:
        raise SoapError("That is no number.", "InvalidArgVal", "ConfigModify") from error
    wanted = wanted if codec is None else replace(wanted, codec=codec)
    possible = (wanted.width, wanted.height) in {*RESOLUTIONS, (now.width, now.height)}
    if not possible or not 1 <= wanted.fps <= MOST_FPS or not 1 <= wanted.gop <= 300:
        raise SoapError("The encoder cannot do this; ask for its options.", "InvalidArgVal", "ConfigModify")
    if _changes(now, wanted) and not call.device.streams.encode(stream, wanted):
        raise SoapError("This stream is a recording and stays as it is.", "InvalidArgVal", "ConfigModify")


def _changes(now: Encoding, wanted: Encoding) -> bool:
    return replace(wanted, kbps=now.kbps) != now


def set_synchronization_point(call: Call) -> Xml:
    """A keyframe is due; every stream here has one each second or so."""
    asked(call)
    return el("trt:SetSynchronizationPointResponse")


OPERATIONS: dict[str, Operation] = {
    "GetProfiles": get_profiles,
    "GetProfile": get_profile,
    "GetVideoSources": get_video_sources,
    "GetStreamUri": get_stream_uri,
    "GetSnapshotUri": get_snapshot_uri,
    "GetVideoEncoderConfiguration": get_encoder,
    "GetVideoEncoderConfigurations": get_encoders,
    "GetVideoEncoderConfigurationOptions": get_encoder_options,
    "GetAudioEncoderConfigurations": get_audio_encoders,
    "SetVideoEncoderConfiguration": set_encoder,
    "SetSynchronizationPoint": set_synchronization_point,
}
