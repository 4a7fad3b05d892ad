"""Datagrams put in order: nothing is invented, nothing waits for ever."""

from hypothesis import given
from hypothesis import strategies as st

from vedette.media.rtp_reorder import ReorderBuffer


def packet(number: int) -> bytes:
    return b"\x80\x60" + (number & 0xFFFF).to_bytes(2) + number.to_bytes(4)


class Ordered:
    def __init__(self, **limits: int) -> None:
        self.numbers: list[int] = []
        self.buffer = ReorderBuffer(lambda data, start, end: self._take(data[start:end]), **limits)

    def _take(self, data: bytes) -> None:
        self.numbers.append(int.from_bytes(data[4:]))

    def push(self, *numbers: int, now_s: float = 0.0) -> None:
        for number in numbers:
            self.buffer.push(packet(number), now_s)


@given(st.integers(0, 70_000), st.lists(st.integers(0, 6), min_size=1, max_size=60))
def test_packets_that_overtake_a_little_come_out_in_order(start: int, delays: list[int]) -> None:
    sent = sorted(range(len(delays)), key=lambda n: (n + delays[n] if n else -1, n))
    ordered = Ordered()
    ordered.push(*(start + n for n in sent))
    assert ordered.numbers == [start + n for n in range(len(delays))]


@given(st.lists(st.integers(0, 400), min_size=1, max_size=200), st.integers(1, 20))
def test_nothing_is_invented_and_little_waits(numbers: list[int], most: int) -> None:
    ordered = Ordered(most=most)
    ordered.push(*numbers)
    assert all(ordered.numbers.count(n) <= numbers.count(n) for n in ordered.numbers)
    assert len(set(numbers)) - len(set(ordered.numbers)) <= most


def test_a_gap_is_given_up_after_a_time() -> None:
    ordered = Ordered()
    ordered.push(1, 3, now_s=0.0)
    ordered.push(4, now_s=0.05)
    assert ordered.numbers == [1]
    ordered.push(5, now_s=0.2)
    assert ordered.numbers == [1, 3, 4, 5]


def test_a_gap_is_given_up_after_many_packets() -> None:
    ordered = Ordered(most=3)
    ordered.push(1, 3, 5, 4)
    assert ordered.numbers == [1]
    ordered.push(7)
    assert ordered.numbers == [1, 3, 4, 5, 7]


def test_late_ones_are_given_on_and_a_new_count_is_followed() -> None:
    ordered = Ordered()
    ordered.push(30_000, *range(100, 140), 141, 140)
    assert ordered.numbers == [30_000, *range(100, 142)]


def test_a_packet_too_short_for_a_number() -> None:
    ordered = Ordered()
    ordered.buffer.push(b"\x80", 0.0)
    assert ordered.numbers == []
