"""The daemon as a process: lock, tokens, state file, control client, log, console, and its life."""
