"""The PTZ service (ONVIF PTZ): a head that is there at once or moves at a constant speed."""

import re

from vedette.tools.camera.onvif.model import Call, Operation, Position
from vedette.tools.camera.onvif.soap import SoapError
from vedette.tools.camera.onvif.xml import Node, Xml, el, group

NODE, CONFIGURATION = "ptz_node", "ptz"
_SPACES = "http://www.onvif.org/ver10/tptz"
_GENERIC = {
    "tt:AbsolutePanTiltPositionSpace": f"{_SPACES}/PanTiltSpaces/PositionGenericSpace",
    "tt:AbsoluteZoomPositionSpace": f"{_SPACES}/ZoomSpaces/PositionGenericSpace",
    "tt:ContinuousPanTiltVelocitySpace": f"{_SPACES}/PanTiltSpaces/VelocityGenericSpace",
    "tt:ContinuousZoomVelocitySpace": f"{_SPACES}/ZoomSpaces/VelocityGenericSpace",
}
_MOST_PRESETS = 64
_DURATION = re.compile(r"^PT(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6}(?:\.\d{1,6})?)S)?$", re.ASCII)


def seconds_of(duration: str) -> float | None:
    """Seconds of an ISO duration such as PT5S or PT1M; None when it is none."""
    match = _DURATION.match(duration)
    if match is None or not any(match.groups()):
        return None
    hours, minutes, seconds = match.groups()
    return int(hours or 0) * 3600.0 + int(minutes or 0) * 60 + float(seconds or 0)


def configuration(tag: str) -> Xml:
    """The one PTZ configuration."""
    return el(
        tag,
        el("tt:Name", "ptz"),
        el("tt:UseCount", 1),
        el("tt:NodeToken", NODE),
        el("tt:DefaultPTZTimeout", "PT5S"),
        token=CONFIGURATION,
    )


def _spaces() -> Xml:
    def limit(tag: str, least: float) -> Xml:
        return el(tag, el("tt:Min", least), el("tt:Max", 1.0))

    parts = []
    for name, uri in _GENERIC.items():
        is_plane, is_position = "PanTilt" in name, "Position" in name
        vertical = limit("tt:YRange", -1.0) if is_plane else None
        horizontal = limit("tt:XRange", 0.0 if is_position and not is_plane else -1.0)
        parts.append(el(name, el("tt:URI", uri), horizontal, vertical))
    return group(*parts)


def get_nodes(_call: Call) -> Xml:
    """The one head."""
    return el("tptz:GetNodesResponse", _node("tptz:PTZNode"))


def get_node(_call: Call) -> Xml:
    """It again."""
    return el("tptz:GetNodeResponse", _node("tptz:PTZNode"))


def _node(tag: str) -> Xml:
    return el(
        tag,
        el("tt:Name", "head"),
        el("tt:SupportedPTZSpaces", _spaces()),
        el("tt:MaximumNumberOfPresets", _MOST_PRESETS),
        el("tt:HomeSupported", False),
        token=NODE,
    )


def get_configurations(_call: Call) -> Xml:
    """The one configuration."""
    return el("tptz:GetConfigurationsResponse", configuration("tptz:PTZConfiguration"))


def get_configuration_options(_call: Call) -> Xml:
    """What it may be."""
    timeout = el("tt:PTZTimeout", el("tt:Min", "PT1S"), el("tt:Max", "PT60S"))
    options = el("tptz:PTZConfigurationOptions", el("tt:Spaces", _spaces()), timeout)
    return el("tptz:GetConfigurationOptionsResponse", options)


def get_status(call: Call) -> Xml:
    """Where it looks; a sloppy device does not say whether it moves."""
    head = call.device.head
    moving = "MOVING" if head.is_moving(call.device.clock.monotonic()) else "IDLE"
    state = el("tt:MoveStatus", el("tt:PanTilt", moving), el("tt:Zoom", moving))
    return el(
        "tptz:GetStatusResponse",
        el(
            "tptz:PTZStatus",
            _vector("tt:Position", head.position(call.device.clock.monotonic())),
            None if call.device.sloppy else state,
        ),
    )


def _vector(tag: str, where: Position) -> Xml:
    return el(tag, el("tt:PanTilt", x=where.pan, y=where.tilt), el("tt:Zoom", x=where.zoom))


