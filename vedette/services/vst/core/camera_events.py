"""What a camera itself notices, read from its ONVIF events: motion, alarms and inputs that hold or hold no more."""

from dataclasses import dataclass

from vedette.services.vst.core.onvif_types import Event

_TOPICS = (
    "RuleEngine/",
    "VideoAnalytics/",
    "AudioAnalytics/",
    "UserAlarm/",
    "VideoSource/MotionAlarm",
    "VideoSource/GlobalSceneChange",
    "Device/Trigger/",
)
_TRUE, _FALSE = frozenset({"true", "1"}), frozenset({"false", "0"})


@dataclass(frozen=True, slots=True)
class Noticed:
    """`key` names what is noticed and where in the camera, `holds` says whether it is so now."""

    key: str
    holds: bool


def noticed(event: Event) -> Noticed | None:
    """What an event says that is worth recording; None for housekeeping and for what has no truth value.

    Cameras name the item IsMotion, State, LogicalState, IsInside and many more, so any truth value counts.
    """
    if not event.topic.startswith(_TOPICS):
        return None
    where = ",".join(f"{name}={value}" for name, value in sorted(event.source.items()))
    key = f"{event.topic}[{where}]"
    if event.operation == "Deleted":
        return Noticed(key, False)
    states = {value.strip().lower() for value in event.data.values()}
    if states & _TRUE:
        return Noticed(key, True)
    return Noticed(key, False) if states & _FALSE else None
