"""Fixtures that every test may use."""

import hypothesis
import pytest

hypothesis.settings.register_profile("house", deadline=None)  # no test depends on how fast the machine is
hypothesis.settings.load_profile("house")


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as the product does."""
    return "asyncio"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--seed` plays a fault campaign again."""
    parser.addoption("--seed", type=int, default=None, help="seed of the fault campaigns; printed by each run")
