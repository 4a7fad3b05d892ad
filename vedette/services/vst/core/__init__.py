"""Arithmetic of recording and camera health: same input, same output."""
