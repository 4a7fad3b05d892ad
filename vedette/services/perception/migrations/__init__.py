"""Steps of the perception database, in order; a released step never changes."""
