"""The file that says when VST was last alive."""

from pathlib import Path

from vedette.services.vst.adapters import alive


def test_the_last_instant_is_told_to_the_microsecond(tmp_path: Path) -> None:
    path = tmp_path / "alive"
    assert alive.last_us(path) == 0
    for at_us in (1_700_000_000_123_456, 1_600_000_000_000_001):
        alive.touch(path, at_us)
        assert alive.last_us(path) == at_us
