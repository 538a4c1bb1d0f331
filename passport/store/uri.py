"""Whether a connection string can be used, before anything connects."""

from __future__ import annotations

import pymongo
from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri


def is_usable_uri(uri: str) -> bool:
    """False for what the driver would refuse, or quietly ignore, or what contradicts how we read (the primary alone).

    Connects to nothing; a mongodb+srv:// address is believed, because reading it takes DNS.
    """
    if uri.startswith("mongodb+srv://"):
        return True
    try:
        parse_uri(uri, warn=False)
        # Options that are right by themselves may still contradict each other.
        pymongo.MongoClient(uri, connect=False, readPreference="primary", w="majority", journal=True).close()
    except (PyMongoError, ValueError, TypeError):
        return False
    return True
