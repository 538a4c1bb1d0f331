"""`python -m benchmarks.held`: how long the event loop is held at most, whatever operators do (R-041).

The server of the services runs in this process; one thing after the other is done, and then all of them at once. Those
who ask are processes of their own, so that what is measured is the server alone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

from benchmarks.inside import DATABASE, Inside, curl, serving, watched
from benchmarks.people import APPIDS, connected, fill
from passport.jobs.model import Act, Kind, Selection, State
from passport.models import Act as Noted
from passport.models import Refusal
from passport.operators.passwords import Passwords
from passport.store.refusals import new_refusal_id

_ACTS, _REFUSALS = 5_000, 20_000
_AT_ONCE = 200
Doing = Callable[[Inside], Awaitable[object]]


def main(arguments: Sequence[str]) -> int:
    """Print a line for each thing that is done."""
    parser = argparse.ArgumentParser(prog="benchmarks.held")
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--seconds", type=float, default=10, help="for which a job goes on")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="wxpassport-bench-") as folder:
        asyncio.run(_run(Path(folder), options.users, options.seconds))
    return 0


async def _run(folder: Path, users: int, seconds: float) -> None:
    async with serving(folder) as inside:
        await asyncio.to_thread(_fill, inside.uri, users)
        await _write_past(inside)
        things = _things(seconds)
        # Templates are compiled by the first who asks, and beside the requests.
        await curl(inside, "/admin")
        await asyncio.sleep(3)
        for name, doing in things.items():
            await _tell(name, doing(inside))
        await _tell("all at once", asyncio.gather(*(doing(inside) for doing in things.values())))


async def _tell(name: str, doing: Awaitable[object]) -> None:
    began = time.monotonic()
    async with watched() as held:
        await doing
    print(f"{name:24} {time.monotonic() - began:6.1f} s  {held}", flush=True)


def _things(seconds: float) -> dict[str, Doing]:
    return {
        "nothing": lambda inside: asyncio.sleep(2),
        "users as CSV": lambda inside: curl(inside, "/admin/users/export?format=csv"),
        "users as JSON Lines": lambda inside: curl(inside, "/admin/users/export?format=jsonl"),
        "the audit log as CSV": lambda inside: curl(inside, "/admin/audit/export?format=csv"),
        "the audit log verified": lambda inside: inside.services.admin.audit.verify(),
        "the overview": lambda inside: curl(inside, "/admin?again=[1-50]"),
        "users, searched": lambda inside: curl(inside, "/admin/users?q=%E5%B0%8F%E6%98%8E&again=[1-50]"),
        "refusals": lambda inside: curl(inside, "/admin/refusals?again=[1-50]"),
        "60 passwords": _passwords,
        "a job": lambda inside: _job(inside, seconds),
    }


async def _passwords(inside: Inside) -> None:
    passwords = Passwords()
    for _ in range(15):
        await asyncio.gather(*(passwords.verify(None, "wrong") for _ in range(4)))
    passwords.close()


async def _job(inside: Inside, seconds: float) -> None:
    """Tag everybody, for so long; then have it undone."""
    jobs, act, everybody = inside.services.admin.jobs, Act(Kind.TAG, tag="held"), Selection(query={})
    job = await jobs.start(act, everybody, by=inside.operator, preview=await jobs.preview(act, everybody))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await _until(inside, job.job_id, State.DONE)
    await jobs.stop(job.job_id, by=inside.operator)
    await _until(inside, job.job_id, State.DONE, State.STOPPED)
    await jobs.undo(job.job_id, by=inside.operator)
    await _until(inside, job.job_id, State.UNDONE)


async def _until(inside: Inside, job_id: str, *states: State) -> None:
    """The page of the job asks again every second."""
    while True:
        job = await inside.services.admin.jobs.find(job_id)
        if job is not None and job.state in states:
            return
        await curl(inside, f"/admin/jobs/{job_id}")
        await asyncio.sleep(1)


def _fill(uri: str, users: int) -> None:
    with connected(uri) as client:
        fill(client[DATABASE], users=users, sessions=users // 2)


async def _write_past(inside: Inside) -> None:
    services = inside.services
    for first in range(0, _ACTS, _AT_ONCE):
        acts = (_noted(inside, each) for each in range(first, first + _AT_ONCE))
        await asyncio.gather(*map(services.admin.audit.record, acts))
    for first in range(0, _REFUSALS, _AT_ONCE):
        refusals = [_refusal(inside, each) for each in range(first, first + _AT_ONCE)]
        await services.store.refusals.insert(refusals)


def _noted(inside: Inside, number: int) -> Noted:
    return Noted(
        kind="operator.confirmed",
        actor_id=inside.operator.operator_id,
        actor_name=inside.operator.name,
        target_kind="operator",
        target_id=inside.operator.operator_id,
        before={},
        after={},
        ip="203.0.113.9",
        request_id=f"{number:016x}",
        at=inside.services.admin.now() - timedelta(minutes=number),
    )


def _refusal(inside: Inside, number: int) -> Refusal:
    at = inside.services.admin.now() - timedelta(minutes=number)
    return Refusal(
        refusal_id=new_refusal_id(),
        at=at,
        error="invalid_code",
        status=403,
        kind="InvalidCode",
        operation="token",
        request_id=f"{number:016x}",
        ip="203.0.113.9",
        user_agent="MicroMessenger",
        expires_at=at + timedelta(days=30),
        appid=APPIDS[0],
        wechat_errcode=40029,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
