"""What operators do for and about one user: ban, note, tags, duplicates, and the history of all of it. No HTTP."""
