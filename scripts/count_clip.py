"""Print how many people the shipped pipeline shows in each frame of a video: one line `frame,seconds,count` a frame.

    python scripts/count_clip.py .cache/video/vtest.avi [--infer-fps 5] [--weights fp16w] [--tracks tracks.txt]

Detector, tracker and their settings are those of the service. `--tracks` writes boxes in MOTChallenge's text form, so
that published annotations can be compared with a metrics tool. The last line, on standard error, sums up: frames, mean
count, ids, and milliseconds of work a frame.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TextIO

import anyio
import av
import msgspec
import numpy as np

from vedette.media.unit import Frame
from vedette.services.perception.adapters.detectors.card import load_card
from vedette.services.perception.adapters.detectors.onnx import OnnxDetector
from vedette.services.perception.core import sampler, tracker
from vedette.services.perception.core.tracker import Rules
from vedette.services.perception.model import Pace, Tracks


@dataclass(frozen=True)
class Shown:
    """What the pipeline shows of one frame (numbered from 1), `seconds` into the video, and what it cost."""

    frame: int
    seconds: float
    tracks: Tracks
    work_ms: float
    inferred: bool


async def run(video: Path, pace: Pace, weights: str = "") -> list[Shown]:
    """Every frame of a video through detector and tracker."""
    model = load_card()
    if weights:
        rows = tuple(row for row in model.card.weights if row.precision == weights)
        model = replace(model, card=msgspec.structs.replace(model.card, weights=rows))
    detector = OnnxDetector(model)
    await detector.open()
    rules = detector.rules(Rules())
    state, pacing, shown = tracker.initial(rules=rules), sampler.SamplerState(), []
    for frame in read(video, detector):
        started = time.perf_counter()
        pacing, wanted = sampler.step(pacing, frame.wall_us, pace, phase=0.0)
        detections = (await detector.detect([frame]))[0] if wanted else None
        size = (frame.width, frame.height)
        state, tracks = tracker.step(state, detections, frame.wall_us, rules=rules, picture=size)
        spent_ms = (time.perf_counter() - started) * 1000
        shown.append(Shown(frame.number, frame.wall_us / 1e6 - 1, tracks, spent_ms, wanted))
    return shown


def read(video: Path, detector: OnnxDetector) -> Iterator[Frame]:
    """The frames of a video as the service's decoder hands them on; times begin at one second."""
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        period = 1 / (stream.average_rate or Fraction(10))
        for number, picture in enumerate(container.decode(stream)):
            width, height = detector.picture_size(picture.width, picture.height)
            converted = picture.reformat(width, height, "bgr24", interpolation="AREA")
            image = np.asarray(converted.to_ndarray(), np.uint8)
            wall_us = 1_000_000 + round(number * period * 1_000_000)
            yield Frame(image, picture.width, picture.height, 0, wall_us, number + 1)


def write_tracks(shown: list[Shown], file: TextIO) -> None:
    """MOTChallenge's lines: frame, id, left, top, width, height, confidence, -1, -1, -1."""
    for item in shown:
        for track_id, (left, top, right, bottom), score in zip(
            item.tracks.ids, item.tracks.boxes, item.tracks.scores, strict=True
        ):
            size = f"{right - left:.2f},{bottom - top:.2f}"
            file.write(f"{item.frame},{track_id},{left:.2f},{top:.2f},{size},{score:.3f},-1,-1,-1\n")


def main() -> None:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("video", type=Path)
    parser.add_argument("--infer-fps", type=float, default=None, help="inferences a second; every frame without it")
    parser.add_argument("--weights", default="", help="precision of the weights: int8 or fp16w")
    parser.add_argument("--tracks", type=Path, default=None, help="write tracks in MOTChallenge's form")
    options = parser.parse_args()
    shown = anyio.run(run, options.video, Pace(0, options.infer_fps), options.weights)
    for item in shown:
        print(f"{item.frame},{item.seconds:.3f},{len(item.tracks)}")
    if options.tracks is not None:
        with options.tracks.open("w") as file:
            write_tracks(shown, file)
    ids = {int(track_id) for item in shown for track_id in item.tracks.ids}
    mean = sum(len(item.tracks) for item in shown) / max(1, len(shown))
    work_ms = sum(item.work_ms for item in shown) / max(1, len(shown))
    print(
        f"{len(shown)} frames, {sum(item.inferred for item in shown)} inferred, mean count {mean:.2f}, {len(ids)} ids, "
        f"{work_ms:.1f} ms a frame",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
