"""Keeps each object's identity over the frames of one sensor; perception.md §8.2.

All tracks live in arrays. Only inferred frames move the state; a frame between them is answered by extrapolation and
changes nothing, so skipped frames can neither create, confirm nor end a track. Two passes of matching: trusted boxes
with all tracks, then faint boxes with tracks that a trusted box confirmed and that were seen a moment ago.
"""

from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.services.perception.core import association, kalman
from vedette.services.perception.core.kalman import Gaussian
from vedette.services.perception.core.letterbox import clip
from vedette.services.perception.core.postprocess import covered, iou
from vedette.services.perception.model import Boxes, Detections, Tracks

US = 1_000_000
BACKWARDS_US = 500_000
"""A capture time that far before the last one is a new clock, not disorder: tracks are forgotten, ids go on."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Thresholds of the tracker: scores in 0..1, overlaps as IoU, times in microseconds, the rest are counts.

    `shown_misses` is how many inferred frames in a row may miss a track that is still shown, by prediction: where the
    network looked and saw nobody, a predicted box is wrong more often than right. Tracks wait unseen for `lost_us`.
    `trust_hits` is the memory, in hits, of the mean score that must reach `birth` before a track is confirmed: what
    looks a little like a person for hours is not followed.
    """

    low: float = 0.10
    track: float = 0.42
    birth: float = 0.50
    gate: float = 0.15
    wide_gate: float = 0.1
    wide_gap_us: int = 200_000
    low_gate: float = 0.5
    covered: float = 0.5
    low_noise: float = 2.0
    low_hits: int = 5
    birth_overlap: float = 0.3
    recent_misses: int = 2
    confirm_hits: int = 3
    trust_hits: int = 10
    tentative_misses: int = 2
    lost_us: int = 3 * US
    max_predict_us: int = 500_000
    shown_misses: int = 1
    max_boxes: int = 300
    max_tracks: int = 200
    max_lost: int = 100


@dataclass(frozen=True, slots=True, eq=False)
class TrackerState:
    """Everything the tracker remembers, as of the last inferred frame at `t_us`; row i of each array is one track.

    `misses` counts inferred frames since the last match, `low_hits` faint matches in a row; `early_us` (n, confirm_hits
    - 1) and `early_boxes` keep the first positions until confirmation. `overflow` counts what the caps refused so far.
    """

    t_us: int
    next_id: int
    overflow: int
    gaussian: Gaussian
    ids: NDArray[np.int64]
    classes: NDArray[np.int32]
    scores: NDArray[np.float32]
    trust: NDArray[np.float32]
    confirmed: NDArray[np.bool_]
    hits: NDArray[np.int32]
    misses: NDArray[np.int32]
    low_hits: NDArray[np.int32]
    last_us: NDArray[np.int64]
    early_us: NDArray[np.int64]
    early_boxes: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)


def initial(next_id: int = 1, rules: Rules | None = None) -> TrackerState:
    """No tracks yet; the first born gets `next_id`."""
    early = (rules or Rules()).confirm_hits - 1
    count = np.zeros(0, np.int32)
    return TrackerState(
        t_us=0,
        next_id=next_id,
        overflow=0,
        gaussian=Gaussian(np.zeros((0, 4, 2)), np.zeros((0, 4, 3))),
        ids=np.zeros(0, np.int64),
        classes=count,
        scores=np.zeros(0, np.float32),
        trust=np.zeros(0, np.float32),
        confirmed=np.zeros(0, np.bool_),
        hits=count,
        misses=count,
        low_hits=count,
        last_us=np.zeros(0, np.int64),
        early_us=np.zeros((0, early), np.int64),
        early_boxes=np.zeros((0, early, 4), np.float32),
    )


