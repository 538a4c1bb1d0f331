"""What every handler shares: the request id, the error shape, the body's limits, the log line."""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections.abc import Awaitable, Mapping
from functools import cached_property
from http import HTTPStatus
from types import TracebackType
from typing import Any, TypeVar

from pydantic import BaseModel
from tornado.web import HTTPError, RequestHandler, stream_request_body

from handlers.addresses import client_ip
from handlers.bodies import BODY_LIMIT, Fields, parse_body, validated
from handlers.language import preferred_language
from handlers.operations import Answer, Operation, operation_of
from passport.attempts import Attempt, begin
from passport.errors import (
    InternalError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    PassportError,
    PayloadTooLarge,
)
from passport.models import Device
from passport.services import Services

log = logging.getLogger("wxpassport")
access_log = logging.getLogger("wxpassport.access")

Model = TypeVar("Model", bound=BaseModel)
_Failure = tuple[type[BaseException], BaseException, TracebackType | None]

_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
_USER_AGENT_LIMIT = 256
_PATH_LIMIT = 200
_LENGTH = re.compile(r"[0-9]{1,18}")
# Bytes of a body that are read before the connection is closed; up to here the client hears why.
PATIENCE = 2 * BODY_LIMIT


class BaseHandler(RequestHandler):
    """A request of any kind: numbered, counted while in flight, and logged as one line."""

    _counted = False

    def initialize(self) -> None:
        """Forget nothing from another request: handlers are made anew for each."""
        self.refusal: PassportError | None = None

    @property
    def services(self) -> Services:
        """The one door to the domain."""
        services: Services = self.application.settings["services"]
        return services

    @property
    def request_id(self) -> str:
        """Sixteen hex digits that name this request in the answer and in the log."""
        if not hasattr(self, "_request_id"):
            self._request_id = secrets.token_hex(8)
        return self._request_id

    @cached_property
    def ip(self) -> str:
        """The client's address, as far as the configured proxies can be believed."""
        return client_ip(self.request, self.services.settings.server.trusted_proxies)

    @property
    def device(self) -> Device:
        """Where the request came from."""
        agent = self.request.headers.get("User-Agent", "")[:_USER_AGENT_LIMIT]
        return Device(self.ip, "".join(each for each in agent if each.isprintable()))

    def set_default_headers(self) -> None:
        """What every answer carries, errors included."""
        self.clear_header("Server")
        self.set_header("X-Request-Id", self.request_id)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")

    def prepare(self) -> Awaitable[None] | None:
        """Count the request among those in flight."""
        self.services.traffic.enter()
        self._counted = True
        return None

    def compute_etag(self) -> str | None:
        """None where nothing may be stored: then there is nothing to compare with later."""
        return None if self._headers.get("Cache-Control") == "no-store" else super().compute_etag()

    def on_finish(self) -> None:
        """The answer is written."""
        self._leave()

    def on_connection_close(self) -> None:
        """The client went away, in which case Tornado may never finish the request."""
        super().on_connection_close()
        self._leave()

    def _leave(self) -> None:
        if self._counted:
            self._counted = False
            self.services.traffic.leave()

    def allowed_methods(self) -> str:
        """The value of `Allow`."""
        unimplemented = RequestHandler._unimplemented_method
        return ", ".join(name for name in _METHODS if getattr(type(self), name.lower()) is not unimplemented)

    def refusal_for(self, status: int, error: BaseException | None) -> PassportError:
        """The refusal to tell the client, whatever went wrong."""
        if isinstance(error, PassportError):
            return error
        if status == HTTPStatus.NOT_FOUND:
            return NotFound()
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            return MethodNotAllowed()
        if isinstance(error, HTTPError) and status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return InvalidRequest("The request is malformed.")
        return InternalError()

    def refuse(self, status: int, failure: _Failure | None) -> PassportError:
        """Note the refusal for the log, and set its status and headers; the body is the caller's."""
        refusal = self.refusal = self.refusal_for(status, failure[1] if failure else None)
        self.set_status(refusal.status)
        for name, value in refusal.headers.items():
            self.set_header(name, value)
        if isinstance(refusal, MethodNotAllowed):
            self.set_header("Allow", self.allowed_methods())
        if refusal.retry_after is not None:
            self.set_header("Retry-After", str(refusal.retry_after))
        self.set_header("Vary", "Accept-Language")
        return refusal

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log what is our fault. Not Tornado's own line, which prints the whole URI."""
        if not isinstance(value, PassportError | HTTPError) and typ and value:
            log.error("uncaught", exc_info=(typ, value, tb), extra={"request_id": self.request_id})


