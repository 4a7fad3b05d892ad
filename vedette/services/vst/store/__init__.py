"""Every SQL statement of VST. A store lives for one transaction and never commits it."""

from vedette.services.vst.store.coverage import CoverageStore
from vedette.services.vst.store.readings import SensorStore
from vedette.services.vst.store.storage import StorageStore
from vedette.services.vst.store.store import Store
from vedette.services.vst.store.uploads import Share, UploadStore

__all__ = ["CoverageStore", "SensorStore", "Share", "StorageStore", "Store", "UploadStore"]
