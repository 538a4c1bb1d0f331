"""The command line's grammar, and the commands that have a file of their own; `server.py` runs and prints them."""
