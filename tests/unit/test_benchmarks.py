"""The benchmarks work: they import without the references' libraries, drive a server, and divide the right figures."""

import ast
import os
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks import BenchmarkError, Process, family
from benchmarks.load import Expected, Round, drive, once, post
from benchmarks.sides import BARE, Side, table, take_turns
from benchmarks.stage import OK, REFERENCES, login_body, options_for, repeated, run_command

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
SCRIPTS = ("login", "first_visit", "refresh", "introspect", "start", "dashboard", "export", "held")


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    process = Process(BARE, ["-m", "benchmarks.bare"], tmp_path_factory.mktemp("bare") / "log")
    yield Side(
        BARE, process.wait_for(r"(http://\S+)\n"), repeated(OK, [post("/", b"{}")]), {"server": process.pid}
    )
    process.stop()


def test_two_rounds_over_two_connections_are_counted_with_their_cpu(bare):
    take_turns([bare], connections=2, rounds=2, seconds=0.02)

    assert len(bare.rounds) == len(bare.cpu) == 2
    assert bare.made > bare.answered > 0
    assert set(bare.cpu[0]) == {"server", "generator"}


def test_a_side_of_a_larger_share_gets_as_many_times_the_connections(bare, monkeypatch):
    seen = []

    def noted(*arguments, connections, **options):
        seen.append(connections)
        return drive(*arguments, connections=connections, **options)

    monkeypatch.setattr("benchmarks.sides.drive", noted)
    larger = replace(bare, share=3, rounds=[], cpu=[])
    take_turns([bare, larger], connections=2, rounds=1, seconds=0.02)

    assert seen == [2, 6, 2, 6]


def test_a_visit_sends_its_next_request_after_the_answer(bare):
    answers = []

    def visit():
        answers.append((yield post("/one", b"{}"), OK))
        answers.append((yield post("/two", b"{}"), OK))

    done = drive(bare.url, [visit(), visit()], connections=1)

    assert done.answered == 2
    assert answers == [b'{"ok": true}'] * 4


@pytest.mark.parametrize("expected", [Expected(401, b"ok"), Expected(200, b"access_token")])
def test_an_answer_that_is_not_the_expected_one_ends_the_run(bare, expected):
    with pytest.raises(BenchmarkError, match="answered"):
        drive(bare.url, [once(post("/", b"{}"), expected)], connections=1)


def test_the_cpu_of_a_server_is_that_of_its_children_too(bare):
    assert bare.pids["server"] in family(os.getpid())
    assert family(bare.pids["server"]) == [bare.pids["server"]]


def a_side(name, *, answered, cpu, mongod=None):
    side = Side(name, "http://unused.test", repeated(OK, [b""]), {"server": os.getpid()})
    costs = {"server": cpu, "generator": 0.1}
    if mongod is not None:
        side.pids = {**side.pids, "mongod": os.getpid()}
        costs["mongod"] = mongod
    side.rounds = [Round(2.0, 0.1, [0.01] * answered), Round(2.0, 0.1, [0.02] * answered)]
    side.cpu = [costs, costs]
    return side


def test_the_table_tells_rates_costs_and_how_they_compare():
    ours = a_side("wxpassport", answered=100, cpu=0.1, mongod=0.2)
    bare = a_side(BARE, answered=200, cpu=0.1)
    reference = a_side("plain_tornado", answered=20, cpu=0.2, mongod=0.1)

    rows = {
        cells[1].strip(): [cell.strip() for cell in cells[2:-1]]
        for line in reversed(table([ours, bare, reference]).splitlines())
        if (cells := line.split("|"))
    }

    assert rows["per second"] == ["50", "100", "10"]
    assert rows["CPU ms each: server"] == ["1.000", "0.500", "10.000"]
    assert rows["… its inverse, of bare"] == ["0.500 (0.500–0.500)", "1", "0.050 (0.050–0.050)"]
    assert rows["… mongod"] == ["2.000", "", "5.000"]
    assert rows["per second: the first to it"] == ["", "", "5.0 (5.0–5.0)"]
    assert rows["CPU of server and mongod: it to the first"] == ["", "", "5.00 (5.00–5.00)"]


def test_every_login_has_a_code_of_its_own():
    assert len({login_body(1) for _ in range(20)}) == 20


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_imports_without_the_libraries_of_the_references(script):
    assert import_module(f"benchmarks.{script}").main


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_reference_reads_once_and_writes_twice_and_durably(reference):
    text = (FOLDER / "reference" / f"{reference}.py").read_text(encoding="utf-8")

    used = [node.attr for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)]

    assert {"find_one", "update_one", "insert_one", "DURABLE"} <= set(used)


def test_quick_is_one_short_round_and_nonsense_is_refused(capsys):
    seen = []
    assert run_command(options_for("test", "A test."), ["--quick"], seen.append) == 0
    assert (seen[0].rounds, seen[0].seconds) == (1, 0.5)
    with pytest.raises(SystemExit):
        run_command(options_for("test", "A test."), ["--rounds", "0"], seen.append)
    assert "more than 0" in capsys.readouterr().err
    assert len(seen) == 1
