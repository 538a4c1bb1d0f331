"""`python -m benchmarks.dashboard`: every page and filter of the dashboard over a million users, and logins beside it.

The users and sign-ins are made up (`benchmarks/people.py`) and written into the server's own embedded MongoDB before it
starts. Each page is asked for over one kept-alive connection; what it read is told by mongod's profiler in a pass of
its own. Then returning users sign in, alone and beside operators who search without pause (R-027). The figures are in
benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import platform
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from itertools import count, cycle, islice
from pathlib import Path
from re import findall, search
from typing import Any
from urllib.parse import urlencode, urlsplit

from benchmarks import BenchmarkError, running, wait_until_ready, write_config
from benchmarks.load import Expected, Round, Visit, drive, once, post
from benchmarks.people import APPIDS, TAGS, connected, fill
from passport.clock import utc_now
from passport.models import Device
from passport.operators.sessions import OperatorSessions
from passport.store import Store
from passport.store.embedded import EmbeddedMongo
from sandbox.people import payload_for

TOKEN = Expected(200, b'"access_token":"')
CREATED = Expected(201, b'"account_id":"')
LOGIN_APPID = "wx00000000000000b1"
LOGIN_USERS, CONNECTIONS, OPERATORS = 300, 8, 200
ORDERS = ("", "seen-desc", "seen-asc", "sign_ins-desc", "sign_ins-asc")
FILTERS: dict[str, dict[str, str]] = {
    "everybody": {},
    "active": {"status": "active"},
    "banned": {"status": "banned"},
    "ban over": {"status": "ban_ended"},
    "an app of 70 %": {"app": APPIDS[0]},
    "an app of 5 %": {"app": APPIDS[2]},
    "an app of 0.1 %": {"app": APPIDS[3]},
    "registered on a day": {"registered_from": "2026-10-01", "registered_to": "2026-10-01"},
    "registered in a month": {"registered_from": "2025-03-01", "registered_to": "2025-03-31"},
    "registered in a year": {"registered_from": "2025-01-01", "registered_to": "2025-12-31"},
    "seen on a day": {"seen_from": "2026-11-20", "seen_to": "2026-11-20"},
    "not seen for long": {"seen_to": "2024-12-31"},
    "a phone": {"phone": "yes"},
    "no phone": {"phone": "no"},
    "no unionid": {"unionid": "no"},
    "a tag": {"tag": TAGS[0]},
    "banned, an app": {"status": "banned", "app": APPIDS[2]},
    "a tag, seen": {"tag": TAGS[0], "seen_from": "2026-11-01"},
}
NAMES = ("小", "明", "小明", "王小明", "mar", "marta", "m", "熊猫", "heron", "quiet heron", "zzzz")


@dataclass(frozen=True)
class Ask:
    """A page: what it is called, and its path."""

    name: str
    path: str


@dataclass
class Asked:
    """What came of a page: the milliseconds of each time, and the most that a question of it read."""

    ask: Ask
    times: list[float]
    documents: int = 0
    keys: int = 0
    plans: frozenset[str] = frozenset()


class Browser:
    """An operator's browser, as far as time goes."""

    def __init__(self, url: str, cookie: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        self._http = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=30)
        self._headers = {"Cookie": cookie, "Accept-Language": "en"}

    def get(self, path: str) -> tuple[float, str]:
        """Milliseconds, and the page; a list that was given up is one. Raises BenchmarkError for anything else."""
        began = time.perf_counter()
        self._http.request("GET", path, headers=self._headers)
        answer = self._http.getresponse()
        body = answer.read().decode()
        if answer.status not in (200, 503):
            raise BenchmarkError(f"{path}: {answer.status}")
        return (time.perf_counter() - began) * 1000, body


