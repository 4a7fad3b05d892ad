"""Settings of perception."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from vedette.kernel.settings import Settings


class DetectorChoice(Settings):
    """Which detector watches the streams whose name matches a pattern."""

    streams: str = Field("*", description="Stream names, as a shell pattern: `*`, `Gate*`, `Synthetic scene`.")
    detector: Literal["onnx", "scripted"] = Field("onnx", description="Row of the table of detectors.")


class PerceptionSettings(Settings):
    """Decode, detect, track and publish."""

    model: Path | None = Field(None, description="Model card (TOML) beside its weights; empty for the one that ships.")
    provider: str = Field("cpu", description="Execution provider of the network: cpu, cuda, tensorrt or openvino.")
    detectors: tuple[DetectorChoice, ...] = Field(
        (DetectorChoice(streams="*", detector="onnx"),),
        description="Which detector watches which streams; the first pattern that matches a stream's name decides.",
    )
    interval: int = Field(0, ge=0, le=60, description="Frames skipped between inferences, unless infer_fps is set.")
    infer_fps: float | None = Field(
        10.0, gt=0, le=120, description="Inferences a second and stream; people walking need 5. Empty: by interval."
    )
    track_threshold: float = Field(0.42, gt=0, lt=1, description="Least score of a box that continues a track.")
    birth_threshold: float = Field(0.50, gt=0, lt=1, description="Least score of a box that begins a track.")
    max_predict_ms: int = Field(500, ge=0, description="How long a track is shown after its last detection.")
    max_tracks: int = Field(200, ge=1, le=1000, description="Most tracks a stream may hold.")
    max_streams: int = Field(64, ge=1, description="Most streams watched at once.")
    decode_threads: int = Field(2, ge=1, le=64, description="Threads that decode, for all streams together.")
    encoding: Literal["full", "minimal"] = Field("full", description="How frames are written to the topic mdx-raw.")
    topic: str = Field("mdx-raw", description="Topic that frames are published to.")
    field: str = Field("metadata", description="Name of the field that holds a frame in that topic.")
    minimal_topic: str = Field("", description="A second topic with the same frames as minimal JSON; empty for none.")
    vst: str = Field(
        "", description="Where VST lists its streams, http://host:port or unix:///path; empty: its socket."
    )
    relay_user: str = Field("perception", description="User name at VST's relay; the password is the node's own.")
    read_timeout_s: float = Field(10.0, gt=0, description="Seconds without media before a stream is opened again.")
