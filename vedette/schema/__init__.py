"""The wire vocabulary: imports nothing of ours."""
