"""Blocks of track ids, reserved in the database before they are used: a crash can waste an id but never repeat one."""

from dataclasses import dataclass
from functools import partial

from vedette.kernel.database import Database
from vedette.services.perception import store

BLOCK = 1000


@dataclass(frozen=True, slots=True)
class Block:
    """Ids from `first` to `end` - 1, reserved for the sensor of these keys."""

    keys: tuple[str, ...]
    first: int
    end: int


class IdBlocks:
    """Hands out blocks and takes back what was not used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(self, camera_id: str, name: str) -> Block:
        """A block that nobody of that id or name had before."""
        keys = (f"id:{camera_id}", f"name:{name}")
        first = await self._database.write(partial(store.add_block, keys=keys, size=BLOCK), durable=True)
        return Block(keys, first, first + BLOCK)

    async def give_back(self, block: Block, next_id: int) -> None:
        """Ids from `next_id` on were not used."""
        await self._database.write(
            partial(store.set_next, keys=block.keys, reserved_end=block.end, next_id=next_id), durable=True
        )
