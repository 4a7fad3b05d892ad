"""RTP packets put back in order after a datagram network, without I/O; what does not come in time is left missing."""

from collections.abc import Callable

_HALF = 0x8000
_MOST_LATE = 32


class ReorderBuffer:
    """Gives packets to `sink` by sequence number. One that is ahead waits until the gap is filled, `most` packets wait,
    or the first of them has waited `patience_s`. Late ones are given on for the receiver to count."""

    def __init__(self, sink: Callable[[bytes, int, int], None], *, most: int = 64, patience_s: float = 0.1) -> None:
        self._sink = sink
        self._most, self._patience_s = most, patience_s
        self._expected: int | None = None
        self._waiting: dict[int, bytes] = {}
        self._since_s = 0.0
        self._late = 0

    def push(self, packet: bytes, now_s: float) -> None:
        """Take a packet; `now_s` is monotonic seconds. What is too short for a sequence number is ignored."""
        if len(packet) < 4:
            return
        sequence = packet[2] << 8 | packet[3]
        ahead = 0 if self._expected is None else sequence - self._expected & 0xFFFF
        if ahead >= _HALF:
            self._late += 1
            if self._late > _MOST_LATE:  # the sender has begun to count anew
                self._expected = sequence + 1 & 0xFFFF
            self._sink(packet, 0, len(packet))
            return
        self._late = 0
        if ahead:
            if not self._waiting:
                self._since_s = now_s
            self._waiting[sequence] = packet
            if len(self._waiting) > self._most or now_s - self._since_s > self._patience_s:
                self._give_up()
            return
        self._sink(packet, 0, len(packet))
        self._expected = sequence + 1 & 0xFFFF
        self._release(now_s)

    def _release(self, now_s: float) -> None:
        """Give on what follows without a gap."""
        while self._waiting and self._expected is not None:
            packet = self._waiting.pop(self._expected, None)
            if packet is None:
                self._since_s = now_s
                return
            self._sink(packet, 0, len(packet))
            self._expected = self._expected + 1 & 0xFFFF

    def _give_up(self) -> None:
        """The gap stays: go on with everything that waits, in order."""
        expected = self._expected or 0
        for sequence in sorted(self._waiting, key=lambda number: number - expected & 0xFFFF):
            packet = self._waiting.pop(sequence)
            self._sink(packet, 0, len(packet))
            self._expected = sequence + 1 & 0xFFFF
