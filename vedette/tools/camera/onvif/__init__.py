"""The ONVIF device that a test camera is beside its RTSP streams."""
