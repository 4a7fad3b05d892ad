"""What every detector promises, and what the shipped one finds."""

import hashlib
from dataclasses import replace
from pathlib import Path

import anyio
import msgspec
import numpy as np
import pytest

from tests.support import pedestrians
from vedette.kernel.errors import Fault
from vedette.media import scene
from vedette.media.unit import Frame
from vedette.services.perception.adapters.detectors import Detector
from vedette.services.perception.adapters.detectors.card import Model, load_card
from vedette.services.perception.adapters.detectors.onnx import OnnxDetector
from vedette.services.perception.adapters.detectors.scripted import ScriptedDetector
from vedette.services.perception.core.tracker import Rules
from vedette.services.perception.model import Pace

DETECTORS: dict[str, Detector] = {
    "onnx": OnnxDetector(load_card()),
    "scripted": ScriptedDetector(read_number=scene.read_barcode, boxes_at=scene.boxes, size=scene.SIZE),
}


def picture(detector: Detector, width: int, height: int) -> Frame:
    to_width, to_height = detector.picture_size(width, height)
    image = np.random.default_rng(7).integers(0, 255, (to_height, to_width, 3), np.uint8)
    return Frame(image, width, height, 0, 0, 1)


@pytest.mark.anyio
@pytest.mark.parametrize("name", DETECTORS)
async def test_one_answer_for_each_frame_inside_its_picture(name: str) -> None:
    detector = DETECTORS[name]
    await detector.open()
    await detector.open()
    sizes = [(768, 576), (1920, 1080), (360, 640)]
    found = await detector.detect([picture(detector, *size) for size in sizes])
    assert len(found) == 3
    for (width, height), detections in zip(sizes, found, strict=True):
        assert detections.boxes.shape == (len(detections), 4)
        assert (detections.boxes >= 0).all()
        assert (detections.boxes[:, 2] <= width).all()
        assert (detections.boxes[:, 3] <= height).all()
        assert (detections.classes < len(detector.classes)).all()
    assert isinstance(detector.rules(Rules()), Rules)
    assert detector.pace(Pace(interval=3)) == (Pace() if name == "scripted" else Pace(interval=3))


@pytest.mark.anyio
async def test_the_scene_tells_the_scripted_detector_its_boxes() -> None:
    detector = DETECTORS["scripted"]
    image = scene.Scene().draw(200)
    (exact,) = await detector.detect([Frame(image, *scene.SIZE, 0, 0, 1)])
    np.testing.assert_array_equal(exact.boxes, scene.boxes(200))
    doubled = Frame(scene.Scene(1280, 720).draw(200), 1280, 720, 0, 0, 1)
    (scaled,) = await detector.detect([doubled])
    np.testing.assert_allclose(scaled.boxes, scene.boxes(200) * 2, rtol=1e-6)
    (nothing,) = await detector.detect([Frame(np.full_like(image, 128), *scene.SIZE, 0, 0, 1)])
    assert len(nothing) == 0


@pytest.mark.anyio
async def test_the_first_frame_of_the_pedestrian_clip_has_its_three_people() -> None:
    detector = OnnxDetector(load_card())
    await detector.open()
    (found,) = await detector.detect(list(pedestrians.frames(detector, most=1)))
    certain = found.select(found.scores >= 0.5)
    order = np.argsort(certain.boxes[:, 0])
    expected = np.array([[253, 221, 283, 310], [500, 156, 529, 233], [640, 238, 685, 324]])
    assert len(certain) == 3
    assert np.abs(certain.boxes[order] - expected).max() <= 2
    assert certain.scores == pytest.approx([0.78] * 3, abs=0.02)


def broken(weights: str, change: dict[str, object]) -> Model:
    """The shipped model, with a change to the row of one file of weights."""
    model = load_card()
    rows = tuple(
        msgspec.structs.replace(row, **change) if row.precision == weights else row for row in model.card.weights
    )
    return replace(model, card=msgspec.structs.replace(model.card, weights=rows))


def test_weights_that_answer_wrongly_are_passed_over() -> None:
    detector = OnnxDetector(broken("int8", {"expected": ((0.2, 0.0, 0.0, 9.0, 9.0),)}))
    anyio.run(detector.open)
    assert detector.weights is not None
    assert detector.weights.precision == "fp16w"


def test_no_weights_that_pass_is_a_fault() -> None:
    model = broken("int8", {"expected": ()})
    model = replace(model, card=msgspec.structs.replace(model.card, weights=model.card.weights[:1]))
    with pytest.raises(Fault) as caught:
        anyio.run(OnnxDetector(model).open)
    assert caught.value.status == 503
    assert "expected 0" in caught.value.message


def test_other_bytes_are_refused() -> None:
    with pytest.raises(Fault) as caught:
        anyio.run(OnnxDetector(broken("int8", {"sha256": "0" * 64})).open)
    assert "sha256" in caught.value.message


def test_the_shipped_files_are_those_of_the_card() -> None:
    model = load_card()
    for weights in model.card.weights:
        assert hashlib.sha256((model.folder / weights.file).read_bytes()).hexdigest() == weights.sha256
    assert (model.folder / "NOTICE").exists()


@pytest.mark.parametrize("text", ["", "name = 1", "name = [", 'name = "x"\nunknown = 1'])
def test_a_wrong_card_says_what_is_wrong(tmp_path: Path, text: str) -> None:
    path = tmp_path / "card.toml"
    path.write_text(text)
    with pytest.raises(Fault) as caught:
        load_card(path)
    assert str(path) in caught.value.message


def test_missing_weights_and_unknown_choices_are_faults(tmp_path: Path) -> None:
    model = load_card()
    elsewhere = Model(model.card, tmp_path)
    with pytest.raises(Fault):
        elsewhere.read(model.card.weights[0])
    with pytest.raises(Fault):
        OnnxDetector(model, provider="abacus")
    with pytest.raises(Fault):
        OnnxDetector(replace(model, card=msgspec.structs.replace(model.card, head="guess")))
