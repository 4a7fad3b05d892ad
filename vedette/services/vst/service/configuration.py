"""The configuration documents that NVIDIA's web page asks for at start, as far as they are true here.

Keys are theirs. What Vedette does not have is off, zero or empty, never made up.
"""

from typing import Any

from vedette.services.vst.core.ageing import AgeingPolicy
from vedette.services.vst.model import RecordingRule
from vedette.services.vst.service.policy import Limits
from vedette.services.vst.settings import VstSettings

_RESOLUTION_KBPS = {
    "resolution_480": (500, 1000, 800),
    "resolution_720": (1000, 2500, 1800),
    "resolution_1080": (2000, 6000, 4000),
    "resolution_1440": (4000, 9000, 6000),
    "resolution_2160": (6000, 16_000, 10_000),
}


def _common() -> dict[str, Any]:
    return {
        "enableUserCleanup": False,
        "httpPort": "",
        "multiUserExtraOptions": "",
        "useHttpDigestAuthentication": False,
        "useHttps": False,
        "useMultiUser": True,
        "vstDataPath": "",
        "vstIp": "",
        "webserviceAccessControlList": "",
    }


def sensor_configuration(settings: VstSettings) -> dict[str, Any]:
    """What `sensor/configuration` says; paths and addresses of this machine are nobody's business."""
    return _common() | {
        "deviceDiscoveryFrequencySeconds": min(100, round(settings.discovery_every_s)),
        "deviceDiscoveryInterfaces": list(settings.discovery_interfaces),
        "deviceDiscoveryTimeoutSeconds": round(settings.discovery_wait_s),
        "enableDebugApis": True,
        "enableNotification": True,
        "enablePrometheus": True,
        "kafkaServerAddress": "",
        "maxSensorsSupported": min(100, settings.max_sensors),
        "messageBrokerTopic": "vst.event",
        "onvifRequestTimeoutSeconds": 10,
        "prometheusPort": "",
        "redisServerEnvironmentVariable": "",
        "supportedAudioCodecs": "aac,pcmu,pcma",
        "supportedVideoCodecs": "h264,h265,av1",
        "useMessageBroker": "redis",
    }


def live_configuration(settings: VstSettings) -> dict[str, Any]:
    """What `live/configuration` and `replay/configuration` say."""
    return _common() | {
        "WebrtcOutDefaultResolution": "1920x1080",
        "analyticServerAddress": settings.analytics_address,
        "coturnTurnUrlListWithSecret": [],
        "enableFrameDrop": True,
        "enableGstDebugProbes": False,
        "enablePerfLogging": False,
        "gpuIndices": "",
        "maxStreamsSupported": settings.max_sensors,
        "maxWebrtcInConnections": 0,
        "maxWebrtcOutConnections": settings.max_viewers,
        "prometheusPort": "",
        "reverseProxyServerAddress": "",
        "staticTurnUrlList": [],
        "stunUrlList": [],
        "twilioAccountSid": "",
        "twilioAuthToken": "",
        "useCoturnAuthSecret": False,
        "useReverseProxy": False,
        "useSoftwarePath": True,
        "useTwilioStunTurn": False,
        "useVideoMetadataProtobuf": False,
        "videoMetadataQueryBatchSizeNumFrames": 0,
        "videoMetadataServer": "",
        "webrtcLatencyMs": 0,
        "webrtcOutEnableInsertSpsPps": True,
        "webrtcOutMinDrcInterval": 0,
        "webrtcOutSetIdrInterval": 0,
        "webrtcOutSetIframeInterval": 0,
        "webrtc_video_quality_tunning": {
            name: {"bitrate_range": [least, most], "bitrate_start": start}
            for name, (least, most, start) in _RESOLUTION_KBPS.items()
        },
    }


def record_configuration(settings: VstSettings) -> dict[str, Any]:
    """What `record/configuration` says; the rolls are those of a stream that nobody chose others for."""
    rule = RecordingRule()
    return _common() | {
        "alwaysRecording": settings.record,
        "eventRecordLengthSecs": round(rule.post_roll_s),
        "recordBufferLengthSecs": round(rule.pre_roll_s),
        "recordedVideoDirRoot": "",
        "sessionMaxAgeSec": 0,
    }


def storage_configuration(settings: VstSettings, limits: Limits) -> dict[str, Any]:
    """What `storage/configuration` says under the limits in force."""
    policy = limits.policy
    return _common() | {
        "enableAgingPolicy": policy != AgeingPolicy(),
        "enableCloudStorage": any("=s3+" in tier for tier in settings.tiers),
        "maxVideoDownloadSizeMB": 0,
        "recordedVideoDirRoot": "",
        "storageMonitoringFrequencySecs": settings.ageing_every_s,
        "storageThresholdPercentage": limits.max_used_percent or 100,
        "totalVideoStorageSizeMB": round(limits.max_gib * 1024),
    }
