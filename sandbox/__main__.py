"""`python -m sandbox`: the stand-in alone, in a process of its own, until SIGTERM or SIGINT."""

import argparse
import asyncio
import signal
import ssl
import sys

from sandbox.server import StandIn

DEMO_APP = "wx00000000000000d1:sandbox-secret-of-the-demo-app-01"


def main(arguments: list[str] | None = None) -> None:
    options = _parse(arguments)
    try:
        asyncio.run(_serve(options))
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        sys.stderr.write(f"sandbox: {error}\n")
        sys.exit(2)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A stand-in for WeChat's servers.")
    parser.add_argument("--port", type=int, default=8001, help="0 picks a free one (default: 8001)")
    parser.add_argument("--address", default="127.0.0.1", help="a loopback address (default: 127.0.0.1)")
    parser.add_argument("--certfile", help="PEM certificate chain: serve https")
    parser.add_argument("--keyfile", help="PEM private key, unless it is in the certfile")
    parser.add_argument(
        "--app",
        action="append",
        metavar="APPID:SECRET",
        help=f"an app that WeChat knows; may be repeated (default: {DEMO_APP})",
    )
    parser.add_argument(
        "--auto-codes", action="store_true", help="accept bench-<n>-<anything> as a code of person n"
    )
    options = parser.parse_args(arguments)
    if options.keyfile and not options.certfile:
        parser.error("--keyfile needs --certfile")
    try:
        options.apps = dict(_app(text) for text in options.app or [DEMO_APP])
    except ValueError as error:
        parser.error(str(error))
    return options


def _app(text: str) -> tuple[str, str]:
    appid, colon, secret = text.partition(":")
    if not (appid and colon and secret):
        raise ValueError("--app must be APPID:SECRET")
    return appid, secret


async def _serve(options: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stopped.set)
    stand_in = StandIn(options.apps, ssl_options=_ssl_options(options), auto_codes=options.auto_codes)
    stand_in.start(options.port, options.address)
    sys.stdout.write(f"{stand_in.base_url}\n")
    sys.stdout.flush()
    await stopped.wait()
    await stand_in.stop()


def _ssl_options(options: argparse.Namespace) -> ssl.SSLContext | None:
    if not options.certfile:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(options.certfile, options.keyfile)
    return context


if __name__ == "__main__":
    main()
