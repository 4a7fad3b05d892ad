"""Between decoder and tracker: order is kept, only the newest picture keeps its pixels."""

import anyio
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vedette.media.unit import Frame
from vedette.services.perception.adapters.decoders import NO_PIXELS
from vedette.services.perception.service.mailbox import Mailbox


def frame(number: int, *, picture: bool) -> Frame:
    return Frame(np.zeros((2, 2, 3), np.uint8) if picture else NO_PIXELS, 2, 2, 0, 0, number)


async def drain(mailbox: Mailbox) -> list[Frame]:
    return [await mailbox.get() for _ in range(len(mailbox))]


@given(st.lists(st.booleans(), max_size=40))
def test_order_is_kept_and_only_the_newest_picture_has_pixels(pictures: list[bool]) -> None:
    mailbox = Mailbox()
    for number, picture in enumerate(pictures):
        mailbox.put(frame(number, picture=picture))
    assert mailbox.holds_picture == any(pictures)
    taken = anyio.run(drain, mailbox)
    assert [item.number for item in taken] == list(range(len(pictures)))
    with_pixels = [item.number for item in taken if item.image.size]
    newest = [number for number, picture in enumerate(pictures) if picture][-1:]
    assert with_pixels == newest
    assert mailbox.superseded == max(0, sum(pictures) - 1)


def test_the_oldest_goes_when_it_is_full() -> None:
    mailbox = Mailbox(size=3)
    for number in range(5):
        mailbox.put(frame(number, picture=False))
    assert [item.number for item in anyio.run(drain, mailbox)] == [2, 3, 4]
    assert mailbox.overflowed == 2


def test_what_lies_before_the_newest_picture_is_taken_with_it() -> None:
    mailbox = Mailbox()
    for number, picture in enumerate([False, True, False, True, False]):
        mailbox.put(frame(number, picture=picture))
    assert [item.number for item in mailbox.take_before_picture()] == [0, 1, 2, 3]
    assert mailbox.take_before_picture() == []
    assert len(mailbox) == 1


def test_a_reader_waits_for_the_first_frame() -> None:
    async def main() -> None:
        mailbox, seen = Mailbox(), []

        async def read() -> None:
            seen.append((await mailbox.get()).number)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            mailbox.put(frame(7, picture=True))
        assert seen == [7]

    anyio.run(main)
