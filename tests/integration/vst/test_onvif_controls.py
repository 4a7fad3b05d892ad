"""Settings, PTZ and events of an ONVIF device, as they cross the wire."""

import pytest

from tests.fakes.onvif_device import FakeOnvif, fake_onvif, soap_fault
from vedette.kernel.clock import SystemClock
from vedette.kernel.errors import Fault
from vedette.services.vst.adapters.onvif import OnvifDevice
from vedette.services.vst.adapters.onvif.controls import (
    Ptz,
    get_encoder,
    get_imaging,
    get_network,
    set_encoder,
    set_imaging,
    set_network,
)
from vedette.services.vst.adapters.resolver import CameraDialler
from vedette.services.vst.core.onvif_types import Encoder, Imaging, Network, Position, Preset, PtzStatus, Range

pytestmark = pytest.mark.anyio
VECTOR = '<tt:PanTilt x="0.5" y="-0.25" space="s"/><tt:Zoom x="0.1"/>'


def device_at(fake: FakeOnvif) -> OnvifDevice:
    return OnvifDevice(fake.address, dialler=CameraDialler(("127.0.0.0/8",)), clock=SystemClock())


def last(fake: FakeOnvif, operation: str) -> str:
    return next(document for name, document in reversed(fake.asked) if name == operation)


IMAGING = {
    "GetImagingSettings": "<timg:GetImagingSettingsResponse><timg:ImagingSettings><tt:Brightness>50</tt:Brightness>"
    "<tt:IrCutFilter>AUTO</tt:IrCutFilter><tt:WideDynamicRange><tt:Mode>OFF</tt:Mode></tt:WideDynamicRange>"
    "</timg:ImagingSettings></timg:GetImagingSettingsResponse>",
    "GetOptions": "<timg:GetOptionsResponse><timg:ImagingOptions><tt:Brightness><tt:Min>0</tt:Min><tt:Max>100</tt:Max>"
    "</tt:Brightness></timg:ImagingOptions></timg:GetOptionsResponse>",
    "SetImagingSettings": "<timg:SetImagingSettingsResponse/>",
}


async def test_picture_settings_are_read_and_set() -> None:
    fake = FakeOnvif(replies={**IMAGING})
    async with fake_onvif(fake), device_at(fake) as device:
        assert await get_imaging(device, "VS") == Imaging(
            brightness=50.0, ir_cut_filter="AUTO", wide_dynamic_range="OFF", ranges={"brightness": Range(0, 100)}
        )
        await set_imaging(device, "VS", Imaging(brightness=70, ir_cut_filter="ON", backlight="OFF"))
        sent = last(fake, "SetImagingSettings")
        assert "<t:Brightness>70</t:Brightness>" in sent
        assert "<t:IrCutFilter>ON</t:IrCutFilter>" in sent
        assert "Contrast" not in sent
        with pytest.raises(Fault, match="0 to 100") as caught:
            await set_imaging(device, "VS", Imaging(brightness=101))
        assert caught.value.status == 422


async def test_settings_without_options_are_still_settings() -> None:
    fake = FakeOnvif(replies={**IMAGING, "GetOptions": soap_fault("ActionNotSupported", "no")})
    async with fake_onvif(fake), device_at(fake) as device:
        assert (await get_imaging(device, "VS")).brightness == 50.0
        await set_imaging(device, "VS", Imaging(brightness=200))
    assert "<t:Brightness>200</t:Brightness>" in last(fake, "SetImagingSettings")


