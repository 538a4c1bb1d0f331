"""MongoDB: the only importer of motor, pymongo and bson. Speaks `passport.models` to the domain."""

from passport.store.client import Store

__all__ = ["Store"]
