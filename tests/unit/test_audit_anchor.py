"""The file that anchors the head of the audit log: processes that share it move it on and never back."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from passport.audit.anchor import advance_anchor, read_anchor
from passport.audit.chain import Head

HEADS = [Head(seq, bytes(32)) for seq in range(1, 17)]


def test_the_head_never_moves_back_however_many_write_it_at_once(tmp_path: Path) -> None:
    # Each opens the folder for itself, so threads exclude each other as processes do.
    with ThreadPoolExecutor(len(HEADS)) as writers:
        for attempt in range(5):
            path, order = tmp_path / f"head-{attempt}", random.sample(HEADS, len(HEADS))
            list(writers.map(lambda head, path=path: advance_anchor(path, head), order))
            assert read_anchor(path) == HEADS[-1]
    assert len(list(tmp_path.iterdir())) == 5
