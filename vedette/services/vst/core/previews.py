"""Which small pictures stand for a stretch of time, and how often they are made."""

from bisect import bisect_left
from collections.abc import Sequence

from vedette.services.vst.core.timeline import Span

_BUSY = 0.25
_MOST_TIMES = 16


def spread(spans: Sequence[Span], count: int) -> list[int]:
    """`count` instants in the middle of equal shares of the recorded time, gaps left out."""
    total = sum(span.end_us - span.start_us for span in spans)
    wanted: list[int] = []
    passed, index = 0, 0
    for number in range(count if total else 0):
        target = total * (2 * number + 1) // (2 * count)
        while target >= passed + spans[index].end_us - spans[index].start_us:
            passed += spans[index].end_us - spans[index].start_us
            index += 1
        wanted.append(spans[index].start_us + target - passed)
    return wanted


def snapped(wanted: Sequence[int], have: Sequence[int], *, within_us: int) -> list[int]:
    """The wanted instants moved to what is there (`have` is in order) where that is near; each once, in order."""
    return sorted({_nearest(at, have, within_us) for at in wanted})


def is_inside(at_us: int, *, spans: Sequence[Span]) -> bool:
    """Whether an instant lies in one of the spans."""
    return any(span.start_us <= at_us < span.end_us for span in spans)


def nearest_inside(at_us: int, spans: Sequence[Span]) -> int:
    """The instant nearest to `at_us` that lies in a span; there is at least one."""
    return min(
        (min(max(at_us, span.start_us), span.end_us - 1) for span in spans), key=lambda found: abs(found - at_us)
    )


def pause_s(every_s: float, before_s: float, took_s: float) -> float:
    """Seconds until the next round: twice as long as before, up to sixteen times the wanted, while a round takes more
    than a quarter of its pause; half as long again when it does not."""
    if took_s > _BUSY * before_s:
        return min(before_s * 2, every_s * _MOST_TIMES)
    return max(every_s, before_s / 2)


def _nearest(at_us: int, have: Sequence[int], within_us: int) -> int:
    index = bisect_left(have, at_us)
    near = [item for item in have[max(0, index - 1) : index + 1] if abs(item - at_us) <= within_us]
    return min(near, key=lambda item: abs(item - at_us), default=at_us)
