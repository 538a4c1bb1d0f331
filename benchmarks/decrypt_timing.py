"""`python -m benchmarks.decrypt_timing`: does the time of a refusal tell what is wrong inside encryptedData (R-021)?

AES-CBC without a MAC invites padding oracles, so wrong padding, wrong UTF-8, wrong JSON and a wrong watermark have one
answer; here their times are compared, over HTTP against `python server.py` with its embedded MongoDB and the WeChat
stand-in. One connection, one request at a time, the four kinds in a new random order in each turn, payloads of equal
length, one code that is kept (its first use alone asks WeChat). The bar: medians at most 2 % apart.

Measured 2026-11-23 on 2 cores that were busy otherwise (load average 8), 4,000 of each: medians 3.526 ms (padding),
3.536 (UTF-8), 3.538 (JSON), 3.529 (watermark), so 0.3 % apart.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import random
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from Crypto.Cipher import AES

from benchmarks import BenchmarkError, running, wait_until_ready, write_config
from sandbox.identities import fixed_session_key_of

APPID = "wx00000000000000b1"
CODE = "bench-1-timing"
BAR = 0.02
_LENGTH = 480  # bytes of plaintext before padding: a profile's usual size, and no multiple of the block


def run(*, each: int, seconds: float) -> bool:
    """Measure and print; False when the bar is missed."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wxp-timing-")))
        secret = secrets.token_hex(16)
        app = ["--port", "0", "--auto-codes", "--app", f"{APPID}:{secret}"]
        stand_in = stack.enter_context(running("stand-in", ["-m", "sandbox", *app], folder))
        wechat = {
            "base_url": stand_in.wait_for(r"(http://\S+)\n"),
            "apps": [{"appid": APPID, "secret": secret}],
        }
        config = write_config(folder, wechat)
        server = stack.enter_context(running("server", ["server.py", "--config", str(config)], folder))
        url = server.wait_for(r'"url": "(http://[^"]+)"')
        wait_until_ready(url, server)
        times = measure(url, each=each, seconds=seconds)
    return report(times)


def measure(url: str, *, each: int, seconds: float) -> dict[str, list[float]]:
    """Seconds per refusal, by kind; as many as asked for, or as fit into the time."""
    bodies = {kind: json.dumps({"code": CODE, **fields}).encode() for kind, fields in payloads().items()}
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    for _ in range(50):
        for body in bodies.values():
            _refusal(connection, body)
    times: dict[str, list[float]] = {kind: [] for kind in bodies}
    kinds, deadline = list(bodies), time.monotonic() + seconds
    while len(times["padding"]) < each and time.monotonic() < deadline:
        random.shuffle(kinds)
        for kind in kinds:
            started = time.perf_counter()
            _refusal(connection, bodies[kind])
            times[kind].append(time.perf_counter() - started)
    connection.close()
    return times


def payloads() -> dict[str, Mapping[str, str]]:
    """encryptedData and iv that fail at one check each, all of one length."""
    now = int(time.time())
    sound = _padded_json({"watermark": {"appid": APPID, "timestamp": now}})
    return {
        "padding": _encrypt(sound[:-1] + b"}" + b"\x00" * _missing(sound)),
        "utf-8": _encrypt(_pkcs7(sound[:-3] + b'\xff"}')),
        "json": _encrypt(_pkcs7(sound[:-1] + b" ")),
        "watermark": _encrypt(
            _pkcs7(_padded_json({"watermark": {"appid": APPID[:-1] + "0", "timestamp": now}}))
        ),
    }


def report(times: Mapping[str, Sequence[float]]) -> bool:
    """Print the medians; whether they are close enough."""
    medians = {kind: statistics.median(measured) for kind, measured in times.items()}
    overall = statistics.median(medians.values())
    for kind, median in medians.items():
        print(
            f"{kind:<10} {len(times[kind]):>6,} refusals   median {median * 1000:.4f} ms   {median / overall - 1:+.2%}"
        )
    apart = (max(medians.values()) - min(medians.values())) / overall
    print(f"apart: {apart:.2%} (bar: {BAR:.0%}); load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return apart <= BAR


def _refusal(connection: http.client.HTTPConnection, body: bytes) -> None:
    connection.request("POST", "/accounts/wxapp", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    if b'"decrypt_failed"' not in answer.read():
        raise BenchmarkError(f"a refusal was expected, not {answer.status}")


def _padded_json(content: Mapping[str, object]) -> bytes:
    empty = json.dumps({**content, "nickName": ""}).encode()
    return json.dumps({**content, "nickName": "n" * (_LENGTH - 3 - len(empty))}).encode()


def _missing(plain: bytes) -> int:
    return AES.block_size - len(plain) % AES.block_size


def _pkcs7(plain: bytes) -> bytes:
    return plain + bytes([_missing(plain)]) * _missing(plain)


def _encrypt(blocks: bytes) -> dict[str, str]:
    iv, key = secrets.token_bytes(AES.block_size), base64.b64decode(fixed_session_key_of("bench-1", APPID))
    sealed = AES.new(key, AES.MODE_CBC, iv).encrypt(blocks)
    return {"encryptedData": base64.b64encode(sealed).decode(), "iv": base64.b64encode(iv).decode()}


def main(arguments: Sequence[str]) -> int:
    """The command line; the exit status is 0, 1 when the bar is missed or the run failed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.decrypt_timing", description="R-021 over HTTP."
    )
    parser.add_argument("--each", type=int, default=5000, help="refusals of each kind (default: 5000)")
    parser.add_argument("--seconds", type=float, default=75, help="at most so long (default: 75)")
    options = parser.parse_args(arguments)
    try:
        return 0 if run(each=options.each, seconds=options.seconds) else 1
    except BenchmarkError as error:
        print("benchmark failed:", error, *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
