"""The whole picture as a counting region."""

from collections.abc import Iterable

from vedette.services.analytics.model.domain import Counts, Sighting


def count(objects: Iterable[Sighting]) -> Counts:
    """Objects per class in one frame; the classes add up to the number of objects."""
    counts: Counts = {}
    for item in objects:
        counts[item.object_type] = counts.get(item.object_type, 0) + 1
    return counts
