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
    """`announced`: consumers were told of the stream. `media_at` is when media last came and `failing_since` since when
    there is none, both in monotonic seconds; `code` and `reason` say what went wrong last, empty while all is well."""

    health: Health = Health.NEW
    announced: bool = False
    media_at: float | None = None
    failing_since: float | None = None
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Media:
    """A unit arrived, at monotonic time `at`; None for just now."""

    at: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """The session failed: a published code and a sentence."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


type Observation = Media | Failure | Tick


QUIET = Failure("CommunicationError", "The camera is connected and sends no pictures. It is connected again by itself.")


def step(
    state: HealthState,
    observation: Observation,
    t: float,
    *,
    offline_after_s: float = 5.0,
    quiet_after_s: float = float("inf"),
) -> tuple[HealthState, list[Change]]:
    """The state after an observation at monotonic time `t`, and what changed for consumers.

    A camera is degraded as soon as its session fails, or when nothing came for `quiet_after_s`; it is offline when
    nothing came for `offline_after_s`. `streaming` and `lost` alternate, beginning with `streaming`, which comes only
    with media.
    """
    if isinstance(observation, Media):
        changes = [] if state.announced else [Change.STREAMING]
        return HealthState(
            Health.ONLINE, announced=True, media_at=t if observation.at is None else observation.at
        ), changes
    if isinstance(observation, Failure):
        state = _failed(state, observation, t)
    elif state.health is Health.ONLINE and state.media_at is not None and t - state.media_at >= quiet_after_s:
        state = _failed(state, QUIET, t)
    if state.failing_since is None or t - state.failing_since < offline_after_s or state.health is Health.OFFLINE:
        return state, []
    changes = [Change.LOST] if state.announced else []
    return replace(state, health=Health.OFFLINE, announced=False), changes


def _failed(state: HealthState, failure: Failure, t: float) -> HealthState:
    since = state.failing_since
    if since is None:
        since = t if state.media_at is None else state.media_at
    health = Health.DEGRADED if state.health is Health.ONLINE else state.health
    return replace(state, health=health, failing_since=since, code=failure.code, reason=failure.reason)
