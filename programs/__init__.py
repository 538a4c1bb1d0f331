"""What server.py runs: each program with all that it is composed of. Only server.py imports them."""
