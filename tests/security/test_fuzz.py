"""A short fuzz of a live server by its own OpenAPI document (R-040); `make fuzz` is the long one."""

from __future__ import annotations

from tests.effort import examples
from tests.security.fuzz import ALL_PHASES, demo_server, fuzz


def test_no_answer_of_a_short_fuzz_is_a_server_error_or_undocumented() -> None:
    with demo_server() as (server, stand_in):
        ran = fuzz(server, stand_in, examples=examples(8), phases=ALL_PHASES, seed=1)
    assert ran.status == 0, ran.report
    assert ran.cases > 300
