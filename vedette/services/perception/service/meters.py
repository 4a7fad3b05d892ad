"""The numbers of perception: what each stream costs and what it loses."""

from vedette.kernel.telemetry import Telemetry

_SECONDS = (0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5.0)


class Meters:
    """Prometheus metrics of this service; the label `sensor` is the sensor's id."""

    def __init__(self, telemetry: Telemetry) -> None:
        sensor = ("sensor",)
        self.frames = telemetry.counter("frames_total", "Pictures decoded and tracked.", sensor)
        self.inferences = telemetry.counter("inferences_total", "Pictures that the network looked at.", sensor)
        self.dropped = telemetry.counter("dropped_total", "Frames or pixels given up, by cause.", ("sensor", "cause"))
        self.tracks = telemetry.gauge("tracks", "Tracks held, shown or not.", sensor)
        self.cost_s = telemetry.counter("cost_seconds_total", "Seconds of work, by step.", ("sensor", "step"))
        self.inference_s = telemetry.histogram(
            "inference_seconds", "One picture through detector and decoding of its output.", buckets=_SECONDS
        )
        self.picture_age_s = telemetry.histogram(
            "picture_age_seconds", "Age of a picture, since its capture, when inference begins.", buckets=_SECONDS
        )
        self.latency_s = telemetry.histogram(
            "latency_seconds", "From the capture of an inferred picture to its message on the way.", buckets=_SECONDS
        )
        self.streams = telemetry.gauge("streams", "Streams watched.")
        self.bad_events = telemetry.counter("bad_events_total", "Device events that could not be read.")
        self.refused = telemetry.counter("refused_streams_total", "Announced streams that could not be watched.")
        self.published = telemetry.gauge("published_frames", "Frames that reached the bus since the start.")
        self.unpublished = telemetry.gauge("unpublished_frames", "Frames given up because the bus was away.")

    def forget(self, sensor: str) -> None:
        """Removes the series of a stream that is no longer watched."""
        for metric in (self.frames, self.inferences, self.tracks, self.dropped, self.cost_s):
            metric.remove_by_labels({"sensor": sensor})
