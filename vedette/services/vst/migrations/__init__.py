"""The shape of the catalogue, step by step."""
