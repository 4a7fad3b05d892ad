"""The media library: knows bits, not business."""
