"""The published and the synthetic test vectors of WeChat's payloads, by kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Vector = dict[str, Any]

VECTORS: list[Vector] = json.loads(
    (Path(__file__).parent / "data" / "wechat-vectors.json").read_text("utf-8")
)
OFFICIAL: Vector = next(each for each in VECTORS if each["name"] == "official-userinfo-band")


def of_kind(*kinds: str) -> list[Vector]:
    """The vectors of these kinds; `kind` is userinfo, phone, rundata or signature."""
    return [each for each in VECTORS if each["kind"] in kinds]


def name_of(vector: Vector) -> str:
    """For pytest's `ids`."""
    return str(vector["name"])
