"""Jobs: acts on many users at once."""
