"""What touches the outside: networks of numbers, codecs, and VST's list of streams."""
