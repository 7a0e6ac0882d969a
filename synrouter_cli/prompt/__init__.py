"""A request's body as segments, and lossless edits of it. Pure."""
