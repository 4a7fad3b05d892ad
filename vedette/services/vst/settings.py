"""Settings of VST."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from vedette.kernel.settings import Settings

_TIER = re.compile(r"[a-z][a-z0-9_-]{0,31}=(/|s3\+https?://[^/]+/)")
PRIVATE_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")


class VstSettings(Settings):
    """Cameras, recording and streaming."""

    allowed_networks: tuple[str, ...] = Field(
        PRIVATE_NETWORKS, description="Networks that camera addresses may lie in; others are refused."
    )
    max_sensors: int = Field(64, ge=1, le=1000, description="Most cameras that can be added.")
    transport: Literal["tcp", "udp"] = Field("tcp", description="How RTP is asked of cameras.")
    open_timeout_s: float = Field(10.0, gt=0, le=60, description="Seconds a camera may take to answer.")
    read_timeout_s: float = Field(3.0, gt=0, le=5, description="Seconds without media before a camera is reconnected.")
    retry_first_s: float = Field(0.5, gt=0, description="Seconds before the first reconnect; they double each time.")
    retry_most_s: float = Field(30.0, gt=0, description="Most seconds between two tries to reconnect.")
    offline_after_s: float = Field(4.5, ge=0, description="Seconds without media before a camera counts as offline.")
    discovery_every_s: float = Field(60.0, ge=0, description="Seconds between two looks for cameras; 0 never looks.")
    discovery_interfaces: tuple[str, ...] = Field(
        (), description="Interfaces or their addresses to look for cameras on; empty means all but loopback."
    )
    discovery_wait_s: float = Field(
        3.0, gt=0, le=30, description="Seconds that cameras have to answer when looked for."
    )
    readings_max_age_h: float = Field(720.0, ge=0, description="Hours after which readings are deleted; 0 keeps them.")
    mqtt_url: str = Field("", description="MQTT broker to take readings from, as mqtt://HOST:1883; empty: none.")
    mqtt_prefix: str = Field("vedette", description="Readings are taken from the topics PREFIX/SENSOR/NAME.")
    discovery_port: int = Field(3702, ge=1, le=65535, description="UDP port of WS-Discovery.")
    record: bool = Field(True, description="Whether cameras are recorded from the moment they are added.")
    segment_s: float = Field(10.0, ge=1, le=600, description="Length of a recording segment, cut at keyframes.")
    part_s: float = Field(1.0, gt=0, le=2, description="Most seconds of video that a crash may lose.")
    queue_mib: int = Field(16, ge=1, le=512, description="MiB of video held for a slow disk before a gap is declared.")
    join_gap_s: float = Field(0.5, ge=0, description="Holes up to this long are not shown in timelines.")
    max_age_h: float = Field(0, ge=0, description="Hours after which recordings are deleted; 0 keeps them.")
    max_gib: float = Field(0, ge=0, description="GiB of recordings above which the oldest are deleted; 0 for no limit.")
    max_gib_per_stream: float = Field(0, ge=0, description="The same for each camera stream by itself.")
    max_used_percent: float = Field(
        0, ge=0, le=100, description="Percentage of the disk in use above which the oldest are deleted; 0 for no limit."
    )
    min_free_gib: float = Field(
        2.0, ge=0, description="Free GiB of the disk, at least 5 %, below which the oldest are deleted; 0 for no limit."
    )
    preview_every_s: float = Field(
        2.0, ge=0, description="Least seconds between two small pictures of a camera for scrubbing; 0 makes none."
    )
    tiers: tuple[str, ...] = Field(
        (), description="Where old footage moves, in order: NAME=/folder or NAME=s3+https://host/bucket/prefix?region=."
    )
    tier_keys: Path | None = Field(None, description="File with two lines: access key and secret key of the store.")
    move_after_h: float = Field(
        0, ge=0, description="Hours after which footage moves to the first tier; 0 only when the disk is too full."
    )
    max_upload_gib: float = Field(64, gt=0, description="GiB of the largest file that can be uploaded.")
    ageing_every_s: float = Field(30.0, gt=0, description="Seconds between two looks at age and space.")
    clip_most_h: float = Field(24.0, gt=0, description="Longest clip that can be asked for, in hours.")
    relay_host: str = Field("127.0.0.1", description="Address that the RTSP relay listens on.")
    relay_port: int = Field(0, ge=0, le=65535, description="Port of the RTSP relay; 0 takes a free one.")
    max_viewers: int = Field(16, ge=1, le=500, description="Most live WebRTC viewers at once.")
    viewer_silence_s: float = Field(15.0, gt=0, description="Seconds without a sign of life before a viewer is cut.")
    analytics_address: str = Field("", description="Where NVIDIA's web page finds the analytics API; empty: same host.")

    @field_validator("tiers")
    @classmethod
    def _are_tiers(cls, tiers: tuple[str, ...]) -> tuple[str, ...]:
        for text in tiers:
            if not _TIER.match(text):
                raise ValueError(f"'{text}' is no tier: write NAME=/folder or NAME=s3+https://host/bucket")
        if len({text.partition("=")[0] for text in tiers}) < len(tiers):
            raise ValueError("each tier needs a name of its own")
        return tiers

    @field_validator("allowed_networks")
    @classmethod
    def _are_networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            ip_network(network)
        return networks
