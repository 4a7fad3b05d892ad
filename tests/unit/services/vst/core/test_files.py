"""Recordings as files."""

from hypothesis import given
from hypothesis import strategies as st

from vedette.services.vst.core.files import files_of, parse_id, parse_path, reaching_into, without
from vedette.services.vst.core.timeline import Span
from vedette.services.vst.model import Entry, EntryKind, Upload


def line(seq: int, start: int, end: int, kind: EntryKind = EntryKind.RECORDED) -> Entry:
    return Entry("cam", seq, seq, kind, start, end, "", bytes=end - start)


UPLOADED = Upload("u1", "cam", "walk.mp4", 100, 200, 77, b"{}", 0)
spans = st.lists(
    st.tuples(st.integers(0, 90), st.integers(1, 20)).map(lambda pair: Span(pair[0], sum(pair))), max_size=5
)


def test_lines_and_uploads_are_files() -> None:
    found = files_of([line(1, 0, 50), line(2, 50, 60, EntryKind.ABSENT), line(3, 100, 200)], [UPLOADED])
    assert [(file.path, file.start_us, file.end_us, file.bytes) for file in found] == [
        ("cam/1.mp4", 0, 50, 50), ("cam/u1.mp4", 100, 200, 77)
    ]  # fmt: skip


def test_what_was_removed_is_no_file() -> None:
    lines = [line(1, 0, 50), line(2, 60, 80), line(3, 0, 60, EntryKind.REMOVED), line(4, 60, 65, EntryKind.REMOVED)]
    [file] = files_of(lines, [])
    assert (file.key, file.start_us, file.end_us, file.bytes) == ("2", 65, 80, 15)


def test_names_are_parsed_and_nothing_else() -> None:
    [file] = files_of([line(7, 0, 1)], [])
    assert parse_path(file.path) == parse_id(file.file_id) == ("cam", "7")
    for wrong in ("", "cam", "cam/7", "cam/../7.mp4", "/cam/7.mp4", "cam/7.mp4\n", "cam/7.MP4", "a/b/7.mp4", "ä/7.mp4"):
        assert parse_path(wrong) is None
    assert parse_id("with_underscore_12") == ("with_underscore", "12")
    assert parse_id("cam") is None


def test_ranges_are_open_where_nothing_is_said() -> None:
    found = files_of([line(1, 0, 10), line(2, 10, 20), line(3, 30, 40)], [])
    assert [file.key for file in reaching_into(found, 10, 30)] == ["2"]
    assert [file.key for file in reaching_into(found, None, 11)] == ["1", "2"]
    assert [file.key for file in reaching_into(found, 20, None)] == ["3"]


@given(spans, spans)
def test_a_file_never_shows_time_that_was_removed(removed: list[Span], recorded: list[Span]) -> None:
    lines = [line(n, span.start_us, span.end_us) for n, span in enumerate(recorded)]
    gone = [line(99, span.start_us, span.end_us, EntryKind.REMOVED) for span in removed]
    for file in files_of([*lines, *gone], []):
        assert not any(span.start_us <= file.start_us < span.end_us for span in removed)
        assert not any(span.start_us < file.end_us <= span.end_us for span in removed)
        assert file.bytes > 0


@given(spans, st.integers(0, 100), st.integers(1, 30))
def test_lifting_leaves_the_rest(protected: list[Span], start: int, length: int) -> None:
    left = without(protected, Span(start, start + length))
    for instant in range(120):
        before = any(span.start_us <= instant < span.end_us for span in protected)
        after = any(span.start_us <= instant < span.end_us for span in left)
        assert after == (before and not start <= instant < start + length)
