"""When a stream is recorded: rules against the calendar, over summer time too."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.kernel.clock import US_PER_SECOND, from_datetime
from vedette.services.vst.core import schedule
from vedette.services.vst.core.schedule import FOR_EVER_US, Because, decide
from vedette.services.vst.model import Cause, Mode, RecordingRule, ScheduleEntry

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")]
CRONS = ["* * * * *", "*/7 * * * *", "0 8 * * *", "30 2 * * *", "15 1 * * 0", "0 */3 * * *", "0 0 1 * *", "5 2 29 2 *"]
MINUTE_US = 60 * US_PER_SECOND
HOUR_US = 60 * MINUTE_US
instants = st.integers(from_datetime(datetime(2023, 1, 1, tzinfo=UTC)), from_datetime(datetime(2028, 1, 1, tzinfo=UTC)))
# Around the changes of summer time in Berlin, where mistakes live.
changes = st.sampled_from([datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)]).flatmap(
    lambda at: st.integers(-6 * HOUR_US, 6 * HOUR_US).map(lambda delta: from_datetime(at) + delta)
)
entries = st.builds(ScheduleEntry, st.sampled_from(CRONS), st.integers(1, 100_000)) | st.builds(
    lambda begin, end: ScheduleEntry(begin, end=end), st.sampled_from(CRONS), st.sampled_from(CRONS)
)


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0, *, zone: ZoneInfo = BERLIN) -> int:
    return from_datetime(datetime(year, month, day, hour, minute, tzinfo=zone))


def scheduled(*items: ScheduleEntry) -> RecordingRule:
    return RecordingRule(Mode.SCHEDULE, items, "Europe/Berlin")


def wanted(rule: RecordingRule, now_us: int, event_until_us: int = 0) -> bool:
    return decide(rule, now_us, zone=BERLIN, event_until_us=event_until_us).wanted


def test_each_mode_says_its_word() -> None:
    for mode, plain, because in [
        (Mode.ALWAYS, True, Because.ALWAYS_ON),
        (Mode.OFF, False, Because.OFF),
        (Mode.MANUAL, False, Because.USER),
        (Mode.EVENT, False, Because.USER),
        (Mode.SCHEDULE, False, Because.USER),
    ]:
        rule = RecordingRule(mode)
        assert wanted(rule, 1_000) is plain
        started = RecordingRule(mode, by_hand=True)
        assert decide(started, 1_000, zone=BERLIN, event_until_us=FOR_EVER_US).because is because
    off = decide(RecordingRule(Mode.OFF, by_hand=True), 0, zone=UTC, event_until_us=FOR_EVER_US)
    assert off.cause is Cause.SWITCHED_OFF
    assert decide(RecordingRule(Mode.MANUAL), 0, zone=UTC).cause is Cause.NOT_SCHEDULED


def test_an_event_is_recorded_until_its_post_roll_is_over() -> None:
    rule = RecordingRule(Mode.EVENT)
    found = decide(rule, 1_000, zone=BERLIN, event_until_us=5_000)
    assert (found.wanted, found.because, found.until_us) == (True, Because.EVENT, 5_000)
    assert not wanted(rule, 5_000, 5_000)


def test_office_hours_are_local_hours_in_winter_and_in_summer() -> None:
    rule = scheduled(ScheduleEntry("0 8 * * 1-5", 10 * 3600))
    for year, month, day in [(2026, 1, 5), (2026, 7, 6)]:  # two Mondays
        assert not wanted(rule, at(year, month, day, 7, 59))
        assert wanted(rule, at(year, month, day, 8))
        assert wanted(rule, at(year, month, day, 17, 59))
        assert not wanted(rule, at(year, month, day, 18))
        assert not wanted(rule, at(year, month, day - 1, 12))


def test_a_night_that_loses_an_hour_ends_by_the_clock_on_the_wall() -> None:
    rule = scheduled(ScheduleEntry("0 22 * * *", end="0 6 * * *"))
    assert wanted(rule, at(2026, 3, 29, 5, 59))
    assert not wanted(rule, at(2026, 3, 29, 6))
    assert at(2026, 3, 29, 6) - at(2026, 3, 28, 22) == 7 * HOUR_US
    assert wanted(rule, at(2026, 10, 25, 5, 59))
    assert not wanted(rule, at(2026, 10, 25, 6))
    assert at(2026, 10, 25, 6) - at(2026, 10, 24, 22) == 9 * HOUR_US


def test_an_hour_that_the_spring_skips_fires_right_after_it() -> None:
    fired = schedule.next_fire("30 2 * * *", at(2026, 3, 29, 0), BERLIN)
    assert fired == at(2026, 3, 29, 3)
    assert schedule.last_fire("30 2 * * *", at(2026, 3, 29, 12), BERLIN) == fired


def test_an_hour_that_the_autumn_repeats_fires_once() -> None:
    first = schedule.next_fire("30 2 * * *", at(2026, 10, 25, 0), BERLIN)
    assert first == at(2026, 10, 25, 2, 30)
    assert schedule.next_fire("30 2 * * *", first, BERLIN) == at(2026, 10, 26, 2, 30)


def test_what_never_fires_is_never_recorded() -> None:
    never = "0 0 */30 2 MON#5"
    assert schedule.last_fire(never, at(2026, 1, 1), BERLIN) is None
    assert schedule.next_fire(never, at(2026, 1, 1), BERLIN) is None
    for entry in (ScheduleEntry(never, 60), ScheduleEntry(never, end="0 8 * * *")):
        assert not wanted(scheduled(entry), at(2026, 1, 1))
    assert wanted(scheduled(ScheduleEntry("0 8 * * *", end=never)), at(2026, 1, 1))


@given(st.sampled_from(CRONS), st.sampled_from(ZONES), instants | changes)
def test_last_and_next_are_neighbours(cron: str, zone: ZoneInfo, now_us: int) -> None:
    last, following = schedule.last_fire(cron, now_us, zone), schedule.next_fire(cron, now_us, zone)
    assert last is not None
    assert following is not None
    assert last <= now_us < following
    assert schedule.next_fire(cron, last, zone) == following


@given(st.lists(entries, max_size=3), st.sampled_from(ZONES), instants | changes, st.floats(0, 1, exclude_max=True))
def test_an_answer_holds_until_the_next_edge(
    items: list[ScheduleEntry], zone: ZoneInfo, now_us: int, part: float
) -> None:
    rule = RecordingRule(Mode.SCHEDULE, tuple(items))
    found = decide(rule, now_us, zone=zone)
    assert found.until_us > now_us
    assert (found.cause is None) is found.wanted
    between = now_us + int(min(found.until_us - now_us, 10 * 366 * 24 * HOUR_US) * part)
    again = decide(rule, between, zone=zone)
    assert (again.wanted, again.because) == (found.wanted, found.because)


@given(entries, st.sampled_from(ZONES), changes)
def test_the_edges_tell_the_same_as_asking_each_minute(entry: ScheduleEntry, zone: ZoneInfo, begin_us: int) -> None:
    rule = RecordingRule(Mode.SCHEDULE, (entry,))
    now_us, end_us = begin_us, begin_us + 3 * HOUR_US
    while now_us < end_us:
        found = decide(rule, now_us, zone=zone)
        for minute in range(now_us, min(found.until_us, end_us), 11 * MINUTE_US):
            assert decide(rule, minute, zone=zone).wanted is found.wanted
        now_us = found.until_us


@pytest.mark.parametrize(
    "entry",
    [
        ScheduleEntry("0 8 * *", 60),
        ScheduleEntry("0 0 8 * * *", 60),
        ScheduleEntry("61 8 * * *", 60),
        ScheduleEntry("0 0 30 2 *", 60),
        ScheduleEntry("0 0 */30 2 MON#5", 60),
        ScheduleEntry("x" * 200, 60),
        ScheduleEntry("0 8 * * *"),
        ScheduleEntry("0 8 * * *", -1),
        ScheduleEntry("0 8 * * *", 60, "0 9 * * *"),
        ScheduleEntry("0 8 * * *", end="nonsense"),
    ],
)
def test_entries_that_make_no_sense_are_refused(entry: ScheduleEntry) -> None:
    with pytest.raises(ValueError, match=r"cron|entry|fires"):
        schedule.check(entry)


def test_entries_that_make_sense_are_not() -> None:
    schedule.check(ScheduleEntry("0 8 * * 1-5", 36_000))
    schedule.check(ScheduleEntry("0 8 * * MON", end="0 18 * * MON"))


@pytest.mark.parametrize(
    ("entry", "pair"),
    [
        (ScheduleEntry("0 8 * * 1", 36_000), ("0 8 * * 1", "0 18 * * 1")),
        (ScheduleEntry("30 22 * * 6", 3 * 3600), ("30 22 * * 6", "30 1 * * 0")),
        (ScheduleEntry("0 22 * * *", 86_400), ("0 22 * * *", "0 22 * * *")),
        (ScheduleEntry("0 8 * * *", end="5 9 * * *"), ("0 8 * * *", "5 9 * * *")),
        (ScheduleEntry("0 22 1 * *", 3 * 3600), None),
        (ScheduleEntry("0 8 * * 1-5", 3600), None),
        (ScheduleEntry("* 8 * * 1", 3600), None),
        (ScheduleEntry("0 8 * * 1", 61), None),
        (ScheduleEntry("0 8 * * *", end="*/5 9 * * *"), None),
    ],
)
def test_entries_in_the_words_of_the_published_routes(entry: ScheduleEntry, pair: tuple[str, str] | None) -> None:
    assert schedule.as_pair(entry) == pair


@given(st.integers(0, 59), st.integers(0, 23), st.integers(1, 24 * 60 - 1), instants)
def test_a_pair_says_the_same_as_the_duration(minute: int, hour: int, length: int, now_us: int) -> None:
    entry = ScheduleEntry(f"{minute} {hour} * * *", 60 * length)
    pair = schedule.as_pair(entry)
    assert pair is not None
    one, other = (RecordingRule(Mode.SCHEDULE, (item,)) for item in (entry, ScheduleEntry(pair[0], end=pair[1])))
    assert decide(one, now_us, zone=UTC).wanted is decide(other, now_us, zone=UTC).wanted
