"""One frame in, everything that follows from it out: the operator behind every count.

`step` is deterministic and knows only event time, so live and replay give the same emissions bit by bit, and a
restored snapshot goes on as if nothing had happened. The state is per sensor. A frame that is not newer than the last
one is late and changes nothing; a long run of late frames means that the sensor's clock was set back: starts afresh.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import msgspec

from vedette.schema.frame import EARLY, FrameMessage
from vedette.services.analytics.core import early, fov, roi, rules, stitching, tripwire
from vedette.services.analytics.core.early import FORGET_US
from vedette.services.analytics.core.rules import RuleState
from vedette.services.analytics.model.domain import (
    ALL_TYPES,
    AlertChange,
    AlertRule,
    Counts,
    Crossing,
    EarlyPosition,
    Kind,
    Passage,
    Plan,
    SensorFrame,
    Sighting,
    Visit,
)

LATE_RUN = 50
"""So many late frames in a row mean that the sensor's clock went back."""


@dataclass(slots=True)
class Track:
    """What is remembered of one track: where it was last, and what it has pending at wires and regions."""

    at: tuple[float, float]
    t: int
    object_type: str
    height: float
    velocity: tuple[float, float] = (0.0, 0.0)
    wires: dict[str, tripwire.Pending] = field(default_factory=dict)
    regions: dict[str, roi.Presence] = field(default_factory=dict)


