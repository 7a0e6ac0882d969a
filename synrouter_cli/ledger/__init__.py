"""What every turn cost, kept on this disk: SQLite with one writer, integers, no text of a prompt."""
