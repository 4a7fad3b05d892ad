"""Steps of the analytics database; a released step never changes."""
