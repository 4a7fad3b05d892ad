"""Wiring of perception."""

from functools import partial

import anyio

from vedette.kernel.context import Kernel
from vedette.kernel.http import create_app
from vedette.media import scene
from vedette.media.sources import open_source
from vedette.services.perception.adapters.decoders import Decoder, PictureSize, Wanted
from vedette.services.perception.adapters.decoders.pyav import PyavDecoder
from vedette.services.perception.adapters.detectors.card import load_card
from vedette.services.perception.adapters.detectors.onnx import OnnxDetector
from vedette.services.perception.adapters.detectors.scripted import ScriptedDetector
from vedette.services.perception.api import build_router
from vedette.services.perception.service import Perception
from vedette.services.perception.service.ids import IdBlocks
from vedette.services.perception.service.meters import Meters
from vedette.services.perception.service.pipeline import Parts
from vedette.services.perception.service.publisher import Publisher
from vedette.services.perception.settings import PerceptionSettings


def build(settings: PerceptionSettings, kernel: Kernel) -> Perception:
    """The service; nothing is opened before its life begins."""
    threads = anyio.CapacityLimiter(settings.decode_threads)

    def open_decoder(wanted: Wanted, picture_size: PictureSize) -> Decoder:
        return PyavDecoder(wanted=wanted, picture_size=picture_size, clock=kernel.clock, threads=threads)

    def open_parts(publisher: Publisher, ids: IdBlocks, meters: Meters) -> Parts:
        source = partial(open_source, clock=kernel.clock, read_timeout_s=settings.read_timeout_s)
        return Parts(kernel.clock, publisher, ids, meters, source, open_decoder)

    detectors = {
        "onnx": OnnxDetector(load_card(settings.model), provider=settings.provider),
        "scripted": ScriptedDetector(read_number=scene.read_barcode, boxes_at=scene.boxes, size=scene.SIZE),
    }
    service = Perception(settings, kernel, detectors=detectors, open_parts=open_parts)
    service.mount(
        create_app(
            service.name,
            routers=[build_router(service)],
            telemetry=kernel.telemetry,
            ready=service.ready,
            identity=kernel.identity,
            description="Decodes streams, finds and follows people, publishes one message a frame.",
        )
    )
    return service
