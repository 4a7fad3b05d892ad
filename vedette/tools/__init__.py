"""Programs beside the services: the test camera."""
