"""The arithmetic of perception: same input, same output; nothing here knows a clock, a task or a file."""
