"""`python -m benchmarks.mongod FOLDER`: the MongoDB of all sides, as the server embeds it, until SIGTERM."""

import asyncio
import signal
import sys
from pathlib import Path

from passport.store.embedded import EmbeddedMongo


async def serve(folder: Path) -> None:
    """Print its uri once it can be written to."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    mongo = EmbeddedMongo(folder)
    await mongo.start()
    try:
        print(mongo.uri, flush=True)
        await stopped.wait()
    finally:
        await mongo.stop()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