def _read_vector(node: Node | None, default: Position) -> Position:
    if node is None:
        raise SoapError("A vector is missing.", "InvalidArgVal")
    plane, zoom = node.child("PanTilt"), node.child("Zoom")
    try:
        pan = default.pan if plane is None else float(plane.attributes["x"])
        tilt = default.tilt if plane is None else float(plane.attributes["y"])
        far = default.zoom if zoom is None else float(zoom.attributes["x"])
    except (KeyError, ValueError) as error:
        raise SoapError("A vector needs numbers.", "InvalidArgVal") from error
    return Position(pan, tilt, far)


def absolute_move(call: Call) -> Xml:
    """Looks there."""
    now_s = call.device.clock.monotonic()
    wanted = _read_vector(call.message.operation.find("Position"), call.device.head.position(now_s))
    if not (-1 <= wanted.pan <= 1 and -1 <= wanted.tilt <= 1 and 0 <= wanted.zoom <= 1):
        raise SoapError("That lies outside the reach.", "InvalidArgVal", "InvalidPosition")
    call.device.head.go(wanted)
    return el("tptz:AbsoluteMoveResponse")


def relative_move(call: Call) -> Xml:
    """Looks that far beside."""
    now = call.device.head.position(call.device.clock.monotonic())
    step = _read_vector(call.message.operation.find("Translation"), Position())
    call.device.head.go(Position(now.pan + step.pan, now.tilt + step.tilt, now.zoom + step.zoom))
    return el("tptz:RelativeMoveResponse")


def continuous_move(call: Call) -> Xml:
    """Moves at a speed until told to stop, or until the timeout."""
    speed = _read_vector(call.message.operation.find("Velocity"), Position())
    timeout = call.message.operation.value("Timeout")
    seconds = seconds_of(timeout) if timeout else None
    if timeout and seconds is None:
        raise SoapError("That is no duration.", "InvalidArgVal")
    call.device.head.move(speed, call.device.clock.monotonic(), for_s=seconds)
    return el("tptz:ContinuousMoveResponse")


def stop(call: Call) -> Xml:
    """Stays where it is."""
    head = call.device.head
    head.go(head.position(call.device.clock.monotonic()))
    return el("tptz:StopResponse")


def get_presets(call: Call) -> Xml:
    """Places that have a name."""
    listed = [
        el("tptz:Preset", el("tt:Name", name), _vector("tt:PTZPosition", where), token=token)
        for token, (name, where) in call.device.presets.items()
    ]
    return el("tptz:GetPresetsResponse", *listed)


def set_preset(call: Call) -> Xml:
    """Names where it looks now."""
    operation, presets = call.message.operation, call.device.presets
    token = operation.value("PresetToken")
    if token and token not in presets:
        raise SoapError("There is no such preset.", "InvalidArgVal", "NoToken")
    if not token and len(presets) >= _MOST_PRESETS:
        raise SoapError("There is no room for another preset.", "Action", "TooManyPresets", code="Receiver", status=500)
    token = token or next(str(number) for number in range(1, _MOST_PRESETS + 2) if str(number) not in presets)
    name = operation.value("PresetName") or presets.get(token, (f"Preset {token}",))[0]
    presets[token] = name, call.device.head.position(call.device.clock.monotonic())
    return el("tptz:SetPresetResponse", el("tptz:PresetToken", token))


def goto_preset(call: Call) -> Xml:
    """Looks there again."""
    call.device.head.go(_preset(call)[1])
    return el("tptz:GotoPresetResponse")


def remove_preset(call: Call) -> Xml:
    """Forgets it."""
    _preset(call)
    del call.device.presets[call.message.operation.value("PresetToken")]
    return el("tptz:RemovePresetResponse")


def _preset(call: Call) -> tuple[str, Position]:
    preset = call.device.presets.get(call.message.operation.value("PresetToken"))
    if preset is None:
        raise SoapError("There is no such preset.", "InvalidArgVal", "NoToken")
    return preset


OPERATIONS: dict[str, Operation] = {
    "GetNodes": get_nodes,
    "GetNode": get_node,
    "GetConfigurations": get_configurations,
    "GetConfigurationOptions": get_configuration_options,
    "GetStatus": get_status,
    "AbsoluteMove": absolute_move,
    "RelativeMove": relative_move,
    "ContinuousMove": continuous_move,
    "Stop": stop,
    "GetPresets": get_presets,
    "SetPreset": set_preset,
    "GotoPreset": goto_preset,
    "RemovePreset": remove_preset,
}
