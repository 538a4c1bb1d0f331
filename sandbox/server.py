"""`StandIn`: the stand-in as one thing that starts, answers and stops."""

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from tornado.http1connection import HTTP1Connection
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets
from tornado.routing import AnyMatches, PathMatches, Rule, RuleRouter

from sandbox import code2session, phone_number, stable_token, wire
from sandbox.calls import CODE2SESSION, Calls
from sandbox.control import control_application
from sandbox.errcodes import refusal
from sandbox.exchanges import Exchanges
from sandbox.faults import Fault, Faults, is_loopback
from sandbox.people import People

MAX_REQUEST_BODY = 2**20

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class WeChatCall:
    """One of WeChat's calls: `answer` makes the body from the query (and the JSON body of a POST) and the people."""

    path: str
    method: str
    answer: Callable[[Fields, People], dict[str, Any]]
    specimen: Mapping[str, Any]


WECHAT_CALLS = (
    WeChatCall(CODE2SESSION, "GET", code2session.code2session, code2session.SPECIMEN),
    WeChatCall("/cgi-bin/stable_token", "POST", stable_token.stable_token, stable_token.SPECIMEN),
    WeChatCall("/wxa/business/getuserphonenumber", "POST", phone_number.phone_number, phone_number.SPECIMEN),
)
WRONG_METHOD = {"GET": 43001, "POST": 43002}


class StandIn:
    """Owns the state and the HTTP server. Tests set `people` and `faults` and read `calls` directly."""

    def __init__(
        self,
        apps: Mapping[str, str],
        now: Callable[[], float] = time.time,
        ssl_options: ssl.SSLContext | dict[str, Any] | None = None,
        *,
        auto_codes: bool = False,
    ) -> None:
        self.people = People(apps, now=now, auto_codes=auto_codes)
        self.faults = Faults()
        self.calls = Calls()
        # Whole exchanges, for those who want to look at them; it would slow a benchmark.
        self.exchanges: Exchanges | None = None
        self._ssl_options = ssl_options
        self._server: HTTPServer | None = None
        self._base_url = ""
        self._playing: set[asyncio.Task[None]] = set()

    def start(self, port: int = 0, address: str = "127.0.0.1") -> None:
        """Listen; port 0 picks a free one. May be started again after `stop`, with what it knew before."""
        if not is_loopback(address):
            raise ValueError(f"the WeChat stand-in listens on a loopback address only, not on {address}")
        if self._server is not None:
            raise RuntimeError(f"the WeChat stand-in already listens on {self._base_url}")
        sockets = bind_sockets(port, address)
        self._server = HTTPServer(
            self._routes(), ssl_options=self._ssl_options, max_body_size=MAX_REQUEST_BODY
        )
        self._server.add_sockets(sockets)
        scheme = "http" if self._ssl_options is None else "https"
        host = f"[{address}]" if ":" in address else address
        self._base_url = f"{scheme}://{host}:{sockets[0].getsockname()[1]}"

    @property
    def base_url(self) -> str:
        if not self._base_url:
            raise RuntimeError("start the WeChat stand-in first")
        return self._base_url

    async def stop(self) -> None:
        """Stop listening and cut every connection, also those that hang or drip. Twice is once."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.stop()
        playing = list(self._playing)
        for task in playing:
            task.cancel()
        await asyncio.gather(*playing, return_exceptions=True)
        await server.close_all_connections()

    def _routes(self) -> RuleRouter:
        # WeChat's calls go past tornado.web, which would take half of the time of an answer.
        rules = [Rule(PathMatches(call.path), self._answering(call)) for call in WECHAT_CALLS]
        return RuleRouter([*rules, Rule(AnyMatches(), control_application(self))])

    def _answering(self, call: WeChatCall) -> Callable[[HTTPServerRequest], None]:
        def answer(request: HTTPServerRequest) -> None:
            connection, fields = cast(HTTP1Connection, request.connection), _fields(request)
            owner = self.people.owner(_code(fields or {}))
            if self.exchanges is not None and fields is not None:
                heard = self.exchanges.begin(connection, call.method, call.path, fields, owner)
                connection = cast(HTTP1Connection, heard)
            if request.method == "HEAD":
                wire.send(connection, b"")
            elif request.method != call.method:
                wire.send_json(connection, refusal(WRONG_METHOD[call.method], now=self.people.now()))
            elif fields is None:
                wire.send_json(connection, refusal(47001, now=self.people.now()))
            elif (fault := self.faults.take(call.path, owner)) is not None:
                self._fail(connection, fault, call, fields)
            else:
                reply = call.answer(fields, self.people)
                self._note(call, fields, str(reply.get("errcode") or "ok"))
                wire.send_json(connection, reply)

        return answer

    def _fail(self, connection: HTTP1Connection, fault: Fault, call: WeChatCall, fields: Fields) -> None:
        scene = wire.Scene(
            connection=connection,
            fault=fault,
            answer=call.answer(fields, self.people) if fault.takes_the_code else call.specimen,
            now=self.people.now(),
            redirect_to=f"{self.base_url}/sandbox/redirected",
        )
        self._note(call, fields, fault.mode)
        task = asyncio.get_running_loop().create_task(_play(scene))
        self._playing.add(task)
        task.add_done_callback(self._playing.discard)

    def _note(self, call: WeChatCall, fields: Fields, outcome: str) -> None:
        self.calls.note(str(fields.get("appid", "")), _code(fields), outcome, call.path)


async def _play(scene: wire.Scene) -> None:
    try:
        await wire.play(scene)
    except StreamClosedError:
        return  # the client has had enough, which is what most faults are for


def _code(fields: Fields) -> str:
    return str(fields.get("js_code", "") or fields.get("code", ""))


def _fields(request: HTTPServerRequest) -> Fields | None:
    """The last value of each parameter and the JSON body's members; None when the body is no JSON object.

    Bytes that are no UTF-8 make a code that nobody knows.
    """
    query = request.query_arguments
    fields: Fields = {name: values[-1].decode("utf-8", "replace") for name, values in query.items()}
    if request.method != "POST":
        return fields
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return None
    return {**body, **fields} if isinstance(body, dict) else None
