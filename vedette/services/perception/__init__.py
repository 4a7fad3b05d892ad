"""Perception: decodes relays, finds people, follows them and publishes one message a frame."""
