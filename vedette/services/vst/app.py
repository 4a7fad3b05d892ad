"""Wiring of VST."""

from vedette.kernel.context import Kernel
from vedette.kernel.http import create_app
from vedette.services.vst.adapters.webrtc import Peer
from vedette.services.vst.adapters.webrtc.aiortc_peer import AiortcPeer, set_patience
from vedette.services.vst.api import build_router
from vedette.services.vst.service import Vst
from vedette.services.vst.settings import VstSettings


def build(settings: VstSettings, kernel: Kernel) -> Vst:
    """The service; nothing is opened before its life begins."""
    set_patience(settings.viewer_silence_s)

    def make_peer(profile_level_id: str) -> Peer:
        return AiortcPeer(profile_level_id, clock=kernel.clock)

    service = Vst(settings, kernel, make_peer=make_peer)
    service.mount(
        create_app(
            service.name,
            routers=[build_router(service, "/vst/api/v1"), build_router(service, "/api/v1", listed=False)],
            telemetry=kernel.telemetry,
            ready=service.ready,
            identity=kernel.identity,
            description="Cameras, recordings and live pictures.",
        )
    )
    return service