CONFIGURATION = """<trt:GetVideoEncoderConfigurationResponse><trt:Configuration token="VEC"><tt:Name>n</tt:Name>
<tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>1280</tt:Width><tt:Height>720</tt:Height></tt:Resolution>
<tt:Quality>4</tt:Quality><tt:RateControl><tt:FrameRateLimit>25</tt:FrameRateLimit><tt:BitrateLimit>2000</tt:BitrateLimit>
</tt:RateControl><tt:H264><tt:GovLength>50</tt:GovLength></tt:H264></trt:Configuration>
</trt:GetVideoEncoderConfigurationResponse>"""
OPTIONS = """<trt:GetVideoEncoderConfigurationOptionsResponse>
<trt:Options><tt:QualityRange><tt:Min>1</tt:Min><tt:Max>6</tt:Max>
</tt:QualityRange><tt:H264><tt:ResolutionsAvailable><tt:Width>1280</tt:Width><tt:Height>720</tt:Height>
</tt:ResolutionsAvailable><tt:ResolutionsAvailable><tt:Width>1920</tt:Width><tt:Height>1080</tt:Height>
</tt:ResolutionsAvailable><tt:GovLengthRange><tt:Min>1</tt:Min><tt:Max>250</tt:Max></tt:GovLengthRange>
<tt:FrameRateRange><tt:Min>1</tt:Min><tt:Max>30</tt:Max></tt:FrameRateRange></tt:H264><tt:Extension><tt:H264>
<tt:BitrateRange><tt:Min>64</tt:Min><tt:Max>8000</tt:Max></tt:BitrateRange></tt:H264></tt:Extension></trt:Options>
</trt:GetVideoEncoderConfigurationOptionsResponse>"""
CONFIGURATION_2 = """<tr2:GetVideoEncoderConfigurationsResponse>
<tr2:Configurations token="VE" GovLength="60" Profile="Main">
<tt:Name>m</tt:Name><tt:Encoding>H265</tt:Encoding><tt:Resolution><tt:Width>3840</tt:Width><tt:Height>2160</tt:Height>
</tt:Resolution><tt:RateControl><tt:FrameRateLimit>30</tt:FrameRateLimit><tt:BitrateLimit>8000</tt:BitrateLimit>
</tt:RateControl><tt:Quality>3</tt:Quality></tr2:Configurations></tr2:GetVideoEncoderConfigurationsResponse>"""
OPTIONS_2 = """<tr2:GetVideoEncoderConfigurationOptionsResponse>
<tr2:Options GovLengthRange="1 300" FrameRatesSupported="30 25 15"><tt:Encoding>H265</tt:Encoding>
<tt:ResolutionsAvailable><tt:Width>3840</tt:Width><tt:Height>2160</tt:Height></tt:ResolutionsAvailable><tt:BitrateRange><tt:Min>100</tt:Min>
<tt:Max>16000</tt:Max></tt:BitrateRange></tr2:Options><tr2:Options><tt:Encoding>H264</tt:Encoding></tr2:Options>
</tr2:GetVideoEncoderConfigurationOptionsResponse>"""


async def test_an_encoder_of_media_is_read_and_set() -> None:
    fake = FakeOnvif(
        replies={
            "GetVideoEncoderConfiguration": CONFIGURATION,
            "GetVideoEncoderConfigurationOptions": OPTIONS,
            "SetVideoEncoderConfiguration": "<trt:SetVideoEncoderConfigurationResponse/>",
        }
    )
    async with fake_onvif(fake), device_at(fake) as device:
        found = await get_encoder(device, "VEC")
        assert (found.codec, found.width, found.height, found.fps, found.bitrate, found.gov, found.quality) == (
            "h264", 1280, 720, 25.0, 2000, 50, 4.0,
        )  # fmt: skip
        assert found.options.resolutions == ((1920, 1080), (1280, 720))
        assert found.options.bitrate_range == Range(64, 8000)
        assert found.options.codecs == ("h264",)
        await set_encoder(device, Encoder("VEC", width=1920, height=1080, gov=25))
        sent = last(fake, "SetVideoEncoderConfiguration")
        for part in (
            "<t:Width>1920<",
            "<t:BitrateLimit>2000<",
            "<t:GovLength>25<",
            "<t:Encoding>H264<",
            "<t:Quality>4<",
        ):
            assert part in sent
        for wrong in (
            Encoder("VEC", width=1000, height=1000),
            Encoder("VEC", codec="hevc"),
            Encoder("VEC", fps=60),
            Encoder("VEC", bitrate=9000),
            Encoder("VEC", gov=500),
            Encoder("VEC", quality=9),
        ):
            with pytest.raises(Fault) as caught:
                await set_encoder(device, wrong)
            assert caught.value.status == 422


