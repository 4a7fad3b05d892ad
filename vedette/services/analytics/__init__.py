"""Frames in, counts, crossings and alerts out: the behaviour analytics service."""
