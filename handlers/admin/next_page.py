"""Where to go after signing in, as the address says it. Only ever a page of this dashboard."""

from __future__ import annotations

import re

HOME = "/admin"
# One slash, then nothing that a browser or a proxy would take for a host, a scheme or a line break.
_PAGE = re.compile(r"/admin(?:/[A-Za-z0-9_~.-]+)*/?(?:\?[A-Za-z0-9_~.,:;!$&'()*+=@%/?-]*)?")
_LONGEST = 2_000


def safe_next(address: str) -> str:
    """The address when it is a page of the dashboard, else the overview (CWE-601)."""
    path = address.partition("?")[0]
    usable = len(address) <= _LONGEST and _PAGE.fullmatch(address) and "/../" not in f"{path}/"
    return address if usable else HOME
