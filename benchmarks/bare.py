"""`python -m benchmarks.bare`: the mark to compare with, a Tornado handler that answers JSON and does no more.

It gets the same requests as the server under test and does not look at their bodies, which makes it the harder mark.
"""

import asyncio

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler, url


class BareHandler(RequestHandler):
    """Any POST."""

    def post(self) -> None:
        """200 with a constant."""
        self.write({"ok": True})


async def serve() -> None:
    """Answer on a free port of loopback until killed."""
    sockets = bind_sockets(0, "127.0.0.1")
    HTTPServer(Application([url(r"/.*", BareHandler)])).add_sockets(sockets)
    print(f"http://127.0.0.1:{sockets[0].getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
