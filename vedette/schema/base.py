"""The two bases of everything on the wire: bus messages are msgspec Structs, REST bodies are pydantic models."""

import msgspec
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Message(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A bus message: camelCase on the wire, frozen, unknown keys ignored so that newer producers may add some."""


class Body(BaseModel):
    """A REST body: camelCase on the wire, frozen, unknown keys refused unless the surface says otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)
