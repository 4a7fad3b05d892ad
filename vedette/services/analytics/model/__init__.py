"""What analytics talks about: domain values and the bodies of its API."""