def step(
    state: TrackerState, detections: Detections | None, t_us: int, *, rules: Rules, picture: tuple[int, int]
) -> tuple[TrackerState, Tracks]:
    """The tracks of the frame captured at `t_us`; `detections` is None where it was not inferred.

    `picture` is the size (width, height) that boxes are clipped to. The order of detections does not matter.
    """
    if t_us < state.t_us - BACKWARDS_US:
        state = _forget(state, t_us, rules)
    if detections is None:
        return state, _between(state, t_us, rules, picture)
    boxes, overflow = _canonical(detections, rules)
    gap_us = max(0, t_us - state.t_us) if len(state) else 0
    moved = replace(
        state,
        t_us=max(t_us, state.t_us),
        overflow=state.overflow + overflow,
        gaussian=kalman.predict(state.gaussian, gap_us / US),
    )
    pairs = _associate(moved, boxes, gap_us, rules)
    updated = _update(moved, boxes, pairs, rules)
    matched = np.zeros(len(moved), np.bool_)
    matched[pairs.rows] = True
    born = _births(updated, boxes, pairs, matched, rules)
    kept, kept_matched = _retire(updated, matched, rules)
    grown = _append(kept, boxes.select(born), rules)
    fresh = np.ones(len(grown) - len(kept), np.bool_)
    return grown, _emit(grown, np.concatenate([kept_matched, fresh]), rules, picture)


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Track rows and detection columns that belong together; `low` marks matches by a faint box."""

    rows: association.Index
    columns: association.Index
    low: NDArray[np.bool_]
    free_high: association.Index


def _canonical(detections: Detections, rules: Rules) -> tuple[Detections, int]:
    """Best first, ties by coordinates; without those below `low` and those beyond the cap (the latter counted)."""
    boxes, scores = detections.boxes, detections.scores
    order = np.lexsort((boxes[:, 3], boxes[:, 2], boxes[:, 1], boxes[:, 0], -scores))
    order = order[scores[order] >= rules.low]
    return detections.select(order[: rules.max_boxes]), max(0, len(order) - rules.max_boxes)


def _associate(state: TrackerState, boxes: Detections, gap_us: int, rules: Rules) -> _Pairs:
    high = int(np.searchsorted(-boxes.scores, -np.float32(rules.track), side="right"))
    overlap = iou(_corners(state.gaussian.mean[..., 0]), boxes.boxes)
    overlap[state.classes[:, None] != boxes.classes[None, :]] = 0
    gate = rules.wide_gate if gap_us >= rules.wide_gap_us else rules.gate
    rows: list[association.Index] = []
    columns: list[association.Index] = []
    free = np.arange(high)
    recent = state.misses < rules.recent_misses
    unmatched = np.ones(len(state), np.bool_)
    for group in (np.flatnonzero(recent), np.flatnonzero(~recent)):
        found, taken, _, left = association.match(1 - overlap[np.ix_(group, free)], 1 - gate)
        rows.append(group[found])
        columns.append(free[taken])
        free = free[left]
    trusted = sum(map(len, rows))
    unmatched[np.concatenate(rows)] = False
    if gap_us < rules.wide_gap_us and high < len(boxes):
        found, taken = _faint(state, boxes, overlap, unmatched & recent, high, rules)
        rows.append(found)
        columns.append(taken)
    all_rows = np.concatenate(rows)
    return _Pairs(all_rows, np.concatenate(columns), np.arange(len(all_rows)) >= trusted, free)


def _faint(
    state: TrackerState,
    boxes: Detections,
    overlap: NDArray[np.float32],
    candidates: NDArray[np.bool_],
    high: int,
    rules: Rules,
) -> tuple[association.Index, association.Index]:
    """The second pass: boxes too faint to trust may prolong a confirmed track that was just seen, and nothing else."""
    group = np.flatnonzero(candidates & state.confirmed & (state.low_hits < rules.low_hits))
    if len(group) == 0:
        return group, group
    faint = np.arange(high, len(boxes))
    if high:
        hidden = covered(boxes.boxes[high:], boxes.boxes[:high]).max(axis=1) > rules.covered
        faint = faint[~hidden]
    found, taken, _, _ = association.match(1 - overlap[np.ix_(group, faint)], 1 - rules.low_gate)
    return group[found], faint[taken]


def _update(state: TrackerState, boxes: Detections, pairs: _Pairs, rules: Rules) -> TrackerState:
    rows, columns = pairs.rows, pairs.columns
    mean, covariance = state.gaussian.mean, state.gaussian.covariance  # fresh arrays made by predict
    if len(rows):
        measured = _centred(boxes.boxes[columns])
        noise = np.where(pairs.low, rules.low_noise, 1.0)
        after = kalman.update(Gaussian(mean[rows], covariance[rows]), measured, noise)
        mean[rows], covariance[rows] = after.mean, after.covariance
    hits, misses, low_hits = state.hits.copy(), state.misses + 1, state.low_hits.copy()
    scores, last_us = state.scores.copy(), state.last_us.copy()
    hits[rows] += ~pairs.low
    misses[rows] = 0
    low_hits[rows] = np.where(pairs.low, low_hits[rows] + 1, 0)
    scores[rows] = boxes.scores[columns]
    last_us[rows] = state.t_us
    trust = state.trust.copy()
    high = rows[~pairs.low]
    trust[high] += (scores[high] - trust[high]) / np.minimum(hits[high], rules.trust_hits)
    early_us, early_boxes = np.where(state.confirmed[:, None], 0, state.early_us), state.early_boxes
    confirmed = state.confirmed | ((hits >= rules.confirm_hits) & (trust >= rules.birth))
    young = rows[~confirmed[rows]]
    if len(young) and early_us.shape[1]:
        early_boxes = early_boxes.copy()
        early_us[young] = np.roll(early_us[young], -1, axis=1)
        early_boxes[young] = np.roll(early_boxes[young], -1, axis=1)
        early_us[young, -1] = state.t_us
        early_boxes[young, -1] = _corners(mean[young, :, 0])
    return replace(
        state,
        trust=trust,
        confirmed=confirmed,
        hits=hits,
        misses=misses,
        low_hits=low_hits,
        scores=scores,
        last_us=last_us,
        early_us=early_us,
        early_boxes=early_boxes,
    )


def _births(
    state: TrackerState, boxes: Detections, pairs: _Pairs, matched: NDArray[np.bool_], rules: Rules
) -> association.Index:
    strong = pairs.free_high[boxes.scores[pairs.free_high] >= rules.birth]
    if len(strong) and matched.any():
        near = iou(boxes.boxes[strong], _corners(state.gaussian.mean[matched, :, 0])).max(axis=1)
        strong = strong[near < rules.birth_overlap]
    return strong


def _retire(state: TrackerState, matched: NDArray[np.bool_], rules: Rules) -> tuple[TrackerState, NDArray[np.bool_]]:
    """Without the tracks that ended: unconfirmed that missed twice, lost ones after their time or beyond the cap."""
    alive = np.where(
        state.confirmed, state.t_us - state.last_us <= rules.lost_us, state.misses < rules.tentative_misses
    )
    lost = np.flatnonzero(alive & ~matched)
    excess = len(lost) - rules.max_lost
    if excess > 0:
        oldest = lost[np.lexsort((state.ids[lost], state.last_us[lost]))[:excess]]
        alive[oldest] = False
        state = replace(state, overflow=state.overflow + excess)
    return (state, matched) if alive.all() else (_rows(state, alive), matched[alive])


def _append(state: TrackerState, born: Detections, rules: Rules) -> TrackerState:
    room = max(0, rules.max_tracks - len(state))
    refused = max(0, len(born) - room)
    if refused:
        born = born.select(np.arange(room))
    count = len(born)
    if count == 0:
        return replace(state, overflow=state.overflow + refused)
    first = kalman.start(_centred(born.boxes))
    early = max(0, rules.confirm_hits - 1)
    early_us = np.zeros((count, early), np.int64)
    early_boxes = np.zeros((count, early, 4), np.float32)
    early_us[:, -1:] = state.t_us
    early_boxes[:, -1:] = born.boxes[:, None]
    zeros = np.zeros(count, np.int32)
    return replace(
        state,
        next_id=state.next_id + count,
        overflow=state.overflow + refused,
        gaussian=Gaussian(
            np.concatenate([state.gaussian.mean, first.mean]),
            np.concatenate([state.gaussian.covariance, first.covariance]),
        ),
        ids=np.concatenate([state.ids, np.arange(state.next_id, state.next_id + count)]),
        classes=np.concatenate([state.classes, born.classes]),
        scores=np.concatenate([state.scores, born.scores]),
        trust=np.concatenate([state.trust, born.scores]),
        confirmed=np.concatenate([state.confirmed, np.full(count, rules.confirm_hits <= 1)]),
        hits=np.concatenate([state.hits, zeros + 1]),
        misses=np.concatenate([state.misses, zeros]),
        low_hits=np.concatenate([state.low_hits, zeros]),
        last_us=np.concatenate([state.last_us, np.full(count, state.t_us)]),
        early_us=np.concatenate([state.early_us, early_us]),
        early_boxes=np.concatenate([state.early_boxes, early_boxes]),
    )


def _between(state: TrackerState, t_us: int, rules: Rules, picture: tuple[int, int]) -> Tracks:
    """What a frame without inference shows: the state carried forward, nothing remembered."""
    gaussian = kalman.predict(state.gaussian, max(0, t_us - state.t_us) / US)
    shown = replace(state, t_us=max(t_us, state.t_us), gaussian=gaussian)
    return _emit(shown, np.zeros(len(state), np.bool_), rules, picture)


def _emit(state: TrackerState, matched: NDArray[np.bool_], rules: Rules, picture: tuple[int, int]) -> Tracks:
    boxes = clip(_corners(state.gaussian.mean[..., 0]), *picture)
    fresh = state.t_us - state.last_us <= rules.max_predict_us
    visible = (boxes[:, 2] - boxes[:, 0] >= 1) & (boxes[:, 3] - boxes[:, 1] >= 1)
    shown = state.confirmed & fresh & visible
    shown &= state.misses <= rules.shown_misses
    early_us = np.where((shown & matched & state.confirmed)[:, None], state.early_us, 0)
    return Tracks(
        ids=state.ids[shown],
        boxes=boxes[shown],
        scores=state.scores[shown],
        classes=state.classes[shown],
        predicted=~matched[shown],
        early_us=early_us[shown],
        early_boxes=clip(state.early_boxes[shown], *picture),
    )


def _rows(state: TrackerState, keep: NDArray[np.bool_]) -> TrackerState:
    return replace(
        state,
        gaussian=Gaussian(state.gaussian.mean[keep], state.gaussian.covariance[keep]),
        ids=state.ids[keep],
        classes=state.classes[keep],
        scores=state.scores[keep],
        trust=state.trust[keep],
        confirmed=state.confirmed[keep],
        hits=state.hits[keep],
        misses=state.misses[keep],
        low_hits=state.low_hits[keep],
        last_us=state.last_us[keep],
        early_us=state.early_us[keep],
        early_boxes=state.early_boxes[keep],
    )


def _forget(state: TrackerState, t_us: int, rules: Rules) -> TrackerState:
    return replace(initial(state.next_id, rules), t_us=t_us, overflow=state.overflow)


def _corners(centred: NDArray[np.float64]) -> Boxes:
    half = np.maximum(centred[:, 2:], 1.0) / 2
    return np.concatenate([centred[:, :2] - half, centred[:, :2] + half], axis=1).astype(np.float32)


def _centred(boxes: Boxes) -> NDArray[np.float64]:
    corners = boxes.astype(np.float64)
    return np.concatenate([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], axis=1)


_ARRAYS = (
    "ids",
    "classes",
    "scores",
    "trust",
    "confirmed",
    "hits",
    "misses",
    "low_hits",
    "last_us",
    "early_us",
    "early_boxes",
)


def snapshot(state: TrackerState) -> bytes:
    """The state as bytes: equal states give equal bytes."""
    arrays = {name: getattr(state, name) for name in _ARRAYS}
    arrays |= {"mean": state.gaussian.mean, "covariance": state.gaussian.covariance}
    packed = {name: (array.dtype.str, array.shape, array.tobytes()) for name, array in arrays.items()}
    return msgspec.msgpack.encode((state.t_us, state.next_id, state.overflow, packed))


def restore(snapshot_bytes: bytes) -> TrackerState:
    """The state that `snapshot` wrote; msgspec.DecodeError on other bytes."""
    t_us, next_id, overflow, packed = msgspec.msgpack.decode(
        snapshot_bytes, type=tuple[int, int, int, dict[str, tuple[str, tuple[int, ...], bytes]]]
    )
    arrays = {
        name: np.frombuffer(data, np.dtype(kind)).reshape(shape).copy() for name, (kind, shape, data) in packed.items()
    }
    gaussian = Gaussian(arrays.pop("mean"), arrays.pop("covariance"))
    return TrackerState(t_us=t_us, next_id=next_id, overflow=overflow, gaussian=gaussian, **arrays)
