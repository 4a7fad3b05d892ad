"""The HTTP surface of VST, in the words of the published contract."""

from fastapi import APIRouter

from vedette.services.vst.api import clips, live, meta, record, sensor, storage, whep
from vedette.services.vst.service import Vst


def build_router(service: Vst, prefix: str, *, listed: bool = True) -> APIRouter:
    """All routes under one prefix; the same routes under another need not be listed twice."""
    router = APIRouter(prefix=prefix, include_in_schema=listed)
    # Fixed paths come before those with an id in their place.
    for part in (meta, sensor, live, whep, record, storage, clips):
        router.include_router(part.build_router(service))
    return router
