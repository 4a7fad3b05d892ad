"""Events of an ONVIF device by PullPoint: renewed, bounded, and unknown when they fail."""

from collections.abc import Awaitable, Callable

import anyio
import pytest
from aiohttp import web

from tests.fakes.onvif_device import FakeOnvif, fake_onvif, soap, soap_fault
from vedette.kernel.clock import Clock, FakeClock, SystemClock
from vedette.kernel.errors import Fault
from vedette.kernel.log import get_logger
from vedette.services.vst.adapters.onvif import OnvifDevice
from vedette.services.vst.adapters.onvif.events import Fresh, Stale, Told, events, watch
from vedette.services.vst.adapters.resolver import CameraDialler
from vedette.services.vst.core.onvif_types import Event

pytestmark = pytest.mark.anyio


def device_at(fake: FakeOnvif, clock: Clock | None = None) -> OnvifDevice:
    return OnvifDevice(fake.address, dialler=CameraDialler(("127.0.0.0/8",)), clock=clock or SystemClock())


def last(fake: FakeOnvif, operation: str) -> str:
    return next(document for name, document in reversed(fake.asked) if name == operation)


async def settled(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(20):
        while not condition():
            await anyio.lowlevel.checkpoint()


SUBSCRIBED = """<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference><a:Address>http://10.9.9.9/onvif/sub?Idx=1
</a:Address><a:ReferenceParameters><x:Id xmlns:x="http://maker.example/event">42</x:Id></a:ReferenceParameters>
</tev:SubscriptionReference></tev:CreatePullPointSubscriptionResponse>"""
NOTIFIED = """<w:NotificationMessage><w:Topic Dialect="d">tns1:RuleEngine/tnsx:Motion</w:Topic><w:Message>
<tt:Message UtcTime="2026-01-31T12:00:00Z" PropertyOperation="Changed">
<tt:Source><tt:SimpleItem Name="Source" Value="VS"/>
</tt:Source><tt:Data><tt:SimpleItem Name="IsMotion" Value="true"/></tt:Data>
</tt:Message></w:Message></w:NotificationMessage>"""
MOTION = Event("RuleEngine/Motion", "Changed", "2026-01-31T12:00:00Z", {"Source": "VS"}, {"IsMotion": "true"})


def pulled(*messages: str) -> Callable[[web.Request, str], Awaitable[web.StreamResponse]]:
    """The messages at the first pull, then nothing."""
    left = list(messages)

    async def pull(_request: web.Request, _operation: str) -> web.StreamResponse:
        body = left.pop(0) if left else ""
        return web.Response(text=soap(f"<tev:PullMessagesResponse>{body}</tev:PullMessagesResponse>"))

    return pull


async def test_events_are_pulled_and_the_subscription_ended() -> None:
    fake = FakeOnvif(
        replies={
            "CreatePullPointSubscription": SUBSCRIBED,
            "PullMessages": pulled(NOTIFIED),
            "Unsubscribe": "<w:R/>",
        }
    )
    async with fake_onvif(fake), device_at(fake) as device:
        feed = events(device)
        assert await anext(feed) == [MOTION]
        await feed.aclose()
    assert fake.operations()[-3:] == ["CreatePullPointSubscription", "PullMessages", "Unsubscribe"]
    sent = last(fake, "PullMessages")
    assert '<r:Id xmlns:r="http://maker.example/event">42</r:Id>' in sent
    assert "http://10.9.9.9/onvif/sub?Idx=1</a:To>" in sent


async def test_endless_pages_are_cut_and_slowed() -> None:
    clock = FakeClock()
    fake = FakeOnvif(replies={"CreatePullPointSubscription": SUBSCRIBED, "PullMessages": pulled(*[NOTIFIED * 500] * 9)})
    async with (
        fake_onvif(fake),
        OnvifDevice(fake.address, dialler=CameraDialler(("127.0.0.0/8",)), clock=clock) as device,
    ):
        feed = events(device)
        assert len(await anext(feed)) == 100
        async with anyio.create_task_group() as group:
            waiting = anyio.Event()

            async def next_page() -> None:
                waiting.set()
                await anext(feed)

            group.start_soon(next_page)
            await waiting.wait()
            await settled(lambda: bool(clock._sleepers))
            assert fake.operations().count("PullMessages") == 1
            clock.advance(0.25)
        assert fake.operations().count("PullMessages") == 2
        await feed.aclose()


async def test_a_subscription_is_renewed_or_made_anew() -> None:
    clock = FakeClock()
    fake = FakeOnvif(replies={"CreatePullPointSubscription": SUBSCRIBED, "PullMessages": pulled(), "Renew": "<w:R/>"})

    async with (
        fake_onvif(fake),
        OnvifDevice(fake.address, dialler=CameraDialler(("127.0.0.0/8",)), clock=clock) as device,
    ):
        feed = events(device)

        async def after(seconds: float) -> list[str]:
            before = len(fake.asked)
            clock.advance(seconds)
            await anext(feed)
            return fake.operations()[before:]

        await anext(feed)
        assert await after(31.0) == ["Renew", "PullMessages"]
        assert await after(1.0) == ["PullMessages"]
        fake.replies["Renew"] = soap_fault("ActionNotSupported", "no")
        assert await after(31.0) == ["Renew", "CreatePullPointSubscription", "PullMessages"]
        await feed.aclose()


async def test_a_feed_that_fails_for_long_is_stale_until_it_pulls_again() -> None:
    clock = FakeClock()
    told: list[Told] = []
    fake = FakeOnvif(replies={"CreatePullPointSubscription": SUBSCRIBED, "PullMessages": pulled(NOTIFIED)})

    def connect() -> OnvifDevice:
        return device_at(fake, clock)

    async def until(condition: Callable[[], bool]) -> None:
        with anyio.fail_after(20):
            while not condition():
                await anyio.lowlevel.checkpoint()
                if clock._sleepers:
                    clock.advance(0.25)

    async with fake_onvif(fake), anyio.create_task_group() as group:
        group.start_soon(lambda: watch(connect, told.append, clock=clock, log=get_logger("test"), stale_after_s=15.0))
        await until(lambda: told == [MOTION])
        fake.replies["PullMessages"] = soap_fault("Broken", "gone")
        await until(lambda: len(told) > 1)
        stale = told[1]
        assert isinstance(stale, Stale)
        assert "gone" in stale.reason
        fake.replies["PullMessages"] = pulled(NOTIFIED)
        await until(lambda: len(told) > 3)
        assert told[2:4] == [Fresh(), MOTION]
        group.cancel_scope.cancel()


async def test_a_camera_without_events() -> None:
    fake = FakeOnvif(services=("media",))
    async with fake_onvif(fake), device_at(fake) as device:
        with pytest.raises(Fault) as caught:
            await anext(events(device))
    assert caught.value.status == 501
