"""Cameras, recording and streaming: the video storage toolkit."""
