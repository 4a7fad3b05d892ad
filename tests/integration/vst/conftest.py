"""Fixtures of the tests of VST."""

from pathlib import Path

import pytest


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """VST's own folder."""
    return tmp_path / "vst"
