"""The HTTP and WebSocket surface of analytics: generations v2 and v1, and the live socket."""
