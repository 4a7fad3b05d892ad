"""The HTTP and WebSocket surface of analytics: generations v1 to v3, and the live socket."""
