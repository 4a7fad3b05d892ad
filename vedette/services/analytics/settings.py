"""Settings of the analytics service."""

from typing import Literal

from pydantic import Field

from vedette.kernel.settings import Settings


class AnalyticsSettings(Settings):
    """How frames are read, how counting is buffered by default, and how long results are kept."""

    encoding: Literal["full", "minimal"] = Field(
        "full", description="How frames are written on the topic mdx-raw: full JSON or minimal JSON 4.0."
    )
    arrow_means: Literal["in", "out"] = Field(
        "in", description="Direction of motion along a tripwire's arrow (p1 to p2), where the wire does not say."
    )
    spatial_buffer_px: float = Field(
        8.0, ge=0, le=1000, description="How far, in pixels, a track must be clear of a wire or ROI edge to count."
    )
    temporal_buffer_ms: int = Field(
        100, ge=0, le=60_000, description="How long, in milliseconds, a track must be clear of it to count."
    )
    flush_interval_s: float = Field(
        0.25, gt=0, le=1, description="Counts are committed at least this often; crossings and alerts at once."
    )
    future_limit_s: float = Field(
        10.0, gt=0, description="A frame stamped farther ahead of this machine's clock is refused."
    )
    silence_s: float = Field(
        10.0,
        gt=0,
        description="After so many seconds without a frame of a sensor its counts are unknown: its alerts end with the "
        "reason 'no data'.",
    )
    frames_kept: int = Field(900, ge=0, le=100_000, description="Newest frames per sensor that GET frames can return.")
    seconds_kept_days: int = Field(7, ge=1, description="Days that counts are kept in steps of one second.")
    minutes_kept_days: int = Field(90, ge=1, description="Days that counts are kept in steps of one minute.")
    hours_kept_days: int = Field(1826, ge=1, description="Days that counts are kept in steps of one hour.")
    events_kept_days: int = Field(365, ge=1, description="Days that crossings, visits and ended alerts are kept.")
