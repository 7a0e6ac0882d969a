"""One module a command: parse nothing, call the layer below, print. Imported when the command runs."""
