"""What touches the outside: files, keys, name resolution and WebRTC."""
