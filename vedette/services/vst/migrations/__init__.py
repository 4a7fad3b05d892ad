"""The steps of the catalogue's shape, in order."""

from vedette.services.vst.migrations import m0001_initial, m0002_ledger, m0003_storage, m0004_sensors

STEPS = (m0001_initial, m0002_ledger, m0003_storage, m0004_sensors)
