"""Keep workers alive: start, replace, renew one by one, stop; and, when MongoDB is ours, the process that runs it.

One loop, woken by signals and by what children say. What to do follows from which children there are, so that a
worker that dies in the middle of a renewal is nothing special. Forking is in `children`, patience in `restarts`.
"""

from __future__ import annotations

import logging
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from handlers.serving import Terminal
from handlers.workers.children import RETIRE, Child, Main
from handlers.workers.inbox import opened
from handlers.workers.restarts import Restarts
from handlers.workers.serving import Orders
from handlers.workers.tally import Share, Tally
from passport.config import Settings

log = logging.getLogger("wxpassport.workers")

# A worker writes down its last counts and closes its connections after the grace.
_AFTER_GRACE = 5.0
# mongod itself is given 15 s to end.
_MONGOD_ENDS_WITHIN = 20.0
# Seconds for a worker with new settings to get ready, or the old ones stay.
READY_WITHIN = 60.0
# Seconds for which workers wait for mongod to start, so that they need not look for it again and again.
_MONGOD_FIRST = 3.0
_ENDED_WELL, _FAILED = 0, 1


@dataclass(frozen=True, eq=False)
class Plan:
    """What a worker is started with. Two plans are the same only when they are one."""

    settings: Settings


@dataclass(frozen=True)
class Mains:
    """What children do.

    Args:
        worker: serves.
        mongod: runs the embedded mongod until RETIRE; None when MongoDB is not ours.
    """

    worker: Callable[[Orders], Main]
    mongod: Main | None


@dataclass(eq=False)
class _Worker:
    child: Child
    plan: Plan
    share: Share
    started_at: float = field(default_factory=time.monotonic)
    leaves_by: float = float("inf")


