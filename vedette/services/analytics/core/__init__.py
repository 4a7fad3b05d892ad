"""The arithmetic of counting: geometry, buffers, tiers and rules, without I/O, clock or settings."""