async def test_an_encoder_of_media2_is_read_and_set() -> None:
    fake = FakeOnvif(
        services=("media", "media2"),
        replies={
            "GetVideoEncoderConfigurations": CONFIGURATION_2,
            "GetVideoEncoderConfigurationOptions": OPTIONS_2,
            "SetVideoEncoderConfiguration": "<tr2:SetVideoEncoderConfigurationResponse/>",
        },
    )
    async with fake_onvif(fake), device_at(fake) as device:
        found = await get_encoder(device, "VE")
        assert (found.codec, found.gov, found.width) == ("hevc", 60, 3840)
        assert found.options.codecs == ("hevc", "h264")
        assert found.options.fps == (30.0, 25.0, 15.0)
        assert found.options.gov_range == Range(1, 300)
        await set_encoder(device, Encoder("VE", gov=30, fps=15))
        assert 'token="VE" GovLength="30"' in last(fake, "SetVideoEncoderConfiguration")
        with pytest.raises(Fault, match="frame rates"):
            await set_encoder(device, Encoder("VE", fps=12.5))


async def test_an_encoder_that_is_not_there() -> None:
    fake = FakeOnvif(replies={"GetVideoEncoderConfiguration": "<trt:Empty/>"})
    async with fake_onvif(fake), device_at(fake) as device:
        with pytest.raises(Fault) as caught:
            await get_encoder(device, "none")
    assert caught.value.status == 404


NETWORK = {
    "GetNetworkInterfaces": '<tds:R><tds:NetworkInterfaces token="eth0"><tt:Enabled>true</tt:Enabled><tt:Info>'
    "<tt:HwAddress>00:11:22:33:44:55</tt:HwAddress></tt:Info><tt:IPv4><tt:Enabled>true</tt:Enabled><tt:Config>"
    "<tt:Manual><tt:Address>10.0.0.5</tt:Address><tt:PrefixLength>24</tt:PrefixLength></tt:Manual><tt:DHCP>false</tt:DHCP>"
    "</tt:Config></tt:IPv4></tds:NetworkInterfaces></tds:R>",
    "GetNetworkDefaultGateway": "<tds:R><tds:NetworkGateway><tt:IPv4Address>10.0.0.1</tt:IPv4Address>"
    "</tds:NetworkGateway></tds:R>",
    "GetDNS": "<tds:R><tds:DNSInformation><tt:FromDHCP>false</tt:FromDHCP><tt:DNSManual><tt:Type>IPv4</tt:Type>"
    "<tt:IPv4Address>10.0.0.2</tt:IPv4Address></tt:DNSManual></tds:DNSInformation></tds:R>",
    "GetHostname": "<tds:R><tds:HostnameInformation><tt:FromDHCP>false</tt:FromDHCP><tt:Name>gate</tt:Name>"
    "</tds:HostnameInformation></tds:R>",
}


async def test_the_network_is_read_as_far_as_it_is_told() -> None:
    fake = FakeOnvif(replies={**NETWORK})
    async with fake_onvif(fake), device_at(fake) as device:
        assert await get_network(device) == Network(
            token="eth0",
            hardware_address="00:11:22:33:44:55",
            dhcp=False,
            address="10.0.0.5",
            prefix_length=24,
            gateway="10.0.0.1",
            name_servers=("10.0.0.2",),
            host_name="gate",
        )


async def test_the_address_is_set_last() -> None:
    done = {name: "<tds:R/>" for name in ("SetHostname", "SetNTP", "SetDNS", "SetNetworkDefaultGateway")}
    set_reply = {"SetNetworkInterfaces": "<tds:R><tds:RebootNeeded>true</tds:RebootNeeded></tds:R>"}
    fake = FakeOnvif(replies={**NETWORK, **done, **set_reply})
    wanted = Network(
        address="10.0.0.6", prefix_length=24, gateway="10.0.0.1", name_servers=("1.1.1.1",),
        time_servers=("10.0.0.9", "ntp.local"), host_name="a<b",
    )  # fmt: skip
    async with fake_onvif(fake), device_at(fake) as device:
        assert await set_network(device, wanted) is True
        assert not await set_network(device, Network(host_name="b"))
        for wrong in (Network(address="x", prefix_length=8), Network(address="10.0.0.6"), Network(gateway="::1")):
            with pytest.raises(Fault) as caught:
                await set_network(device, wrong)
            assert caught.value.status == 400
    changes = [name for name in fake.operations() if name.startswith("Set")]
    assert changes == [*done, "SetNetworkInterfaces", "SetHostname"]
    assert "<n:InterfaceToken>eth0<" in last(fake, "SetNetworkInterfaces")
    assert "<t:DNSname>ntp.local<" in last(fake, "SetNTP")
    assert "<n:Name>a&lt;b</n:Name>" in next(doc for name, doc in fake.asked if name == "SetHostname")


