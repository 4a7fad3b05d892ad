"""What a stream says about itself: parameter sets out of its description, then out of its keyframes. No I/O."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vedette.media import av1_config, h264, hevc, hevc_sps
from vedette.media.unit import CodecParameters, VideoCodec


@dataclass(frozen=True, slots=True)
class Shape:
    """Width and height in pixels, 0 when not known; `reorder` as in `stamps.Stamper`."""

    width: int = 0
    height: int = 0
    reorder: int | None = None


class ParameterTracker:
    """The parameters of one elementary stream. `described` are the parameter sets of the SDP, b"" for none.

    `of` gives the same object until the stream changes, or `renew` was called since the last keyframe.
    """

    def __init__(self, codec: VideoCodec, described: bytes = b"") -> None:
        self._codec = codec
        self._described = described
        self._current: CodecParameters | None = None
        self._is_due = False
        self.shape = shape_of(codec, described)

    def see(self, keyframe: bytes) -> None:
        """Look at a keyframe as it arrives, before its times are known."""
        sets = _EXTRADATA[self._codec](keyframe)
        if sets and sets != self._described:
            self._described = sets
            found = shape_of(self._codec, sets)
            if found.width:  # else torn sets: what is known so far is the best guess
                self.shape = found

    def renew(self) -> None:
        """From the next keyframe on there is another object, as the clocks are not those of before."""
        self._is_due = True

    def of(self, keyframe: bytes, *, has_b_frames: bool) -> CodecParameters:
        """The parameters in force from this keyframe on."""
        current = self._current
        if current is not None and current.extradata and keyframe.startswith(current.extradata):
            sets = current.extradata  # as most keyframes begin; the rest need not be searched
        else:
            sets = _EXTRADATA[self._codec](keyframe) or (current.extradata if current else self._described)
        is_same = current is not None and (sets, has_b_frames) == (current.extradata, current.has_b_frames)
        if current is not None and is_same and not self._is_due:
            return current
        self._is_due = False
        shape = shape_of(self._codec, sets)
        if not shape.width:
            shape = self.shape
        made = CodecParameters(self._codec, sets, shape.width, shape.height, has_b_frames=has_b_frames)
        self._current = made
        return made


def shape_of(codec: VideoCodec, sets: bytes) -> Shape:
    """What parameter sets say; nothing when there are none or they are torn."""
    try:
        found = _SHAPES[codec](sets)
    except ValueError:
        return Shape()
    return found if found.width >= 0 and found.height >= 0 else Shape()


def _h264_shape(sets: bytes) -> Shape:
    found, _ = h264.parameter_sets(sets)
    if not found:
        return Shape()
    sps = h264.parse_sps(found[0])
    return Shape(sps.width, sps.height, sps.max_reorder_frames)


def _hevc_shape(sets: bytes) -> Shape:
    nal = next((nal for nal in h264.iter_nals(sets) if hevc.nal_type(nal) == hevc.SPS), None)
    if nal is None:
        return Shape()
    sps = hevc_sps.parse_sps(nal)
    return Shape(sps.width, sps.height, sps.max_reorder_frames)


def _av1_shape(header: bytes) -> Shape:
    """Temporal units come in the order in which they are shown (AV1 §7.5)."""
    if not header:
        return Shape(reorder=0)
    found = av1_config.parse_sequence_header(header)
    return Shape(found.width, found.height, 0)


def _h264_sets(unit: bytes) -> bytes:
    return _once(h264.extradata_of(unit))


def _hevc_sets(unit: bytes) -> bytes:
    return _once(hevc.extradata_of(unit))


def _once(sets: bytes) -> bytes:
    """Each set once: some cameras send them twice, and not at every keyframe."""
    nals = h264.split(sets)
    unique = list(dict.fromkeys(nals))
    return sets if len(unique) == len(nals) else h264.join(unique)


_EXTRADATA: Mapping[VideoCodec, Callable[[bytes], bytes]] = {
    "h264": _h264_sets,
    "hevc": _hevc_sets,
    "av1": av1_config.extradata_of,
}
_SHAPES: Mapping[VideoCodec, Callable[[bytes], Shape]] = {
    "h264": _h264_shape,
    "hevc": _hevc_shape,
    "av1": _av1_shape,
}
