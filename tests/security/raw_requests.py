"""Requests that two HTTP parsers could read differently, as bytes. Each must end in a refusal or a closed connection.

In most of them `SMUGGLED` stands where a parser that reads the other way would find a second request.
"""

from __future__ import annotations

SMUGGLED = b"GET /healthz?smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
_BODY = b'{"code":"x"}'


def post(*lines: bytes, body: bytes = b"", path: bytes = b"/oauth/token") -> bytes:
    """A POST with these header lines and nothing else said."""
    return b"\r\n".join([b"POST " + path + b" HTTP/1.1", b"Host: a", *lines, b"", b""]) + body


def get(*lines: bytes, target: bytes = b"/healthz", version: bytes = b"HTTP/1.1") -> bytes:
    """A GET with these header lines, Host included or not."""
    return b"\r\n".join([b"GET " + target + b" " + version, *lines, b"", b""])


HOST = b"Host: a"
CHUNKED = b"Transfer-Encoding: chunked"
LENGTH = b"Content-Length: %d" % len(_BODY)
_CHUNK = b"c\r\n" + _BODY + b"\r\n0\r\n\r\n"

AMBIGUOUS: dict[str, bytes] = {
    "CL and TE": post(LENGTH, CHUNKED, body=b"0\r\n\r\n" + SMUGGLED),
    "TE and CL": post(CHUNKED, LENGTH, body=b"0\r\n\r\n" + SMUGGLED),
    "CL 0 and TE": post(b"Content-Length: 0", CHUNKED, body=_CHUNK + SMUGGLED),
    "two CLs": post(b"Content-Length: 12", b"Content-Length: 0", body=_BODY + SMUGGLED),
    "two CLs in one": post(b"Content-Length: 12, 0", body=_BODY + SMUGGLED),
    "CL +12": post(b"Content-Length: +12", body=_BODY + SMUGGLED),
    "CL -1": post(b"Content-Length: -1", body=SMUGGLED),
    "CL -0": post(b"Content-Length: -0", body=SMUGGLED),
    "CL 1_2": post(b"Content-Length: 1_2", body=_BODY + SMUGGLED),
    "CL 0x0c": post(b"Content-Length: 0x0c", body=_BODY + SMUGGLED),
    "CL 12.0": post(b"Content-Length: 12.0", body=_BODY + SMUGGLED),
    "CL 1e1": post(b"Content-Length: 1e1", body=_BODY + SMUGGLED),
    "CL 12 a": post(b"Content-Length: 12 a", body=_BODY + SMUGGLED),
    "CL empty": post(b"Content-Length:", body=SMUGGLED),
    "CL superscript": post(b"Content-Length: \xb2", body=b"ab" + SMUGGLED),
    "CL 5,000 digits": post(b"Content-Length: " + b"9" * 5_000, body=SMUGGLED),
    "CL 2**64": post(b"Content-Length: 18446744073709551617", body=b"a" + SMUGGLED),
    "CL with NUL": post(b"Content-Length: 12\x00", body=_BODY + SMUGGLED),
    "TE xchunked": post(b"Transfer-Encoding: xchunked", body=_CHUNK + SMUGGLED),
    "TE identity": post(b"Transfer-Encoding: identity", LENGTH, body=_BODY + SMUGGLED),
    "TE gzip, chunked": post(b"Transfer-Encoding: gzip, chunked", body=_CHUNK + SMUGGLED),
    "TE chunked, identity": post(b"Transfer-Encoding: chunked, identity", body=_CHUNK + SMUGGLED),
    "TE twice": post(CHUNKED, CHUNKED, body=_CHUNK + SMUGGLED),
    "TE twice, different": post(CHUNKED, b"Transfer-Encoding: x", body=_CHUNK + SMUGGLED),
    "TE quoted": post(b'Transfer-Encoding: "chunked"', body=_CHUNK + SMUGGLED),
    "TE vertical tab": post(b"Transfer-Encoding: \x0bchunked", body=_CHUNK + SMUGGLED),
    "TE with NUL": post(b"Transfer-Encoding: chunked\x00", body=_CHUNK + SMUGGLED),
    "TE empty": post(b"Transfer-Encoding:", LENGTH, body=_BODY + SMUGGLED),
    "chunk size 0x0c": post(CHUNKED, body=b"0x0c\r\n" + _BODY + b"\r\n0\r\n\r\n" + SMUGGLED),
    "chunk size +c": post(CHUNKED, body=b"+c\r\n" + _BODY + b"\r\n0\r\n\r\n" + SMUGGLED),
    "chunk size -1": post(CHUNKED, body=b"-1\r\n\r\n" + SMUGGLED),
    "chunk size 1_0": post(CHUNKED, body=b"1_0\r\n" + _BODY + b"aaaa\r\n0\r\n\r\n" + SMUGGLED),
    "chunk size space": post(CHUNKED, body=b"c \r\n" + _BODY + b"\r\n0\r\n\r\n" + SMUGGLED),
    "chunk size empty": post(CHUNKED, body=b"\r\n" + SMUGGLED),
    "chunk size huge": post(CHUNKED, body=b"f" * 40 + b"\r\n" + SMUGGLED),
    "chunk size line without end": post(CHUNKED, body=b"0" * 100 + SMUGGLED),
    "chunk extension": post(CHUNKED, body=b"c;a=b\r\n" + _BODY + b"\r\n0\r\n\r\n" + SMUGGLED),
    "chunk longer than said": post(CHUNKED, body=b"4\r\n" + _BODY + b"\r\n0\r\n\r\n" + SMUGGLED),
    "trailer": post(CHUNKED, body=b"c\r\n" + _BODY + b"\r\n0\r\nX: y\r\n\r\n" + SMUGGLED),
    "obs-fold": get(HOST, b"X: a", b" b"),
    "obs-fold of CL": post(b"Content-Length:", b" 12", body=_BODY + SMUGGLED),
    "obs-fold first": get(b" X: a", HOST),
    "no Host": get(),
    "two Hosts": get(HOST, b"Host: b"),
    "two Hosts in one": get(b"Host: a, b"),
    "Host with a path": get(b"Host: a/b"),
    "Host with credentials": get(b"Host: a@b"),
    "Host with a space": get(b"Host: a b"),
    "space before colon": get(HOST, b"X : a"),
    "space before colon of CL": post(b"Content-Length : 12", body=_BODY + SMUGGLED),
    "tab before colon": get(HOST, b"X\t: a"),
    "no colon": get(HOST, b"nonsense"),
    "no name": get(HOST, b": a"),
    "name with NUL": get(HOST, b"X\x00: a"),
    "name not ASCII": get(HOST, "Ünï: a".encode()),
    "value with NUL": get(HOST, b"X: a\x00b"),
    "value with BEL": get(HOST, b"X: a\x07b"),
    "bare CR in a value": get(HOST, b"X: a\rY: b"),
    "bare CR as line end": b"GET /healthz HTTP/1.1\rHost: a\r\r\n\r\n",
    "bare CR before CL": post(b"X: a\rContent-Length: 12", b"Content-Length: \r12", body=_BODY + SMUGGLED),
    "no version": get(HOST, version=b""),
    "version 2": get(HOST, version=b"HTTP/2.0"),
    "version 0.9": get(HOST, version=b"HTTP/0.9"),
    "version 1.1x": get(HOST, version=b"HTTP/1.1x"),
    "version lower": get(HOST, version=b"http/1.1"),
    "space in target": get(HOST, target=b"/health z"),
    "two spaces": get(HOST, target=b" /healthz"),
    "tab in start line": get(HOST, target=b"\t/healthz"),
    "NUL in target": get(HOST, target=b"/healthz\x00"),
    "control in target": get(HOST, target=b"/health\x1bz"),
    "no target": b"GET HTTP/1.1\r\nHost: a\r\n\r\n",
    "method with a colon": b"GE:T /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    "space first": b" GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40 + b"\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "1,001 arguments": get(HOST, target=b"/healthz?" + b"&".join([b"a=1"] * 1_001)),
    "header of 17 KiB": get(HOST, b"X: " + b"a" * 17 * 1024),
    "target of 17 KiB": get(HOST, target=b"/" + b"a" * 17 * 1024),
}

# Tornado 6.6.1 still takes a bare LF as a line end (6.7 will not); the proxy in front has to refuse these.
KNOWN: dict[str, bytes] = {
    "LF only": b"GET /healthz HTTP/1.1\nHost: a\nConnection: close\n\n",
    "LF in headers": b"GET /healthz HTTP/1.1\r\nHost: a\nConnection: close\r\n\r\n",
    # Equal ones may be merged (RFC 9112 section 6.3).
    "two equal CLs": post(LENGTH, LENGTH, b"Connection: close", body=_BODY),
    # A CRLF before a request may be skipped (RFC 9112 section 2.2).
    "CRLF first": b"\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
}
