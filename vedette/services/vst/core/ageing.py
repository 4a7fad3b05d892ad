"""Which recordings are deleted to keep the limits."""

from collections.abc import Sequence
from dataclasses import dataclass

from vedette.services.vst.model import Segment


@dataclass(frozen=True, slots=True)
class AgeingPolicy:
    """0 switches a limit off."""

    max_age_us: int = 0
    max_bytes: int = 0
    min_free_bytes: int = 0


def select(
    segments: Sequence[Segment],
    policy: AgeingPolicy,
    *,
    now_us: int,
    used_bytes: int,
    free_bytes: int,
) -> list[Segment]:
    """The oldest of `segments` that must go. More free space never selects more.

    `used_bytes` is what all recordings take; finished segments alone are given, so a growing one is never selected.
    """
    chosen = []
    for segment in sorted(segments, key=lambda item: (item.start_us, item.segment_id)):
        too_old = policy.max_age_us > 0 and segment.end_us < now_us - policy.max_age_us
        too_much = policy.max_bytes > 0 and used_bytes > policy.max_bytes
        if not (too_old or too_much or free_bytes < policy.min_free_bytes):
            break
        chosen.append(segment)
        used_bytes -= segment.bytes
        free_bytes += segment.bytes
    return chosen
