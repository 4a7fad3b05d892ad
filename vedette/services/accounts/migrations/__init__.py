"""Steps of the accounts database; a released step never changes."""