async def test_a_camera_is_moved() -> None:
    moves = {name: "<tptz:R/>" for name in ("AbsoluteMove", "RelativeMove", "ContinuousMove", "Stop")}
    presets = {
        "GetStatus": f"<tptz:R><tptz:PTZStatus><tt:Position>{VECTOR}</tt:Position><tt:MoveStatus>"
        "<tt:PanTilt>MOVING</tt:PanTilt>"
        "<tt:Zoom>IDLE</tt:Zoom></tt:MoveStatus></tptz:PTZStatus></tptz:R>",
        "GetPresets": f'<tptz:R><tptz:Preset token="1"><tt:Name>Door</tt:Name><tt:PTZPosition>{VECTOR}</tt:PTZPosition>'
        '</tptz:Preset><tptz:Preset token="2"/></tptz:R>',
        "SetPreset": "<tptz:R><tptz:PresetToken>7</tptz:PresetToken></tptz:R>",
        "GotoPreset": "<tptz:R/>",
        "RemovePreset": soap_fault("NoToken", "No such preset"),
    }
    fake = FakeOnvif(replies={**moves, **presets})
    async with fake_onvif(fake), device_at(fake) as device:
        ptz = Ptz(device, "P1")
        assert await ptz.status() == PtzStatus(Position(0.5, -0.25, 0.1), moving=True)
        assert await ptz.presets() == [Preset("1", "Door", Position(0.5, -0.25, 0.1)), Preset("2")]
        assert await ptz.set_preset("Gate & Door") == "7"
        await ptz.goto_preset("7")
        with pytest.raises(Fault, match="No such preset") as caught:
            await ptz.remove_preset("8")
        assert caught.value.status == 422
        await ptz.absolute(Position(pan=0.5, tilt=0.0, zoom=1.0))
        await ptz.relative(Position(zoom=-0.1))
        await ptz.continuous(Position(pan=-1.0), timeout_s=2.5)
        await ptz.stop()
        for wrong in (Position(), Position(pan=1.5), Position(zoom=-0.5), Position(tilt=float("nan"))):
            with pytest.raises(Fault) as refused:
                await ptz.absolute(wrong)
            assert refused.value.status == 400
    assert '<n:Position><t:PanTilt x="0.5" y="0"/><t:Zoom x="1"/></n:Position>' in last(fake, "AbsoluteMove")
    assert '<n:Translation><t:Zoom x="-0.1"/></n:Translation>' in last(fake, "RelativeMove")
    assert "<n:Timeout>PT2.5S</n:Timeout>" in last(fake, "ContinuousMove")
    assert "<n:PresetName>Gate &amp; Door</n:PresetName>" in last(fake, "SetPreset")


async def test_an_empty_ptz_status_is_unknown() -> None:
    fake = FakeOnvif(replies={"GetStatus": "<tptz:R><tptz:PTZStatus/></tptz:R>"})
    async with fake_onvif(fake), device_at(fake) as device:
        assert await Ptz(device, "P1").status() == PtzStatus()


async def test_a_camera_that_cannot_move_says_so() -> None:
    fake = FakeOnvif(services=("media",))
    async with fake_onvif(fake), device_at(fake) as device:
        with pytest.raises(Fault) as caught:
            await Ptz(device, "P1").stop()
    assert caught.value.status == 501


async def test_reboot_and_keyframe() -> None:
    fake = FakeOnvif(
        replies={
            "SystemReboot": "<tds:R><tds:Message>in 30 s</tds:Message></tds:R>",
            "SetSynchronizationPoint": "<trt:R/>",
        }
    )
    async with fake_onvif(fake), device_at(fake) as device:
        assert await device.reboot() == "in 30 s"
        await device.sync_point("P1")
    assert "<n:ProfileToken>P1<" in last(fake, "SetSynchronizationPoint")
