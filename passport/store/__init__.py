"""MongoDB: the only importer of motor, pymongo and bson. Speaks `passport.models` to the domain."""

import os

# As many threads as connections. Motor reads this when it is imported, and takes five a core otherwise.
os.environ.setdefault("MOTOR_MAX_WORKERS", "50")

from passport.store.client import Store

__all__ = ["Store"]
