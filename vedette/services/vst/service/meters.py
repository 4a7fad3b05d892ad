"""What VST counts about itself."""

import contextlib

from vedette.kernel.telemetry import Telemetry

_LAG_BUCKETS = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)


class Meters:
    """Prometheus numbers of VST; sensors are labelled by id."""

    def __init__(self, telemetry: Telemetry) -> None:
        labels = ("sensor_id",)
        self.frames = telemetry.counter("frames_total", "Encoded frames received from cameras.", labels)
        self.bytes = telemetry.counter("bytes_total", "Bytes of video received from cameras.", labels)
        self.sessions = telemetry.counter("sessions_total", "Connections to cameras that were tried.", labels)
        self.online = telemetry.gauge("sensor_online", "1 while media flows, else 0.", labels)
        self.offline = telemetry.gauge("sensor_offline_alert", "1 while a camera's alert holds, else 0.", labels)
        self.segments = telemetry.counter("segments_total", "Segments finished and committed.", labels)
        self.recorded_bytes = telemetry.counter("recorded_bytes_total", "Bytes of finished segments.", labels)
        self.gaps = telemetry.counter("gaps_total", "Gaps declared.", ("sensor_id", "cause"))
        self.durability_lag = telemetry.histogram(
            "durability_lag_seconds",
            "Age of the newest durable video when it became durable.",
            buckets=_LAG_BUCKETS,
        )
        self.viewers = telemetry.gauge("viewers", "Live WebRTC viewers now.")
        self.viewer_sessions = telemetry.counter("viewer_sessions_total", "Live WebRTC sessions opened.")
        self.relay_clients = telemetry.gauge("relay_clients", "Clients of the RTSP relay now.")
        self.events_waiting = telemetry.gauge("events_waiting", "Device events that the bus has not taken yet.")
        self.readings = telemetry.counter("readings_total", "Readings of sensors that were stored.")
        self.readings_refused = telemetry.counter("readings_refused_total", "Readings that were refused.", ("way",))
        self.deleted_bytes = telemetry.counter("deleted_bytes_total", "Bytes of recordings deleted.", ("actor",))
        self.previews = telemetry.counter("previews_total", "Small pictures made for scrubbing.")
        self.previews_failed = telemetry.counter("previews_failed_total", "Small pictures that could not be made.")
        self.disk_alarm = telemetry.gauge("disk_alarm", "0: enough space, 1: nearly full, 2: recording has stopped.")
        self.free_bytes = telemetry.gauge("free_bytes", "Free bytes on the recordings' disk.")

    def forget(self, sensor_id: str) -> None:
        """Drops the numbers of a sensor that is gone."""
        labelled = (
            self.frames,
            self.bytes,
            self.sessions,
            self.online,
            self.offline,
            self.segments,
            self.recorded_bytes,
        )
        for metric in labelled:
            with contextlib.suppress(KeyError):
                metric.remove(sensor_id)
