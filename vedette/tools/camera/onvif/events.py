"""The event service (ONVIF Core §9): pull points that hold what happened until a client asks or they expire."""

import anyio

from vedette.kernel.clock import from_iso, to_iso
from vedette.kernel.errors import Fault
from vedette.tools.camera.onvif.model import Call, Operation
from vedette.tools.camera.onvif.ptz import seconds_of
from vedette.tools.camera.onvif.pull_points import DIALECT, MOST_QUEUED, PullPoint
from vedette.tools.camera.onvif.soap import SoapError
from vedette.tools.camera.onvif.xml import Xml, el, group

SUBSCRIPTION_PATH = "/onvif/subscription/"
_DEFAULT_S, _LONGEST_S = 60.0, 3600.0
_LONGEST_PULL_S = 60.0


def _lifetime_s(call: Call, text: str) -> float:
    if not text:
        return _DEFAULT_S
    seconds = seconds_of(text)
    if seconds is None:
        try:
            seconds = (from_iso(text) - call.device.clock.now()) / 1e6
        except Fault as error:
            raise SoapError("That is neither a duration nor a time.", "InvalidArgVal") from error
    if not 0 < seconds <= _LONGEST_S:
        raise SoapError("A subscription lives for at most an hour.", "InvalidArgVal")
    return seconds


def create_pull_point(call: Call) -> Xml:
    """A new subscription."""
    lifetime_s = _lifetime_s(call, call.message.operation.value("InitialTerminationTime"))
    number = call.device.events.add(lifetime_s)
    reference = el("tev:SubscriptionReference", el("wsa:Address", f"{call.address}{SUBSCRIPTION_PATH}{number}"))
    return el("tev:CreatePullPointSubscriptionResponse", reference, *_times(call, number))


def _times(call: Call, number: str) -> tuple[Xml, Xml]:
    return (
        el("wsnt:CurrentTime", to_iso(call.device.clock.now())),
        el("wsnt:TerminationTime", to_iso(call.device.events.get(number).until_us)),
    )


async def pull_messages(call: Call) -> Xml:
    """What has happened; waits for something as long as the client asks for."""
    events, limit = call.device.events, call.message.operation.number("MessageLimit")
    point = events.get(call.subscription)
    most = max(1, min(MOST_QUEUED, int(limit or 1)))
    messages = events.endless(most) if call.device.endless_events else await _take(call, point, most)
    told = (
        el("tev:CurrentTime", to_iso(call.device.clock.now())),
        el("tev:TerminationTime", to_iso(point.until_us)),
    )
    return el("tev:PullMessagesResponse", *told, group(*messages))


async def _take(call: Call, point: PullPoint, most: int) -> list[Xml]:
    wait_s = min(_LONGEST_PULL_S, seconds_of(call.message.operation.value("Timeout")) or 0.0)
    if not point.queue and wait_s > 0:
        point.filled.clear()
        async with anyio.create_task_group() as group_:

            async def wake() -> None:
                await point.filled.wait()
                group_.cancel_scope.cancel()

            group_.start_soon(wake)
            await call.device.clock.sleep(wait_s)
            group_.cancel_scope.cancel()
    return [point.queue.popleft() for _ in range(min(most, len(point.queue)))]


def renew(call: Call) -> Xml:
    """Lives on."""
    point = call.device.events.get(call.subscription)
    lifetime_s = _lifetime_s(call, call.message.operation.value("TerminationTime"))
    point.until_us = call.device.clock.now() + round(lifetime_s * 1e6)
    current, until = _times(call, call.subscription)
    return el("wsnt:RenewResponse", until, current)


def unsubscribe(call: Call) -> Xml:
    """Ends."""
    call.device.events.remove(call.subscription)
    return el("wsnt:UnsubscribeResponse")


def set_synchronization_point(call: Call) -> Xml:
    """Tells the state again."""
    point = call.device.events.get(call.subscription)
    call.device.events.tell_again(point)
    return el("tev:SetSynchronizationPointResponse")


def get_event_properties(_call: Call) -> Xml:
    """The one topic."""
    description = el("tt:SimpleItemDescription", Name="IsMotion", Type="xs:boolean")
    motion = el(
        "tns1:RuleEngine",
        el("CellMotionDetector", el("Motion", el("tt:MessageDescription", el("tt:Data", description)))),
    )
    return el(
        "tev:GetEventPropertiesResponse",
        el("tev:TopicNamespaceLocation", "http://www.onvif.org/onvif/ver10/topics/topicns.xml"),
        el("wsnt:FixedTopicSet", True),
        el("wstop:TopicSet", motion),
        el("wsnt:TopicExpressionDialect", DIALECT),
    )


OPERATIONS: dict[str, Operation] = {
    "CreatePullPointSubscription": create_pull_point,
    "PullMessages": pull_messages,
    "Renew": renew,
    "Unsubscribe": unsubscribe,
    "SetSynchronizationPoint": set_synchronization_point,
    "GetEventProperties": get_event_properties,
}