@dataclass(slots=True)
class Memory:
    """What a snapshot holds: all that the frames so far left behind."""

    t: int = 0
    late_run: int = 0
    tracks: dict[str, Track] = field(default_factory=dict)
    rules: dict[str, RuleState] = field(default_factory=dict)
    windows: dict[str, list[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """The plan made ready, and the memory. `step` and `configure` spend the state they are given."""

    gates: tuple[tripwire.Gate, ...]
    zones: tuple[roi.Zone, ...]
    rules: tuple[AlertRule, ...]
    memory: Memory


@dataclass(slots=True)
class Emissions:
    """What one frame gave. Counts are those of this frame; an ROI without tracks has an empty one."""

    t: int
    late: bool = False
    fov: Counts = field(default_factory=dict)
    regions: dict[str, Counts] = field(default_factory=dict)
    crossings: list[Crossing] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    alerts: list[AlertChange] = field(default_factory=list)
    stitched: int = 0


class Reading(NamedTuple):
    """A frame message made ready, how many of its boxes were unusable (not finite, inside out, a repeated id), and
    how many of the others told a past that cannot be, which is left out."""

    frame: SensorFrame
    refused: int
    pasts_refused: int


def read(message: FrameMessage, t: int) -> Reading:
    """Anchors (bottom centre) of the message's boxes."""
    sightings: dict[str, Sighting] = {}
    pasts_refused = 0
    for item in message.objects:
        box = item.bbox
        x, y, height = (box.left_x + box.right_x) / 2, box.bottom_y, box.bottom_y - box.top_y
        if math.isfinite(x) and math.isfinite(y) and 0 <= height < math.inf and item.id not in sightings:
            past = early.parse(item.info[EARLY], t) if EARLY in item.info else ()
            pasts_refused += past is None
            sightings[item.id] = Sighting(item.id, item.type, x, y, height, past or ())
    return Reading(SensorFrame(t, tuple(sightings.values())), len(message.objects) - len(sightings), pasts_refused)


def start(plan: Plan) -> State:
    """A state that has seen nothing."""
    return _prepare(plan, Memory())


def configure(state: State, plan: Plan) -> State:
    """The same memory under another plan; what was pending at a wire that is gone or was moved is dropped."""
    memory = state.memory
    wires = {gate.wire.wire_id for gate in state.gates if gate.wire in plan.wires}
    regions = {region.roi_id for region in plan.regions}
    known_rules = {rule.rule_id for rule in plan.rules}
    for track in memory.tracks.values():
        track.wires = {key: value for key, value in track.wires.items() if key in wires}
        track.regions = {key: value for key, value in track.regions.items() if key in regions}
    memory.rules = {key: value for key, value in memory.rules.items() if key in known_rules}
    memory.windows = {key: value for key, value in memory.windows.items() if key in known_rules}
    return _prepare(plan, memory)


def snapshot(state: State) -> bytes:
    """The memory as JSON; floats survive exactly."""
    return msgspec.json.encode(state.memory)


def restore(plan: Plan, saved: bytes) -> State:
    """The state whose snapshot this is, under today's plan. Raises msgspec.MsgspecError on anything else."""
    return configure(_prepare(plan, msgspec.json.decode(saved, type=Memory)), plan)


def step(state: State, frame: SensorFrame) -> tuple[State, Emissions]:
    """One more frame of the sensor."""
    memory, t = state.memory, frame.t
    out = Emissions(t)
    if t <= memory.t:
        memory.late_run += 1
        if memory.late_run < LATE_RUN:
            return state, replace(out, late=True)
        _set_back(state, out)
    memory.t, memory.late_run = t, 0
    _forget(state, out, t, [key for key, track in memory.tracks.items() if t - track.t > FORGET_US])
    new = [item for item in frame.objects if item.track_id not in memory.tracks]
    if new:
        out.stitched = _meet(state, frame, new, out)
    for item in frame.objects:
        _advance(state, item, t, out)
    out.fov = fov.count(frame.objects)
    out.regions = {zone.region.roi_id: _inside(state, zone, frame) for zone in state.zones}
    _judge(state, out)
    return state, out


def fall_silent(state: State) -> tuple[State, list[AlertChange]]:
    """The sensor has sent nothing for too long: its rules know nothing after the last frame. Counts stay as they are.

    The one thing that frames do not say; to call it twice is to call it once.
    """
    memory, changes = state.memory, []
    for rule in state.rules:
        memory.rules[rule.rule_id], change = rules.lose(memory.rules.get(rule.rule_id, RuleState()), rule, memory.t)
        if change is not None:
            changes.append(change)
    return state, changes


def _set_back(state: State, out: Emissions) -> None:
    """Drops what only makes sense in the time that is over; alerts stay raised until their condition ends."""
    memory = state.memory
    _forget(state, out, out.t, tuple(memory.tracks))
    memory.windows.clear()
    memory.rules = {
        key: value._replace(quiet_until=None) for key, value in memory.rules.items() if value.raised_at is not None
    }


def _prepare(plan: Plan, memory: Memory) -> State:
    gates = tuple(tripwire.gate(wire) for wire in plan.wires)
    return State(gates, tuple(roi.zone(region) for region in plan.regions), plan.rules, memory)


def _meet(state: State, frame: SensorFrame, new: list[Sighting], out: Emissions) -> int:
    """Takes up new ids: as the continuation of a track that was just lost, or as a new track."""
    tracks = state.memory.tracks
    seen = {item.track_id for item in frame.objects}
    lost = {key: track for key, track in tracks.items() if key not in seen}
    heirs = stitching.match(lost, new, frame.t)
    for item in new:
        if item.track_id in heirs:
            tracks[item.track_id] = tracks.pop(heirs[item.track_id])
        else:
            _take_up(state, item, frame.t, out)
        _catch_up(state, item, out)
    return len(heirs)


def _take_up(state: State, item: Sighting, t: int, out: Emissions) -> None:
    """A new track, at the first position that is known of it."""
    first = item.early[0] if item.early else EarlyPosition(t, item.x, item.y, item.height)
    track = Track((first.x, first.y), first.t, item.object_type, first.height)
    state.memory.tracks[item.track_id] = track
    for zone in state.zones:
        _enter(track, item._replace(x=first.x, y=first.y), zone, first.t, out)


def _catch_up(state: State, item: Sighting, out: Emissions) -> None:
    """Follows the track through what this frame tells of its past, after what is known of it already."""
    for past in item.early:
        if past.t > state.memory.tracks[item.track_id].t:
            _advance(state, item._replace(x=past.x, y=past.y, height=past.height), past.t, out)


def _advance(state: State, item: Sighting, t: int, out: Emissions) -> None:
    track, anchor = state.memory.tracks[item.track_id], (item.x, item.y)
    if t > track.t:
        if state.gates:
            _cross(state.gates, track, item, t, out)
        for zone in state.zones:
            _visit(track, item, zone, t, out)
        track.velocity = stitching.smoothed(track.velocity, track.at, anchor, t - track.t)
    track.at, track.t, track.height, track.object_type = anchor, t, item.height, item.object_type


def _cross(gates: Iterable[tripwire.Gate], track: Track, item: Sighting, t: int, out: Emissions) -> None:
    before, now = (track.at, track.t), ((item.x, item.y), t)
    for gate in gates:
        wire_id = gate.wire.wire_id
        pending, crossed = tripwire.step(track.wires.get(wire_id), before, now, gate)
        if pending is not None:
            track.wires[wire_id] = pending
        elif track.wires:
            track.wires.pop(wire_id, None)
        if crossed is not None:
            out.crossings.append(_crossing(wire_id, item.track_id, item.object_type, crossed, out.t))


def _visit(track: Track, item: Sighting, zone: roi.Zone, t: int, out: Emissions) -> None:
    roi_id = zone.region.roi_id
    presence = track.regions.get(roi_id)
    if presence is None:
        _enter(track, item, zone, t, out)
        return
    track.regions[roi_id], passed = roi.step(presence, (item.x, item.y), t, zone)
    if passed is not None:
        out.visits.append(
            Visit(roi_id, item.track_id, item.object_type, passed.passage, passed.t, out.t, (item.x, item.y))
        )


def _enter(track: Track, item: Sighting, zone: roi.Zone, t: int, out: Emissions) -> None:
    roi_id = zone.region.roi_id
    track.regions[roi_id], passed = roi.first((item.x, item.y), t, zone)
    if passed is not None:
        out.visits.append(
            Visit(roi_id, item.track_id, item.object_type, passed.passage, passed.t, out.t, (item.x, item.y))
        )


def _forget(state: State, out: Emissions, t: int, track_ids: Iterable[str]) -> None:
    for track_id in track_ids:
        track = state.memory.tracks.pop(track_id)
        for gate in state.gates:
            crossed = tripwire.finish(track.wires.get(gate.wire.wire_id), gate)
            if crossed is not None:
                out.crossings.append(_crossing(gate.wire.wire_id, track_id, track.object_type, crossed, t))
        for roi_id, presence in track.regions.items():
            if presence.inside:
                out.visits.append(Visit(roi_id, track_id, track.object_type, Passage.EXIT, track.t, t, track.at))


def _crossing(wire_id: str, track_id: str, object_type: str, crossed: tripwire.Crossed, t: int) -> Crossing:
    return Crossing(wire_id, track_id, object_type, crossed.direction, crossed.t, t, crossed.at)


def _inside(state: State, zone: roi.Zone, frame: SensorFrame) -> Counts:
    roi_id, tracks = zone.region.roi_id, state.memory.tracks
    return fov.count(item for item in frame.objects if tracks[item.track_id].regions[roi_id].inside)


def _judge(state: State, out: Emissions) -> None:
    memory = state.memory
    for rule in state.rules:
        value = _value(memory, rule, out)
        before = memory.rules.get(rule.rule_id, RuleState())
        memory.rules[rule.rule_id], change = rules.step(before, rule, value, out.t)
        if change is not None:
            out.alerts.append(change)


def _value(memory: Memory, rule: AlertRule, out: Emissions) -> int:
    if rule.kind is Kind.TRIPWIRE:
        return _recent(memory, rule, out)
    counts = out.fov if rule.kind is Kind.FOV else out.regions.get(rule.target_id, {})
    return sum(counts.values()) if rule.object_type == ALL_TYPES else counts.get(rule.object_type, 0)


def _recent(memory: Memory, rule: AlertRule, out: Emissions) -> int:
    """Crossings the rule counts that happened within its interval before this frame."""
    window = [t for t in memory.windows.get(rule.rule_id, ()) if t > out.t - rule.interval_us]
    window += [
        item.t
        for item in out.crossings
        if item.wire_id == rule.target_id
        and rule.direction in (None, item.direction)
        and rule.object_type in (ALL_TYPES, item.object_type)
    ]
    memory.windows[rule.rule_id] = window
    return len(window)
