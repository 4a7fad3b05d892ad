"""Whether a stream is wanted on the disk right now, and until when that answer holds: rule, clock, events and people.

Times are microseconds UTC. Cron expressions are read in the rule's time zone by Debian's rules for summer time: a fixed
hour that the spring skips fires right after the gap, one that the autumn repeats fires once.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from cronsim import CronSim, CronSimError

from vedette.services.vst.model import Cause, Mode, RecordingRule, ScheduleEntry

FOR_EVER_US = 1 << 62
MOST_ENTRIES = 64
MOST_SECONDS = 366 * 86_400
_MOST_CHARACTERS = 128
_US = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_MIN = 24 * 60
PLAIN_CRON = r"([0-5]?[0-9]|\*) ([0-1]?[0-9]|2[0-3]|\*) ([1-9]|[12][0-9]|3[01]|\*) ([1-9]|1[0-2]|\*) ([0-6]|\*)"
_PLAIN = re.compile(PLAIN_CRON)


class Because(StrEnum):
    """Why a stream is recorded; the words of the wire."""

    OFF = "off"
    SCHEDULE = "schedule"
    USER = "user"
    EVENT = "event"
    ALWAYS_ON = "alwaysOn"


@dataclass(frozen=True, slots=True)
class Decision:
    """`cause` says why nothing is recorded, None while it is; the answer holds at least until `until_us`."""

    wanted: bool
    because: Because
    cause: Cause | None
    until_us: int


def decide(rule: RecordingRule, now_us: int, *, zone: tzinfo, event_until_us: int = 0) -> Decision:
    """What the rule says at `now_us`, when the last event asks for recording until `event_until_us` (0: none did).

    A person who starts by hand comes before an event, that before the schedule.
    """
    if rule.mode is Mode.ALWAYS:
        return Decision(True, Because.ALWAYS_ON, None, FOR_EVER_US)
    if rule.mode is Mode.OFF:
        return Decision(False, Because.OFF, Cause.SWITCHED_OFF, FOR_EVER_US)
    if rule.by_hand:
        return Decision(True, Because.USER, None, FOR_EVER_US)
    active, edge_us = False, FOR_EVER_US
    if rule.mode is Mode.SCHEDULE:
        looks = [_look(entry, now_us, zone) for entry in rule.schedule]
        active, edge_us = any(on for on, _ in looks), min((edge for _, edge in looks), default=FOR_EVER_US)
    if now_us < event_until_us:
        return Decision(True, Because.EVENT, None, min(edge_us, event_until_us))
    if active:
        return Decision(True, Because.SCHEDULE, None, edge_us)
    return Decision(False, Because.OFF, Cause.NOT_SCHEDULED, edge_us)


def check(entry: ScheduleEntry) -> None:
    """ValueError with a sentence when an entry can never record anything or cannot be read."""
    _check_cron(entry.cron)
    if entry.end:
        _check_cron(entry.end)
        if entry.duration_s:
            raise ValueError("an entry of a schedule ends either after a duration or by a second cron expression")
    elif not 1 <= entry.duration_s <= MOST_SECONDS:
        raise ValueError("an entry of a schedule lasts from a second to a year")


def as_pair(entry: ScheduleEntry) -> tuple[str, str] | None:
    """An entry as (begin, end) of two cron expressions without lists, ranges and steps, as the published routes have
    it. None for one that cannot be said that way; `duration_s` is then the only truth."""
    if _PLAIN.fullmatch(entry.cron) is None or (entry.end and _PLAIN.fullmatch(entry.end) is None):
        return None
    if entry.end:
        return entry.cron, entry.end
    minute, hour, day, month, weekday = entry.cron.split()
    length, rest = divmod(entry.duration_s, 60)
    if rest or length > _DAY_MIN or "*" in (minute, hour):
        return None
    days, at = divmod(60 * int(hour) + int(minute) + length, _DAY_MIN)
    if days and (day != "*" or month != "*"):
        return None
    if days and weekday != "*":
        weekday = str((int(weekday) + 1) % 7)
    return entry.cron, f"{at % 60} {at // 60} {day} {month} {weekday}"


def last_fire(cron: str, now_us: int, zone: tzinfo) -> int | None:
    """The newest instant at or before `now_us` at which the expression fires, None when there is none in 50 years."""
    # The library loses fractions of a second and an instant that summer time moved: step back, then forward again.
    found = _next(cron, now_us + 2 * _US, zone, reverse=True)
    while found is not None and found > now_us:
        found = _next(cron, found, zone, reverse=True)
    while found is not None:
        later = next_fire(cron, found, zone)
        if later is None or later > now_us:
            return found
        found = later
    return None


def next_fire(cron: str, after_us: int, zone: tzinfo) -> int | None:
    """The first instant after `after_us` at which the expression fires, None when there is none in 50 years."""
    found = _next(cron, after_us, zone, reverse=False)
    while found is not None and found <= after_us:  # the second half of an autumn hour begins before it
        after_us += 60 * _US
        found = _next(cron, after_us, zone, reverse=False)
    return found


def _look(entry: ScheduleEntry, now_us: int, zone: tzinfo) -> tuple[bool, int]:
    """(whether the entry records now, until when that holds)."""
    begun, begins = last_fire(entry.cron, now_us, zone), next_fire(entry.cron, now_us, zone)
    edges = [FOR_EVER_US if begins is None else begins]
    if entry.end:
        ended, ends = last_fire(entry.end, now_us, zone), next_fire(entry.end, now_us, zone)
        active = begun is not None and (ended is None or begun >= ended)
        edges.append(FOR_EVER_US if ends is None else ends)
    else:
        until_us = 0 if begun is None else begun + entry.duration_s * _US
        active = now_us < until_us
        edges.append(until_us if active else FOR_EVER_US)
    return active, min(edges)


def _next(cron: str, at_us: int, zone: tzinfo, *, reverse: bool) -> int | None:
    at = (_EPOCH + timedelta(microseconds=at_us)).astimezone(zone)
    found = next(iter(CronSim(cron, at, reverse=reverse)), None)
    return None if found is None else (found.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)


def _check_cron(cron: str) -> None:
    if len(cron) > _MOST_CHARACTERS or len(cron.split()) != 5:
        raise ValueError("a cron expression has five fields: minute, hour, day of month, month, day of week")
    try:
        fires = next(iter(CronSim(cron, _EPOCH)), None)
    except CronSimError as error:
        raise ValueError(f"'{cron}' is no cron expression: {error}") from error
    if fires is None:
        raise ValueError(f"'{cron}' never fires")