@stream_request_body
class APIHandler(BaseHandler):
    """A JSON endpoint. Bodies are read piece by piece, so that an oversized one is refused in our shape."""

    needs_database = True
    # An endpoint that takes more says so with these, and raises the wall of the connection.
    body_limit, patience = BODY_LIMIT, PATIENCE
    too_large: type[PayloadTooLarge] = PayloadTooLarge

    def initialize(self) -> None:
        """A body of its own for each request."""
        super().initialize()
        self._body, self._received = bytearray(), 0
        self._fields: Fields | None = None
        self._prepared = False
        self.attempt = Attempt()

    def check_trusted_origin(self, origin: str) -> bool:
        """Any: nothing here is opened by a cookie, so another site's page can do no more than anybody."""
        return True

    def set_default_headers(self) -> None:
        """JSON that nothing can be loaded into."""
        super().set_default_headers()
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")

    def prepare(self) -> Awaitable[None] | None:
        """Refuse what need not be read at all."""
        super().prepare()
        begin(self.attempt)
        if self.announced > self.patience:
            raise self.excess()
        if self.needs_database:
            self.services.readiness.require()
        self._prepared = True
        return None

    @property
    def announced(self) -> int:
        """How long the body says it is; 0 when it does not say."""
        length = self.request.headers.get("Content-Length", "")
        # Whatever is no plain number is Tornado's to refuse. It comes to that later, so `²` gets this far.
        return int(length) if _LENGTH.fullmatch(length) else 0

    def excess(self) -> PassportError:
        """What a body over the limit is told."""
        return self.too_large()

    def data_received(self, chunk: bytes) -> None:
        """Keep what is within the limit; read a little more, so that a client just over it hears why."""
        self._received += len(chunk)
        try:
            if self._received <= self.body_limit:
                self.keep(chunk)
            elif self._received > self.patience:
                raise self.excess()
        except PassportError as refusal:
            # Raised from here, it would be logged as our own failure and the connection cut without an answer.
            self.send_error(refusal.status, exc_info=(type(refusal), refusal, None))

    def keep(self, chunk: bytes) -> None:
        """A piece of a body within the limit."""
        self._body += chunk

    def body(self, model: type[Model], *, keep_null: bool = False, empty_is_absent: bool = False) -> Model:
        """The body as a model that the operation declares.

        Args:
            model: one of the declared ones.
            keep_null: tell null from absent.
            empty_is_absent: do not tell an empty text from absent.

        Raises:
            InvalidRequest, UnsupportedMediaType, PayloadTooLarge: it is not.
        """
        declared = self._operation
        assert declared is None or model in declared.bodies, "the operation declares another body"
        fields = self.fields()
        if empty_is_absent:
            fields = {name: value for name, value in fields.items() if value != ""}
        return validated(model, fields, keep_null=keep_null)

    def fields(self) -> Fields:
        """The body's members, not validated; read once. Raises as `body` does."""
        if self._received > self.body_limit:
            raise self.excess()
        if self._fields is None:
            self._fields = parse_body(bytes(self._body), self.request.headers.get_list("Content-Type"))
        return self._fields

    @property
    def _operation(self) -> Operation | None:
        return operation_of(getattr(self, (self.request.method or "").lower(), None))

    def reply(self, answer: Answer | Mapping[str, Any], status: int = HTTPStatus.OK) -> None:
        """Answer with JSON: what the operation declares for the status, or a mapping outside of any operation."""
        if isinstance(answer, Answer):
            declared = self._operation
            assert declared is None or declared.answers.get(int(status)) is type(answer), "declare the answer"
            text = answer.model_dump_json(by_alias=True, exclude_none=True)
        else:
            text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
        self.set_status(status)
        if self._is_last_on_its_connection():
            # Announced, or the client would send its next request into a connection that is being closed.
            self.set_header("Connection", "close")
        self.finish(text)

    def reply_without_body(self) -> None:
        """Answer 204: it is done, and there is nothing to say."""
        self.set_status(HTTPStatus.NO_CONTENT)
        if self._is_last_on_its_connection():
            self.set_header("Connection", "close")
        self.finish()

    def _is_last_on_its_connection(self) -> bool:
        """While draining, and when refused before the body was read, even one of no bytes: then Tornado closes."""
        announced = self.request.headers.get("Content-Length", "0")
        unread = "Transfer-Encoding" in self.request.headers or announced != str(self._received)
        return unread or not self._prepared or self.services.readiness.draining

    def on_finish(self) -> None:
        """The answer is written, so what is recorded of it changes neither the answer nor its time (R-021)."""
        super().on_finish()
        path, refusal = self.settings["recorded"].get(type(self)), self.refusal
        if path is None or refusal is None or isinstance(refusal, NotFound | MethodNotAllowed):
            return
        self.services.refusals.note(
            refusal,
            operation=f"{self.request.method} {path}",
            request_id=self.request_id,
            device=self.device,
            attempt=self.attempt,
        )
        self.services.statistics.refused(refusal.code, self.attempt.appid or "")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Every refusal in one shape."""
        refusal = self.refuse(status_code, kwargs.get("exc_info"))
        self.reply(self._told(refusal), refusal.status)

    def _told(self, refusal: PassportError) -> dict[str, Any]:
        language = preferred_language(self.request.headers.get("Accept-Language", ""))
        told: dict[str, Any] = {
            "error": refusal.code,
            "error_description": refusal.description,
            "hint": refusal.hint.en if language == "en" else refusal.hint.zh,
            "request_id": self.request_id,
            **refusal.details,
        }
        if refusal.wechat_errcode is not None:
            told["wechat_errcode"] = refusal.wechat_errcode
        return told


class NotFoundHandler(APIHandler):
    """Every path without a route."""

    needs_database = False

    def _nowhere(self) -> None:
        # Not in prepare(): refusing before the body is read would cost the client its connection.
        raise NotFound

    get = head = post = put = delete = patch = options = _nowhere

    def refusal_for(self, status: int, error: BaseException | None) -> PassportError:
        """Not found, also with a method that Tornado refuses before it asks us."""
        return NotFound() if status == HTTPStatus.METHOD_NOT_ALLOWED else super().refusal_for(status, error)


def log_request(handler: RequestHandler) -> None:
    """One line a request: no query string, no body, no header but none that could hold a secret."""
    status, request = handler.get_status(), handler.request
    refusal: PassportError | None = getattr(handler, "refusal", None)
    fields: dict[str, Any] = {
        "request_id": getattr(handler, "request_id", None),
        "method": request.method,
        "path": getattr(handler, "logged_path", request.path[:_PATH_LIMIT]),
        "status": status,
        "duration_ms": round(request.request_time() * 1000, 2),
        "ip": handler.ip if isinstance(handler, BaseHandler) else request.remote_ip,
    }
    if refusal is not None:
        cause = refusal.__cause__
        told = {"error": refusal.code, "wechat_errcode": refusal.wechat_errcode, "rid": refusal.rid}
        told["cause"] = type(cause).__name__ if cause else None
        fields |= {name: value for name, value in told.items() if value is not None}
    level = logging.WARNING if status >= HTTPStatus.INTERNAL_SERVER_ERROR else logging.INFO
    access_log.log(level, "request", extra=fields)