def pages(browser: Browser, database: Any, only: str) -> list[Ask]:
    """Every page that is asked for: each list at its beginning and at its end, and how many there are.

    Of the lists those alone whose name the pattern is found in.
    """
    one = database["users"].find_one({"phone": {"$exists": True}, "unionid": {"$exists": True}})
    exact = {
        "openid": one["identities"][0]["openid"],
        "unionid": one["unionid"],
        "account id": str(one["_id"]),
        "phone": one["phone"]["number"],
        "session id": str(database["sessions"].find_one()["_id"]),
    }
    asks = [
        Ask("the overview", "/admin"),
        Ask("one user", f"/admin/users/{one['_id']}"),
        Ask("what went wrong", "/admin/refusals"),
        Ask("the audit log", "/admin/audit"),
    ]
    lists = [
        (name, {**query, **({"order": order} if order else {})})
        for name, query in FILTERS.items()
        for order in ORDERS
    ]
    lists += [(f"“{text}”", {"q": text}) for text in NAMES] + [
        (name, {"q": text}) for name, text in exact.items()
    ]
    for name, query in lists:
        if not search(only, name):
            continue
        order = query.get("order", "")
        asks.append(Ask(f"{name}{', ' if order else ''}{order}", f"/admin/users?{urlencode(query)}"))
        _, body = browser.get(asks[-1].path)
        if links := findall(r'href="([^"]*last=yes[^"]*)"', body):
            asks.append(Ask(f"{name}{', ' if order else ''}{order}, last page", unescape(links[0])))
            _, body = browser.get(asks[-1].path)
            if links := findall(r'href="([^"]*before=[^"]*)"', body):
                asks.append(Ask(f"{name}{', ' if order else ''}{order}, last but one", unescape(links[0])))
        if not order:
            asks.append(Ask(f"{name}, how many", f"/admin/users/total?{urlencode(query)}"))
    return asks


def measure(browser: Browser, database: Any, asks: Sequence[Ask], *, rounds: int) -> list[Asked]:
    """Each page in turn, as often as there are rounds; then once more under the profiler."""
    found = [Asked(ask, []) for ask in asks]
    for _ in range(rounds):
        for each in found:
            each.times.append(browser.get(each.ask.path)[0])
    for each in found:
        profiled = _profiled(database, lambda path=each.ask.path: browser.get(path))
        each.documents = max((entry.get("docsExamined", 0) for entry in profiled), default=0)
        each.keys = max((entry.get("keysExamined", 0) for entry in profiled), default=0)
        each.plans = frozenset(plan for entry in profiled if (plan := entry.get("planSummary", "")))
    return found


def _profiled(database: Any, act: Any) -> list[dict[str, Any]]:
    database.command("profile", 0)
    database.drop_collection("system.profile")
    database.create_collection("system.profile", capped=True, size=16 * 2**20)
    database.command("profile", 2)
    act()
    database.command("profile", 0)
    return [
        each
        for each in database["system.profile"].find()
        if each["ns"].endswith((".users", ".sessions")) and each.get("appName") == "wxpassport"
    ]


def logins(url: str, seconds: float) -> Round:
    """Returning users sign in for so long."""
    return drive(url, _visits("/oauth/token", TOKEN, 10**9), connections=CONNECTIONS, seconds=seconds)


_fresh = count()
# Others in each run, since a kept database knows those of the one before.
_FIRST = int(time.time()) % 10**6 * LOGIN_USERS


def _visits(path: str, expected: Expected, number: int) -> Iterator[Visit]:
    now = int(time.time())
    for user in islice(cycle(range(_FIRST, _FIRST + LOGIN_USERS)), number):
        fields = {"code": f"bench-{user}-{next(_fresh)}", **payload_for(user, now, LOGIN_APPID)}
        yield once(post(path, json.dumps(fields, ensure_ascii=False).encode()), expected)


async def prepare(data: Path, *, users: int, sessions: int) -> str:
    """Fill the data folder of a server that does not run yet; the cookie of an operator."""
    mongo = EmbeddedMongo(data)
    await mongo.start()
    try:
        began = time.perf_counter()
        with connected(mongo.uri) as client:
            if not client["wxpassport"]["users"].estimated_document_count():
                await asyncio.to_thread(fill, client["wxpassport"], users=users, sessions=sessions)
        print(
            f"{users:,} users and {sessions:,} sign-ins written in {time.perf_counter() - began:.0f} s",
            flush=True,
        )
        began = time.perf_counter()
        async with aclosing(Store(mongo.uri, "wxpassport", timeout=timedelta(minutes=30))) as store:
            await store.make_indexes()
            print(f"indexes made in {time.perf_counter() - began:.0f} s", flush=True)
            made = await store.operators.insert("lin", role="operator", at=utc_now())
            operator = made or await store.operators.find_by_name("lin")
            assert operator
            sessions_of = OperatorSessions(
                store=store.operator_sessions, operators=store.operators, now=utc_now
            )
            return f"__Host-sid={await sessions_of.start(operator, Device('127.0.0.1', 'a benchmark'))}"
    finally:
        await mongo.stop()