class Supervisor:
    """The parent.

    Args:
        settings: to begin with.
        sockets: where workers listen; they are ours to close.
        mains: what children do.
        reload: the settings after SIGHUP; None when they are faulty, which it has said then.
    """

    def __init__(
        self,
        settings: Settings,
        sockets: list[socket.socket],
        mains: Mains,
        reload: Callable[[], Settings | None],
    ) -> None:
        self._sockets, self._mains, self._reload = sockets, mains, reload
        # The plan that workers are to have, and the last one that one of them got ready with.
        self._wanted = self._proven = Plan(settings)
        self._tally = Tally()
        self._workers: list[_Worker] = []
        self._coming: _Worker | None = None
        self._leaving: list[_Worker] = []
        self._mongod: Child | None = None
        self._mongod_told = False
        self._greeter: Child | None = None
        self._restarts, self._mongod_restarts = Restarts(), Restarts()
        # Nothing before these times. A mongod that is slow to start is not waited for: /healthz is to answer.
        self._mongod_not_before = time.monotonic()
        self._not_before = self._mongod_not_before + (_MONGOD_FIRST if mains.mongod else 0.0)
        self._mongod_was_ready = False
        self._all_ready = False
        self._status: int | None = None
        self._mongod_ends_by = float("inf")
        self._now = 0.0

    def run(self) -> int:
        """Keep workers until SIGTERM, SIGINT or despair; the exit status. Nothing is left running."""
        self._terminal = Terminal()
        with opened() as self._inbox:
            while not self._over:
                numbers = self._inbox.wait(self._until_due())
                self._now = time.monotonic()
                for number in numbers:
                    self._obey(number)
                self._reap()
                self._kill_the_late()
                if self._status is None:
                    self._keep()
                else:
                    self._see_off()
        return self._status or _ENDED_WELL

    @property
    def _over(self) -> bool:
        return self._status is not None and not (self._everybody or self._mongod)

    @property
    def _everybody(self) -> list[_Worker]:
        return [*self._workers, *([self._coming] if self._coming else []), *self._leaving]

    # What happened

    def _until_due(self) -> float | None:
        due = [self._not_before, self._mongod_not_before, self._mongod_ends_by]
        if self._coming:
            due.append(self._coming.started_at + READY_WITHIN)
        due += [worker.leaves_by for worker in self._leaving]
        # What was due when we acted last is done.
        next_due = min((moment for moment in due if moment > self._now), default=float("inf"))
        return None if next_due == float("inf") else max(0.0, next_due - time.monotonic())

    def _obey(self, number: int) -> None:
        hung_up = number == signal.SIGHUP and self._terminal.is_closed()
        if number == signal.SIGHUP and not hung_up and self._status is None:
            self._renew()
        elif hung_up or number in (signal.SIGTERM, signal.SIGINT):
            self._stop_now() if self._status is not None else self._stop(_ENDED_WELL)

    def _renew(self) -> None:
        settings = self._reload()
        if settings is not None:
            log.info("workers are renewed, one by one", extra={"processes": settings.server.processes})
            self._wanted, self._all_ready = Plan(settings), False

    def _reap(self) -> None:
        for worker in self._everybody:
            status = worker.child.ended()
            if status is not None:
                self._inbox.forget(worker.child)
                self._tally.give_back(worker.share)
                self._note_end(worker, status)
        if self._mongod is not None and (status := self._mongod.ended()) is not None:
            self._inbox.forget(self._mongod)
            self._note_end_of_mongod(self._mongod, status)

    def _note_end(self, worker: _Worker, status: int) -> None:
        if worker in self._leaving:
            self._leaving.remove(worker)
            if status and status != -signal.SIGKILL:
                log.warning("a worker left badly", extra={"worker": worker.child.pid, "exit_status": status})
        elif worker is self._coming:
            self._coming = None
            self._give_up_plan(worker, f"ended with {status}")
        else:
            self._workers.remove(worker)
            self._all_ready = False
            if worker.child is self._greeter and worker.child.ready_at is None:
                self._greeter = None
            self._mourn(worker, status)

    def _mourn(self, worker: _Worker, status: int) -> None:
        ready_at = worker.child.ready_at
        pause = self._restarts.pause(ready_for=None if ready_at is None else self._now - ready_at)
        self._not_before = self._now + pause
        told = {"worker": worker.child.pid, "exit_status": status, "delay_seconds": pause}
        log.warning("a worker ended and is replaced", extra=told)
        if ready_at is None and self._restarts.hopeless(at=self._now):
            log.error("giving up: workers end before they are ready; the lines above say why")
            self._stop(_FAILED)

    def _note_end_of_mongod(self, keeper: Child, status: int) -> None:
        self._mongod = None
        if self._status is not None:
            return
        if keeper.ready_at is None and not self._mongod_was_ready:
            self._stop(_FAILED)  # it could not be started at all, and it has said why
            return
        pause = self._mongod_restarts.pause(
            ready_for=None if keeper.ready_at is None else self._now - keeper.ready_at
        )
        self._mongod_not_before = self._now + pause
        log.warning(
            "the process that runs mongod ended and is started again",
            extra={"exit_status": status, "delay_seconds": pause},
        )

    # What is to be done

    def _keep(self) -> None:
        """Bring about what is wanted, as far as it is time."""
        self._see_who_is_ready()
        if self._mongod and self._mongod.ready_at is not None and not self._mongod_was_ready:
            self._mongod_was_ready, self._not_before = True, self._now
        try:
            if self._mains.mongod and self._mongod is None and self._now >= self._mongod_not_before:
                self._mongod = self._inbox.fork(self._mains.mongod)
            if self._now >= self._not_before:
                self._fill_up()
                self._renew_one()
        except OSError as error:
            self._not_before = self._now + self._restarts.pause(ready_for=None)
            log.error("the system has no room for another process", extra={"reason": str(error)})

    def _fill_up(self) -> None:
        while len(self._workers) < self._proven.settings.server.processes:
            self._workers.append(self._start(self._proven, renews=False))

    def _see_who_is_ready(self) -> None:
        if self._coming and self._coming.child.ready_at is not None:
            self._proven = self._coming.plan
            self._workers.append(self._coming)
            self._coming = None
            self._retire_one_of(self._stale)
        elif self._coming and self._now >= self._coming.started_at + READY_WITHIN:
            late, self._coming = self._coming, None
            self._leaving.append(late)
            late.leaves_by = self._now
            self._give_up_plan(late, f"was not ready after {READY_WITHIN:.0f} s")
        if any(each.child.ready_at is not None for each in self._workers):
            self._restarts.ready()
        if not self._all_ready and self._is_settled():
            self._all_ready = True
            log.info("all workers are ready", extra={"workers": [each.child.pid for each in self._workers]})

    def _is_settled(self) -> bool:
        return len(self._workers) == self._wanted.settings.server.processes and all(
            each.plan is self._wanted and each.child.ready_at is not None for each in self._workers
        )

    def _renew_one(self) -> None:
        """Take the next step from the workers that there are to those that are wanted."""
        if self._stale and len(self._workers) > self._proven.settings.server.processes:
            self._retire_one_of(self._stale)
        elif self._stale and self._coming is None:
            self._coming = self._start(self._wanted, renews=True)

    def _give_up_plan(self, worker: _Worker, why: str) -> None:
        told = {"worker": worker.child.pid, "why": why}
        if worker.plan is not self._wanted:
            return
        if self._proven is self._wanted:
            self._not_before = self._now + self._restarts.pause(ready_for=None)
            log.warning("a worker with the new configuration is tried again", extra=told)
        else:
            self._wanted = self._proven
            log.error("the new configuration does not work, the old workers go on", extra=told)

    @property
    def _stale(self) -> list[_Worker]:
        return [each for each in self._workers if each.plan is not self._wanted]

    def _retire_one_of(self, workers: list[_Worker]) -> None:
        for worker in workers[:1]:
            self._workers.remove(worker)
            self._leaving.append(worker)
            worker.child.send(RETIRE)
            # One grace for its connections to end by themselves, one for what is in flight then.
            worker.leaves_by = self._now + 2 * _grace(worker) + _AFTER_GRACE

    def _start(self, plan: Plan, *, renews: bool) -> _Worker:
        greets = self._greeter is None
        share = self._tally.take()
        try:
            child = self._inbox.fork(self._mains.worker(Orders(plan.settings, greets, renews, share)))
        except OSError:
            self._tally.give_back(share)
            raise
        if greets:
            self._greeter = child
        return _Worker(child, plan, share)

    # The end

    def _stop(self, status: int) -> None:
        """Have everybody finish what is in flight, and take no more connections."""
        log.info("stopping all workers", extra={"workers": [each.child.pid for each in self._everybody]})
        self._status = status
        for each in self._sockets:
            each.close()
        for worker in self._everybody:
            worker.child.send(signal.SIGTERM)
            worker.leaves_by = self._now + _grace(worker) + _AFTER_GRACE
        self._leaving, self._workers, self._coming = self._everybody, [], None

    def _stop_now(self) -> None:
        log.warning("ended at once, by a second signal")
        self._status = _FAILED
        for worker in self._leaving:
            worker.leaves_by = self._now

    def _kill_the_late(self) -> None:
        for worker in self._leaving:
            if self._now >= worker.leaves_by:
                worker.leaves_by = float("inf")
                log.warning("a worker is killed", extra={"worker": worker.child.pid})
                worker.child.send(signal.SIGKILL)

    def _see_off(self) -> None:
        """MongoDB ends when nobody is left who needs it."""
        if self._mongod is None or self._leaving:
            return
        if not self._mongod_told:
            self._mongod_told = True
            self._mongod.send(RETIRE)
            self._mongod_ends_by = self._now + _MONGOD_ENDS_WITHIN
        elif self._now >= self._mongod_ends_by:
            self._mongod_ends_by = float("inf")
            self._mongod.send(signal.SIGKILL)


def _grace(worker: _Worker) -> float:
    return worker.plan.settings.server.shutdown_grace.total_seconds()
