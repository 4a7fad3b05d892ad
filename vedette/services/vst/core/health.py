"""The health of one camera: what is known of it, and which changes the world must hear about."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Health(StrEnum):
    """`degraded`: media stopped a moment ago and is being fetched again; `offline`: it stayed away."""

    NEW = "new"
    ONLINE = "online"
    DEGRADED = "degraded"
    OFFLINE = "offline"


class Change(StrEnum):
    """`streaming`: media flows, consumers may connect; `lost`: it does no longer."""

    STREAMING = "streaming"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class HealthState:
    """`announced`: consumers were told of the stream. `failing_since` is monotonic seconds, `code` and `reason` say
    what went wrong last, empty while all is well."""

    health: Health = Health.NEW
    announced: bool = False
    failing_since: float | None = None
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Media:
    """A unit arrived."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The session failed: a published code and a sentence."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


type Observation = Media | Failure | Tick


def step(
    state: HealthState, observation: Observation, t: float, *, offline_after_s: float = 5.0
) -> tuple[HealthState, list[Change]]:
    """The state after an observation at monotonic time `t`, and what changed for consumers.

    `streaming` and `lost` alternate, beginning with `streaming`, which comes only with media.
    """
    if isinstance(observation, Media):
        changes = [] if state.announced else [Change.STREAMING]
        return HealthState(Health.ONLINE, announced=True), changes
    if isinstance(observation, Failure):
        since = t if state.failing_since is None else state.failing_since
        health = Health.DEGRADED if state.health is Health.ONLINE else state.health
        state = replace(state, health=health, failing_since=since, code=observation.code, reason=observation.reason)
    if state.failing_since is None or t - state.failing_since < offline_after_s or state.health is Health.OFFLINE:
        return state, []
    changes = [Change.LOST] if state.announced else []
    return replace(state, health=Health.OFFLINE, announced=False), changes
