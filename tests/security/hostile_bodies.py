"""Bodies that a parser may choke on, guess at, or take for something else: a name, the bytes, the media type."""

from __future__ import annotations

import json
from typing import Any

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
FIELDS = ("code", "encryptedData", "iv", "rawData", "signature", "appid", "grant_type")

_GOOD = '{"code":"c","encryptedData":"AAAAAAAAAAAAAAAAAAAAAA==","iv":"AAAAAAAAAAAAAAAAAAAAAA=="}'


def _deep(depth: int, opening: str, closing: str) -> bytes:
    return (opening * depth + "1" + closing * depth).encode()


HOSTILE_JSON: dict[str, bytes] = {
    "empty": b"",
    "space": b"   ",
    "one brace": b"{",
    "cut in a name": _GOOD[:4].encode(),
    "cut in a value": _GOOD[:20].encode(),
    "cut at the end": _GOOD[:-1].encode(),
    "two objects": (_GOOD + _GOOD).encode(),
    "something after": (_GOOD + "x").encode(),
    "trailing comma": (_GOOD[:-1] + ",}").encode(),
    "comment": (_GOOD[:-1] + "/* */}").encode(),
    "single quotes": b"{'code':'c'}",
    "bare name": b"{code:1}",
    "bad UTF-8": b'{"code":"\xff\xfe"}',
    "cut UTF-8": b'{"code":"\xe5\xb0',
    "overlong UTF-8": b'{"code":"\xc0\xae"}',
    "UTF-8 surrogate": b'{"code":"\xed\xa0\x80"}',
    "Latin-1": '{"code":"é"}'.encode("latin1"),
    "GBK": '{"code":"小美"}'.encode("gbk"),
    "UTF-8 BOM": b"\xef\xbb\xbf" + _GOOD.encode(),
    "UTF-16": _GOOD.encode("utf-16"),
    "UTF-16-LE": _GOOD.encode("utf-16-le"),
    "UTF-16-BE": _GOOD.encode("utf-16-be"),
    "UTF-32": _GOOD.encode("utf-32"),
    "UTF-32-LE": _GOOD.encode("utf-32-le"),
    "UTF-32-BE": _GOOD.encode("utf-32-be"),
    "UTF-7": b"+AHs-",
    "NUL around": b"\x00" + _GOOD.encode() + b"\x00",
    "NUL raw in a string": b'{"code":"a\x00b"}',
    "newline raw in a string": b'{"code":"a\nb"}',
    "1,000 arrays": _deep(1_000, "[", "]"),
    "30,000 arrays": _deep(30_000, "[", "]"),
    "60,000 open arrays": b"[" * 60_000,
    "1,000 objects": _deep(1_000, '{"a":', "}"),
    "60,000 bytes of open objects": b'{"a":' * 12_000,
    "17 levels in a field": b'{"code":' + _deep(17, "[", "]") + b"}",
    "900 levels in an unknown field": _GOOD[:-1].encode() + b',"x":' + _deep(900, "[", "]") + b"}",
    "5,000 digits": b'{"code":' + b"9" * 5_000 + b"}",
    "5,000 digits, negative": b'{"x":-' + b"9" * 5_000 + b"}",
    "NaN": b'{"code":NaN}',
    "NaN unknown": _GOOD[:-1].encode() + b',"x":NaN}',
    "Infinity": b'{"code":Infinity}',
    "-Infinity": b'{"code":-Infinity}',
    "1e999": b'{"code":1e999}',
    "same name twice": b'{"code":"a","code":"b"}',
    "same name twice, escaped": b'{"code":"a","c\\u006fde":"b"}',
    "same name twice inside": _GOOD[:-1].encode() + b',"x":{"a":1,"a":2}}',
    "65 members": json.dumps({f"f{n}": 1 for n in range(65)}).encode(),
    "array": b"[]",
    "array of the object": f"[{_GOOD}]".encode(),
    "string": b'"code"',
    "number": b"1",
    "null": b"null",
    "true": b"true",
    "empty object": b"{}",
    "escape \\x": b'{"code":"\\x41"}',
    "half an escape": b'{"code":"\\u12"}',
    "__proto__": b'{"__proto__":{"code":"c"},"constructor":{}}',
}

HOSTILE_FORMS: dict[str, bytes] = {
    "no pairs": b"&&&&",
    "name alone": b"code",
    "twice": b"code=a&code=b",
    "bad percent": b"code=%zz&iv=%",
    "bad UTF-8": b"code=%ff%fe",
    "raw bad UTF-8": b"code=\xff\xfe",
    "surrogate": b"code=%ed%a0%80",
    "NUL": b"code=%00",
    "65 fields": b"&".join(b"f%d=1" % n for n in range(65)),
    "60,000 fields": b"&".join([b"a"] * 30_000),
    "semicolons": b"code=a;iv=b",
    "brackets": b"code[]=a&code[0]=b",
    "UTF-16": "code=a".encode("utf-16"),
}


def odd_values() -> dict[str, Any]:
    """Values that are hostile as themselves, for every field in turn."""
    return {
        "lone high surrogate": "a\ud800b",
        "lone low surrogate": "\udc00",
        "NUL": "a\x00b",
        "only NUL": "\x00",
        "2**63": 2**63,
        "-2**63 - 1": -(2**63) - 1,
        "2**64": 2**64,
        "10**300": 10**300,
        "0": 0,
        "1.5": 1.5,
        "1e308": 1e308,
        "true": True,
        "false": False,
        "null": None,
        "empty": "",
        "spaces": "   ",
        "list": ["c"],
        "empty list": [],
        "object": {"a": 1},
        "10,000 combining marks": "a" + "\u0301" * 10_000,
        "RTL override": "\u202eabc\u202c",
        "isolates": "\u2066\u2067\u2068\u2069",
        "zero width": "a\u200b\u200d\ufeffb",
        "emoji": "👩‍👩‍👧‍👦",
        "CJK extension B": "𠮷",
        "line separators": "a\u2028b\u2029c\x85d",
        "noncharacters": "\ufffe\uffff\U0010ffff",
        "controls": "\x01\x1b[31m\x7f\x9b",
        "full width": "ｃｏｄｅ＝",
        "9,000 letters": "A" * 9_000,
        "CRLF": "a\r\nSet-Cookie: x=1",
        "percent": "%00%ff%zz",
        "format": "%s%n{0}{{7*7}}${jndi:ldap://127.0.0.1/a}",
    }
