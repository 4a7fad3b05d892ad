"""Notifications of a PullPoint, read into events; source: ONVIF Core section 9, WS-BaseNotification 1.3."""

from dataclasses import dataclass

from vedette.services.vst.core.onvif_replies import short
from vedette.services.vst.core.onvif_types import Event
from vedette.services.vst.core.onvif_xml import Node

MOST_EVENTS = 100
_MOST_ITEMS = 32


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where to pull. `references` go back in each request's header."""

    address: str
    references: tuple[Node, ...] = ()


def subscription_of(root: Node) -> Subscription:
    """CreatePullPointSubscription; the address is empty when the device gives none."""
    reference = root.first("SubscriptionReference") or root
    parameters = reference.first("ReferenceParameters") or reference.first("ReferenceProperties")
    children = tuple(parameters.children[:8]) if parameters is not None else ()
    return Subscription(reference.value("Address"), children)


def events_of(root: Node) -> list[Event]:
    """PullMessages, at most 100 whatever the device sends."""
    return [_event(node) for node in root.all("NotificationMessage")[:MOST_EVENTS]]


def _event(node: Node) -> Event:
    topic = "/".join(part.strip().rpartition(":")[2] for part in node.value("Topic").split("/"))
    message = node.first("Message", "Message") or node.first("Message") or Node("")
    return Event(
        topic=short(topic),
        operation=short(message.attributes.get("PropertyOperation", "")),
        time=short(message.attributes.get("UtcTime", "")),
        source=_items(message.child("Source")) | _items(message.child("Key")),
        data=_items(message.child("Data")),
    )


def _items(node: Node | None) -> dict[str, str]:
    if node is None:
        return {}
    items = [item.attributes for item in node.all("SimpleItem")[:_MOST_ITEMS]]
    return {short(item["Name"]): short(item.get("Value", "")) for item in items if item.get("Name")}
