"""The HTTP surface of VST, in the words of the published contract."""

from fastapi import APIRouter

from vedette.services.vst.api import live, meta, record, sensor, storage, whep
from vedette.services.vst.service import Vst


def build_router(service: Vst, prefix: str, *, listed: bool = True) -> APIRouter:
    """All routes under one prefix; the same routes under another need not be listed twice."""
    router = APIRouter(prefix=prefix, include_in_schema=listed)
    for part in (meta, sensor, live, whep, record, storage):  # fixed paths before those with an id in their place
        router.include_router(part.build_router(service))
    return router
