"""The imaging service (ONVIF Imaging): brightness and the like, remembered and told."""

from dataclasses import asdict, replace

from vedette.tools.camera.onvif.media import SOURCE
from vedette.tools.camera.onvif.model import Call, Operation
from vedette.tools.camera.onvif.soap import SoapError
from vedette.tools.camera.onvif.xml import Xml, el

_ELEMENTS = {
    "brightness": "Brightness",
    "saturation": "ColorSaturation",
    "contrast": "Contrast",
    "sharpness": "Sharpness",
}
_LEAST, _MOST = 0.0, 100.0


def _check_source(call: Call) -> None:
    if call.message.operation.value("VideoSourceToken") != SOURCE:
        raise SoapError("There is no such video source.", "InvalidArgVal", "NoSource")


def get_imaging_settings(call: Call) -> Xml:
    """The settings as they are."""
    _check_source(call)
    values = asdict(call.device.imaging)
    listed = [el(f"tt:{element}", values[name]) for name, element in _ELEMENTS.items()]
    return el("timg:GetImagingSettingsResponse", el("timg:ImagingSettings", *listed))


def set_imaging_settings(call: Call) -> Xml:
    """Changes those that are given."""
    _check_source(call)
    settings = call.message.operation.find("ImagingSettings")
    try:
        given = {name: settings.number(element) for name, element in _ELEMENTS.items()} if settings else {}
    except ValueError as error:
        raise SoapError("That is no number.", "InvalidArgVal", "SettingsInvalid") from error
    known = {name: value for name, value in given.items() if value is not None}
    if any(not _LEAST <= value <= _MOST for value in known.values()):
        raise SoapError("Values go from 0 to 100.", "InvalidArgVal", "SettingsInvalid")
    call.device.imaging = replace(call.device.imaging, **known)
    return el("timg:SetImagingSettingsResponse")


def get_options(call: Call) -> Xml:
    """What they may be."""
    _check_source(call)
    listed = [el(f"tt:{element}", el("tt:Min", _LEAST), el("tt:Max", _MOST)) for element in _ELEMENTS.values()]
    return el("timg:GetOptionsResponse", el("timg:ImagingOptions", *listed))


OPERATIONS: dict[str, Operation] = {
    "GetImagingSettings": get_imaging_settings,
    "SetImagingSettings": set_imaging_settings,
    "GetOptions": get_options,
}
