"""Detectors that are ONNX files, run by ONNX Runtime: one session, one thread, batch 1 (perception.md §3 and §7)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, override

import anyio.to_thread
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from vedette.kernel.errors import Fault, unavailable
from vedette.kernel.log import get_logger
from vedette.media.unit import Frame
from vedette.services.perception.adapters.detectors import Detector
from vedette.services.perception.adapters.detectors.card import Model, Weights
from vedette.services.perception.core import letterbox as boxing
from vedette.services.perception.core.heads import HEADS
from vedette.services.perception.core.postprocess import iou
from vedette.services.perception.core.tracker import Rules
from vedette.services.perception.model import Detections, Pace

PROVIDERS = {
    "cpu": ("CPUExecutionProvider",),
    "cuda": ("CUDAExecutionProvider", "CPUExecutionProvider"),
    "tensorrt": ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"),
    "openvino": ("OpenVINOExecutionProvider", "CPUExecutionProvider"),
}
"""Name in the settings → ONNX Runtime's providers, in order of preference."""
_CERTAIN = 0.3
_log = get_logger("perception.detector")


class OnnxDetector(Detector):
    """The detector of a model card. Of its weights the first that pass the self-test are used.

    int8 arithmetic saturates on some CPUs without VNNI, which shows as wrong scores, not as an error; so the picture of
    the card is looked at before any camera's, and the next file of weights is taken when the answer is not the expected
    one.
    """

    def __init__(self, model: Model, *, provider: str = "cpu") -> None:
        if provider not in PROVIDERS:
            raise Fault(
                "ConfigurationError", 500, f"Unknown provider '{provider}': choose one of {', '.join(PROVIDERS)}."
            )
        if model.card.head not in HEADS:
            raise Fault("ConfigurationError", 500, f"Unknown head '{model.card.head}': there are {', '.join(HEADS)}.")
        self._model, self._provider = model, provider
        self._head = HEADS[model.card.head]
        self._session: Any = None
        self._outputs: list[str] = []
        self._one_at_a_time = anyio.CapacityLimiter(1)
        self.weights: Weights | None = None

    @property
    @override
    def classes(self) -> Sequence[str]:
        return self._model.card.classes

    @override
    async def open(self) -> None:
        if self._session is None:
            await anyio.to_thread.run_sync(self._load, limiter=self._one_at_a_time)

    @override
    def picture_size(self, width: int, height: int) -> tuple[int, int]:
        box = boxing.choose(width, height, self._model.card.sizes)
        return box.content_width, box.content_height

    @override
    def rules(self, base: Rules) -> Rules:
        return replace(base, low=self._model.card.low)

    @override
    def pace(self, asked: Pace) -> Pace:
        return asked

    @override
    async def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        return await anyio.to_thread.run_sync(self._detect, frames, limiter=self._one_at_a_time)

    def _load(self) -> None:
        reasons: list[str] = []
        for weights in self._model.card.weights:
            self._session = self._open_session(weights)
            self._outputs = [output.name for output in self._session.get_outputs()]
            reason = self._self_test(weights)
            if reason is None:
                self.weights = weights
                _log.info("detector_ready", model=self._model.card.name, precision=weights.precision)
                return
            reasons.append(f"{weights.file}: {reason}")
            _log.warning("weights_unfit", file=weights.file, reason=reason)
        self._session = None
        raise unavailable("No weights pass the self-test on this machine. " + "; ".join(reasons))

    def _open_session(self, weights: Weights) -> Any:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        installed = set(onnxruntime.get_available_providers())
        providers = [name for name in PROVIDERS[self._provider] if name in installed]
        if PROVIDERS[self._provider][0] not in installed:
            raise unavailable(f"The provider '{self._provider}' is not in this build of ONNX Runtime.")
        return onnxruntime.InferenceSession(self._model.read(weights), options, providers=providers)

    def _self_test(self, weights: Weights) -> str | None:
        picture = self._model.self_test_picture()
        if picture is None:
            return None
        height, width = picture.shape[:2]
        found = self._detect_one(Frame(picture, width, height, 0, 0, 0))
        certain = found.select(found.scores >= _CERTAIN)
        expected = np.array(weights.expected, np.float32).reshape(-1, 5)
        if len(certain) != len(expected):
            return f"{len(certain)} boxes in the self-test picture, expected {len(expected)}"
        overlap = iou(expected[:, 1:], certain.boxes)
        nearest = overlap.argmax(axis=1)
        worst_overlap = float(overlap.max(axis=1).min())
        worst_score = float(np.abs(certain.scores[nearest] - expected[:, 0]).max())
        if worst_overlap < self._model.card.self_test_iou or worst_score > self._model.card.self_test_score:
            return f"boxes of the self-test picture are off: IoU {worst_overlap:.2f}, score by {worst_score:.3f}"
        return None

    def _detect(self, frames: Sequence[Frame]) -> list[Detections]:
        return [self._detect_one(frame) for frame in frames]

    def _detect_one(self, frame: Frame) -> Detections:
        card = self._model.card
        box = boxing.choose(frame.width, frame.height, card.sizes)
        tensor = np.zeros((1, 3, box.input_height, box.input_width), np.float32)
        content = _fit(frame.image, box.content_width, box.content_height)
        rows = slice(box.top, box.top + box.content_height)
        columns = slice(box.left, box.left + box.content_width)
        channels = content if card.colour_order == "bgr" else content[..., ::-1]
        tensor[0, :, rows, columns] = channels.transpose(2, 0, 1)
        if card.scale != 1.0:
            tensor *= np.float32(card.scale)
        outputs = self._session.run(self._outputs, {self._session.get_inputs()[0].name: tensor})
        return self._head(dict(zip(self._outputs, outputs, strict=True)), box, card.low)


def _fit(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    if image.shape[:2] != (height, width):
        raise ValueError(f"the picture is {image.shape[1]}x{image.shape[0]}, the detector asked for {width}x{height}")
    return image
