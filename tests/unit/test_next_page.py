"""`?next=` leads to a page of the dashboard or to the overview, whatever somebody writes there (R-053, CWE-601).

The bad ones are Django's (`tests/utils_tests/test_http.py`, `url_has_allowed_host_and_scheme`) and JupyterHub's
(`test_login_redirect`), with some about our own paths.
"""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest

from handlers.admin.next_page import HOME, safe_next

BAD = [
    "http://example.com", "http:///example.com", "https://example.com", "ftp://example.com", r"\\example.com",
    r"\\\example.com", r"/\\/example.com", r"\\\example.com", r"\\example.com", r"\\//example.com",
    r"/\/example.com", r"\/example.com", r"/\example.com", "http:///example.com", r"http:/\//example.com",
    r"http:\/example.com", r"http:/\example.com", 'javascript:alert("XSS")', "\njavascript:alert(x)",
    "java\nscript:alert(x)", "\x08//example.com", r"http://otherserver\@example.com",
    r"http:\\testserver\@example.com", r"http://testserver\me:pass@example.com",
    r"http://testserver\@example.com", r"http:\\testserver\confirm\me@example.com", "http:999999999",
    "ftp:9999999999", "\n", "http://[2001:cdba:0000:0000:0000:0000:3257:9652/",
    "http://2001:cdba:0000:0000:0000:0000:3257:9652]/", "//example.com", "///example.com", "////example.com",
    "//example.com/admin", "///example.com/admin", "//example.com\\@x", "\t//example.com", " //example.com",
    "/ /example.com", "/\t/example.com", "/%09/example.com", "/%2F/example.com", "/%5Cexample.com",
    "/.//example.com", "/admin//example.com", "/admin/..//example.com", "/admin/../../example.com",
    "/admin/..?x=1", "/admin/users/..?x=/", "/admin/..", "/admin/../", "/admin/../docs",
    "/admin/x/../../docs", "/admin/%2e%2e/docs",
    "/admin/..%2fdocs", "/admin\\..\\docs", "/admin;/x", "/admin#//example.com", "/admin\r\nSet-Cookie: a=b",
    "/admin\n", "/adminx", "/admin.example.com", "/admin@example.com", "admin", "admin/users", "/", "",
    "/docs", "/oauth/token", "https:/admin", "https:admin", "//admin", "data:text/html,x", "vbscript:x",
    "/admin/\x00", "/admin/林", "/admin?" + "x" * 3_000, "@example.com", "?next=/admin", "#/admin",
    "http://127.0.0.1/admin", "//127.0.0.1/admin", "/admin\u2028", "／admin", "/admin/users\ufeff",
]  # fmt: skip
GOOD = [
    "/admin", "/admin/", "/admin/users", "/admin/users/0123456789abcdef01234567",
    "/admin/users?q=%E6%9E%97&status=banned", "/admin/refusals?from=2026-11-01T00:00:00Z",
    "/admin/look-up?token=a.b.c", "/admin?next=//example.com",
]  # fmt: skip


@pytest.mark.parametrize("address", BAD)
def test_what_leads_elsewhere_becomes_the_overview(address: str) -> None:
    assert safe_next(address) == HOME


def test_there_are_enough_of_them() -> None:
    assert len(set(BAD)) >= 60


@pytest.mark.parametrize("address", GOOD)
def test_a_page_of_the_dashboard_is_kept(address: str) -> None:
    assert safe_next(address) == address
    assert (
        urlsplit(urljoin("https://ours.example/admin/sign-in", safe_next(address))).netloc == "ours.example"
    )