def run(options: argparse.Namespace) -> None:
    """Write, start, measure, print."""
    with ExitStack() as stack:
        folder = Path(options.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="wxp-bench-")))
        load_before = os.getloadavg()[0]
        cookie = asyncio.run(
            prepare(folder / "data" / "mongodb", users=options.users, sessions=options.sessions)
        )
        secret = secrets.token_hex(16)
        sandbox = ["-m", "sandbox", "--port", "0", "--auto-codes", "--app", f"{LOGIN_APPID}:{secret}"]
        stand_in = stack.enter_context(running("stand-in", sandbox, folder))
        apps = [{"appid": LOGIN_APPID, "secret": secret}]
        config = write_config(folder, {"base_url": stand_in.wait_for(r"(http://\S+)\n"), "apps": apps})
        server = stack.enter_context(running("server", ["server.py", "--config", str(config)], folder))
        url = server.wait_for(r'"url": "(http://[^"]+)"')
        wait_until_ready(url, server)
        database = stack.enter_context(connected(EmbeddedMongo(folder / "data" / "mongodb").uri))[
            "wxpassport"
        ]
        browser = Browser(url, cookie)
        found = measure(browser, database, pages(browser, database, options.only), rounds=options.rounds)
        print(
            f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, load before {load_before:.1f} and after "
            f"{os.getloadavg()[0]:.1f}, Python {platform.python_version()}\n"
        )
        print(_table(found), flush=True)
        if not options.seconds:
            return
        drive(url, _visits("/accounts/wxapp", CREATED, LOGIN_USERS), connections=CONNECTIONS)
        logins(url, 2)
        alone = [logins(url, options.seconds)]
        with running(
            "searches", ["-m", "benchmarks.searches", url, cookie, str(OPERATORS)], folder
        ) as searches:
            searches.wait_for("(searching)")
            beside = [logins(url, options.seconds)]
        alone.append(logins(url, options.seconds))
        print(_logins("alone", alone))
        print(_logins(f"beside {OPERATORS} operators who search", beside))
        print(searches.tail())


def _percentiles(times: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(times)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]


def _table(found: Sequence[Asked]) -> str:
    lines = ["| page | p50 ms | p95 ms | documents | keys | plan |", "|---|---|---|---|---|---|"]
    for each in found:
        p50, p95 = _percentiles(each.times)
        plans = "; ".join(sorted(plan.replace("IXSCAN ", "") for plan in each.plans)) or "–"
        lines.append(
            f"| {each.ask.name} | {p50:.0f} | {p95:.0f} | {each.documents:,} | {each.keys:,} | {plans[:120]} |"
        )
    p50, p95 = _percentiles([time for each in found for time in each.times])
    walked = [each.ask.name for each in found if any("COLLSCAN" in plan for plan in each.plans)]
    slow = [each.ask.name for each in found if _percentiles(each.times)[1] > 100]
    lines.append(
        f"\nall {len(found)} pages: p50 {p50:.0f} ms, p95 {p95:.0f} ms; over 100 ms at p95: {slow or 'none'}"
    )
    lines.append(f"walked a collection: {walked or 'none'}")
    return "\n".join(lines)


def _logins(name: str, rounds: Sequence[Round]) -> str:
    latencies = [latency * 1000 for each in rounds for latency in each.latencies]
    cuts = statistics.quantiles(latencies, n=100)
    rate = sum(each.answered for each in rounds) / sum(each.elapsed for each in rounds)
    return f"logins {name}: {rate:.0f} per second, p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms"


def main(arguments: Sequence[str]) -> int:
    """The command line; the exit status is 0, or 1 when the run failed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.dashboard", description="The dashboard at scale."
    )
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--sessions", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=9, help="how often each page is asked for (default: 9)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of logins; 0 for none (default: 10)")
    parser.add_argument("--only", default="", help="of the lists, those whose name has this pattern in it")
    parser.add_argument(
        "--keep", default=None, help="a private folder that keeps the users for another run; 5 GB"
    )
    options = parser.parse_args(arguments)
    try:
        run(options)
    except BenchmarkError as error:
        print("benchmark failed:", error, *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
