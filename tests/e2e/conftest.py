"""One demo for all end-to-end tests that only look."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.demo import Demo, demo


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that is up for the whole session."""
    with demo(Path(tmp_path_factory.mktemp("demo"))) as started:
        yield started
