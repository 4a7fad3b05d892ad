"""The steps of the catalogue's shape, in order."""

from vedette.services.vst.migrations import m0001_initial, m0002_ledger

STEPS = (m0001_initial, m0002_ledger)
