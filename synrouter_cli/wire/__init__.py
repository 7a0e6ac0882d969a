"""What stands on the wire: dialects, event streams, usage. Pure."""
