"""Passwords are hashed in threads, at most two at a time, or signing in becomes a way to stop the box."""

import anyio
import anyio.to_thread

from vedette.kernel.auth import hash_password, new_secret, verify_password
from vedette.kernel.errors import unavailable

_AT_ONCE = 2
_QUEUE = 16


class Hashing:
    """argon2id without blocking the event loop. Fault 503 when too many wait already."""

    def __init__(self) -> None:
        self._limiter = anyio.CapacityLimiter(_AT_ONCE)
        self._decoy = ""

    async def hash(self, password: str) -> str:
        """What is stored of it."""
        self._check_queue()
        return await anyio.to_thread.run_sync(hash_password, password, limiter=self._limiter)

    async def matches(self, stored: str, password: str) -> bool:
        """Whether it is the password. An empty `stored` matches nothing and takes as long."""
        self._check_queue()
        if not self._decoy:
            self._decoy = await anyio.to_thread.run_sync(hash_password, new_secret(), limiter=self._limiter)
        right = await anyio.to_thread.run_sync(verify_password, stored or self._decoy, password, limiter=self._limiter)
        return right and bool(stored)

    def _check_queue(self) -> None:
        if self._limiter.statistics().tasks_waiting >= _QUEUE:
            raise unavailable("Too many are signing in at once. Try again in a few seconds.")
