"""Uploads of the worst kind at once: memory stays bounded, and others are answered meanwhile (R-034, R-041).

server.py is a process of its own, with a mongod of its own; what its decoders hold counts, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from passport.image_limits import MEMORY
from passport.uploads import ROOM
from passport.workshop import AT_ONCE
from tests.client import API
from tests.effort import examples
from tests.fault.conftest import StartServer
from tests.fault.running import report
from tests.pictures import RED, encoded, scan_bomb, upload, worst_png

MIB = 1024 * 1024
UPLOADS = examples(32)
# Each is ended after seconds of work.
BOMBS = examples(8)


def worst_webp() -> bytes:
    """What takes most memory to decode: 25 million pixels with transparency."""
    return encoded(Image.new("RGBA", (5000, 5000), (*RED, 9)), "WEBP", lossless=True, method=0)


def resident(pid: int) -> int:
    """Bytes of memory that the process has now."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


def decoders_of(pid: int) -> list[int]:
    """The server's children but its mongod."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            found += [int(each) for each in (task / "children").read_text().split()]
    return [each for each in found if "mongod" not in name_of(each)]


def name_of(pid: int) -> str:
    """What the process runs."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


class Watch:
    """The most memory and decoders at once, and the longest that /healthz took, while it is awaited."""

    def __init__(self, api: API, pid: int) -> None:
        self._api, self._pid = api, pid
        self.before, self.server, self.decoders, self.at_once = resident(pid), 0, 0, 0
        self.slowest, self.answers = 0.0, 0

    async def look(self) -> None:
        """Until cancelled."""
        while True:
            began = time.monotonic()
            assert (await self._api.get("/healthz")).status == 200
            self.slowest, self.answers = max(self.slowest, time.monotonic() - began), self.answers + 1
            children = decoders_of(self._pid)
            self.server = max(self.server, resident(self._pid))
            self.decoders = max(self.decoders, sum(map(resident, children)))
            self.at_once = max(self.at_once, len(children))
            await asyncio.sleep(0.01)


def padded(picture: bytes) -> bytes:
    """As large as an upload may be."""
    return picture + b"\0" * (10 * MIB - 1000 - len(picture))


@pytest.mark.gen_test(timeout=200)
@pytest.mark.parametrize("make", [worst_png, worst_webp, scan_bomb], ids=lambda make: make.__name__)
async def test_memory_is_bounded_and_others_are_answered(
    start_server: StartServer, client_of: Callable[[str], API], make: Callable[[], bytes]
) -> None:
    server = start_server()
    api = client_of(await server.ready())
    number = BOMBS if make is scan_bomb else UPLOADS
    tokens = [await api.signed_in(f"visitor-{each}") for each in range(number)]
    content = await asyncio.to_thread(lambda: padded(make()))

    watch = Watch(api, server.process.pid)
    watching = asyncio.create_task(watch.look())
    replies = await asyncio.gather(*(upload(api, token, content) for token in tokens))
    assert not watching.done()
    watching.cancel()

    statuses = sorted(reply.status for reply in replies)
    grown = watch.server - watch.before
    report(
        f"{make.__name__}: {statuses}; server +{grown // MIB} MiB, "
        f"decoders {watch.decoders // MIB} MiB in {watch.at_once}, "
        f"slowest /healthz {watch.slowest * 1000:.0f} ms of {watch.answers}"
    )
    assert set(statuses) <= {200, 413, 503}
    assert 1 <= watch.at_once <= AT_ONCE
    assert watch.decoders < AT_ONCE * MEMORY
    # The room, the upload that is being taken apart, the copies on their way to the decoders, and what malloc keeps.
    assert grown < ROOM + 12 * 10 * MIB
    # Long before, a loop that decodes would have held everybody up for the whole time.
    assert watch.answers > 10
    assert watch.slowest < 5
    assert (await upload(api, tokens[0], encoded(Image.new("RGB", (600, 600), RED), "JPEG"))).status == 200
