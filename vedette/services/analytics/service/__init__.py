"""State and tasks of analytics: reading the bus, answering questions, pushing live data."""
