"""`python -m benchmarks.searches URL COOKIE NUMBER`: so many operators search at once, again and again, until ended.

A process of its own, so that it takes nothing from the load generator that is measured beside it.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
import sys
from collections import Counter

import aiohttp

# What an operator types, from the most common to what nobody is called.
TYPED = ("小", "明", "小明", "王", "mar", "m", "熊猫", "heron", "zzzz", "李小龙")


async def search(url: str, cookie: str, number: int) -> Counter[int]:
    """How often each status was answered, until SIGTERM."""
    answered: Counter[int] = Counter()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=number), headers={"Cookie": cookie}
    ) as http:

        async def operator(first: int) -> None:
            for text in itertools.islice(itertools.cycle(TYPED), first, None):
                async with http.get(f"{url}/admin/users", params={"q": text}) as answer:
                    await answer.read()
                    answered[answer.status] += 1

        operators = [asyncio.ensure_future(operator(each % len(TYPED))) for each in range(number)]
        print("searching", flush=True)
        await stopped.wait()
        for each in operators:
            each.cancel()
        await asyncio.gather(*operators, return_exceptions=True)
    return answered


if __name__ == "__main__":
    found = asyncio.run(search(sys.argv[1], sys.argv[2], int(sys.argv[3])))
    print("answered", dict(sorted(found.items())), flush=True)
