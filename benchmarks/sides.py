"""What is compared: the servers, the rounds they take in turns, and the table that comes of it."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks import cpu_seconds, family, resident_mb
from benchmarks.load import Round, Visit, drive

BARE = "bare"
# What a server leaves for later is counted, too: CPU is read this long after the last answer.
_SETTLE = 0.3
_QUIET, _QUIET_LIMIT = 0.03, 20.0
_WARM_UP, _WARM_UP_VISITS = 1.0, 5_000


@dataclass(eq=False)
class Side:
    """A server, and what it did in all rounds.

    Args:
        name: the head of its column.
        url: where it listens.
        visits: makes so many visits, each of which may be made once.
        pids: whose CPU is told; those of `server` with their children.
        database: where it keeps its sessions, if it does.
        share: how many times as many connections as others it gets.
    """

    name: str
    url: str
    visits: Callable[[int], Iterable[Visit]]
    pids: Mapping[str, int]
    database: str = ""
    share: int = 1
    rounds: list[Round] = field(default_factory=list)
    cpu: list[dict[str, float]] = field(default_factory=list)
    made: int = 0
    _fastest: float = 0.0

    def settle(self) -> None:
        """Wait until it does no more of what a start leaves for later, such as compiling templates."""
        deadline = time.monotonic() + _QUIET_LIMIT
        before, now = 0.0, sum(self._cpu().values())
        while now - before > _QUIET and time.monotonic() < deadline:
            time.sleep(_SETTLE)
            before, now = now, sum(self._cpu().values())

    def warm_up(self, *, connections: int, seconds: float = _WARM_UP) -> None:
        """A round that is not counted but tells how many visits the others need."""
        done = drive(self.url, self.visits(_WARM_UP_VISITS), connections=connections, seconds=seconds)
        self.made += done.answered
        self._fastest = done.answered / done.elapsed

    def measure(self, *, connections: int, seconds: float) -> None:
        """One round, with the CPU that each process spent on it."""
        # Prepared before the clock starts. Should they run out, the round ends early and counts so.
        enough = int(1.5 * seconds * max([self._fastest, *self.rates])) + connections
        visits = self.visits(enough)
        before = self._cpu()
        done = drive(self.url, visits, connections=connections, seconds=seconds)
        time.sleep(_SETTLE)
        spent = {name: now - before[name] for name, now in self._cpu().items()}
        spent["generator"] = done.cpu
        self.rounds.append(done)
        self.cpu.append(spent)
        self.made += done.answered

    def _cpu(self) -> dict[str, float]:
        return {
            name: sum(cpu_seconds(each) for each in (family(pid) if name == "server" else [pid]))
            for name, pid in self.pids.items()
        }

    @property
    def answered(self) -> int:
        """Visits in all rounds."""
        return sum(each.answered for each in self.rounds)

    @property
    def rates(self) -> list[float]:
        """Visits per second, round by round."""
        return [each.answered / each.elapsed for each in self.rounds]

    @property
    def rate(self) -> float:
        """Visits per second over all rounds."""
        return self.answered / sum(each.elapsed for each in self.rounds)

    def cost(self, name: str) -> float:
        """Milliseconds of this process's CPU per visit."""
        return sum(each[name] for each in self.cpu) / self.answered * 1000

    def costs(self, name: str) -> list[float]:
        """The same, round by round."""
        return [spent[name] / done.answered * 1000 for spent, done in zip(self.cpu, self.rounds, strict=True)]

    def percentile(self, percent: int) -> float:
        """Of the latencies, in milliseconds."""
        latencies = [latency for each in self.rounds for latency in each.latencies]
        return statistics.quantiles(latencies, n=100)[percent - 1] * 1000

    def resident(self) -> float:
        """The megabytes of the server; pages that its processes share count in each."""
        return sum(resident_mb(each) for each in family(self.pids["server"]))


def take_turns(sides: Sequence[Side], *, connections: int, rounds: int, seconds: float) -> None:
    """Rounds in turns, each second one in reverse, so that whatever else the machine does hits all sides."""
    for side in sides:
        side.settle()
    for side in sides:
        side.warm_up(connections=connections * side.share, seconds=min(seconds, _WARM_UP))
    for number in range(rounds):
        for side in sides if number % 2 == 0 else reversed(sides):
            side.measure(connections=connections * side.share, seconds=seconds)


def machine() -> str:
    """When and where, for the head of the figures."""
    return (
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}"
    )


def table(sides: Sequence[Side]) -> str:
    """Everything of every side in Markdown; the first side is ours, and one is the bare handler."""
    first, bare = sides[0], next(each for each in sides if each.name == BARE)
    others = [each for each in sides if each not in (first, bare)]
    lines = [
        ["", *(each.name for each in sides)],
        ["---"] * (len(sides) + 1),
        ["per second", *(f"{each.rate:,.0f}" for each in sides)],
        ["… of bare", *("1" if each is bare else _ratio_of_rate(each, bare) for each in sides)],
        ["CPU ms each: server", *(_cost(each, "server") for each in sides)],
        ["… of bare", *("1" if each is bare else _ratio_of_cost(each, bare, "server") for each in sides)],
        # What its rate would be of bare's if each had a core of its own, and the others enough of theirs.
        [
            "… its inverse, of bare",
            *("1" if each is bare else _inverse_of_cost(each, bare) for each in sides),
        ],
        *(
            [f"… {name}", *(_cost(each, name) for each in sides)]
            for name in ("mongod", "stand-in", "generator")
        ),
        ["p50 ms", *(f"{each.percentile(50):.1f}" for each in sides)],
        ["p99 ms", *(f"{each.percentile(99):.1f}" for each in sides)],
        ["RSS MB: server", *(f"{each.resident():.0f}" for each in sides)],
    ]
    if mongod := first.pids.get("mongod"):
        lines.append(["… mongod, of all", f"{resident_mb(mongod):.0f}", *[""] * (len(sides) - 1)])
    if others:
        rates = [_ratio_of_rate(first, each, 1) if each in others else "" for each in sides]
        costs = [_ratio_of_cost(each, first, "server", "mongod") if each in others else "" for each in sides]
        lines += [
            ["per second: the first to it", *rates],
            ["CPU of server and mongod: it to the first", *costs],
        ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(sides) + 1)]
    return "\n".join(f"| {' | '.join(map(str.ljust, line, widths))} |" for line in lines)


def _cost(side: Side, name: str) -> str:
    return f"{side.cost(name):.3f}" if name in side.cpu[0] else ""


def _ratio_of_rate(one: Side, other: Side, digits: int = 3) -> str:
    return _ratio(one.rates, other.rates, one.rate / other.rate, digits)


def _ratio_of_cost(one: Side, other: Side, *names: str) -> str:
    """Of the CPU of these processes together; a side without one of them spent nothing there."""
    (whole, each), (whole_other, each_other) = (
        (
            sum(side.cost(name) for name in names if name in side.pids),
            [
                sum(costs)
                for costs in zip(*(side.costs(name) for name in names if name in side.pids), strict=True)
            ],
        )
        for side in (one, other)
    )
    return _ratio(each, each_other, whole / whole_other, 2)


def _inverse_of_cost(one: Side, other: Side) -> str:
    return _ratio(other.costs("server"), one.costs("server"), other.cost("server") / one.cost("server"))


def _ratio(ones: Sequence[float], others: Sequence[float], whole: float, digits: int = 3) -> str:
    """In brackets the lowest and the highest round."""
    each = [one / other for one, other in zip(ones, others, strict=True)]
    return f"{whole:.{digits}f} ({min(each):.{digits}f}–{max(each):.{digits}f})"
