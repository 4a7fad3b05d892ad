"""What a camera notices, read from events as cameras of several makers send them."""

import pytest

from vedette.services.vst.core.camera_events import Noticed, noticed
from vedette.services.vst.core.onvif_types import Event

MOTION = "RuleEngine/CellMotionDetector/Motion"


@pytest.mark.parametrize(
    ("event", "holds"),
    [
        (Event(MOTION, data={"IsMotion": "true"}), True),
        (Event(MOTION, data={"IsMotion": "false"}), False),
        (Event(MOTION, operation="Deleted", data={"IsMotion": "true"}), False),
        (Event("VideoSource/MotionAlarm", source={"Source": "0"}, data={"State": "1"}), True),
        (Event("Device/Trigger/DigitalInput", source={"InputToken": "7"}, data={"LogicalState": "True"}), True),
        (Event("RuleEngine/FieldDetector/ObjectsInside", data={"IsInside": "0", "Class": "Human"}), False),
    ],
)
def test_a_truth_value_of_any_name_counts(event: Event, holds: bool) -> None:
    found = noticed(event)
    assert found is not None
    assert found.holds is holds


@pytest.mark.parametrize(
    "event",
    [
        Event("Monitoring/ProcessorUsage", data={"Value": "1"}),
        Event("RecordingConfig/RecordingJobState", data={"State": "true"}),
        Event(MOTION),
        Event("RuleEngine/LineDetector/Crossed", data={"ObjectId": "15"}),
    ],
)
def test_housekeeping_and_what_has_no_truth_value_is_passed_over(event: Event) -> None:
    assert noticed(event) is None


def test_two_places_in_one_camera_are_told_apart() -> None:
    one, other = (
        noticed(Event(MOTION, source={"Rule": "a", "VideoSource": source}, data={"IsMotion": "true"}))
        for source in ("1", "2")
    )
    assert one == Noticed(f"{MOTION}[Rule=a,VideoSource=1]", True)
    assert other is not None
    assert one.key != other.key
