"""One host, all cores: a parent that binds the port once and keeps worker processes alive that share it.

The parent is small and synchronous. It has no event loop, no thread and no database client, so each fork copies
nothing that cannot be copied (`children`), and it costs no more than its memory, which the workers share. Forks and
not fresh interpreters: a worker is there in a few milliseconds instead of a second of processor time, which is how
long a crashed one is missed. Not tornado.process.fork_processes: its children outlive a killed parent and its budget
of restarts is one for a lifetime.
"""
