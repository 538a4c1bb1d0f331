"""The JSON API under /sandbox/ by which people and tests without Python drive the stand-in.

It is open to whoever reaches the port, which is why the stand-in listens on loopback only.
"""

import json
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from tornado.web import Application, HTTPError, RequestHandler, url

from sandbox.code2session import SPECIMEN
from sandbox.faults import MODES, Fault, is_loopback_url
from sandbox.people import CAST, Order
from sandbox.pushes import Form, Mode, Push

if TYPE_CHECKING:
    from sandbox.server import StandIn

Fields = TypeVar("Fields", bound=BaseModel)


ANSWER_LIMIT = 4096
ERRORS = {400: "invalid_request", 404: "not_found", 405: "method_not_allowed"}


class ControlError(HTTPError):
    """400, with an explanation that may hold any character, unlike an HTTP reason phrase."""

    def __init__(self, explanation: str) -> None:
        super().__init__(400)
        self.explanation = explanation

    def __str__(self) -> str:
        return self.explanation


class LoginFields(BaseModel):
    """`POST /sandbox/login`, see `People.login`."""

    model_config = ConfigDict(extra="forbid")

    user: str | None = None
    appid: str | None = None
    order: Order = "right"
    rotate: bool = True
    profile: dict[str, Any] | None = None
    timestamp: int | None = None
    with_openid: bool = True


class CodeFields(BaseModel):
    """`POST /sandbox/codes`, see `People.script`."""

    model_config = ConfigDict(extra="forbid")

    code: str
    openid: str
    session_key: str
    unionid: str | None = None
    appid: str | None = None
    reusable: bool = False


class PhoneCodeFields(BaseModel):
    """`POST /sandbox/phone-code`, see `People.phone_code`."""

    model_config = ConfigDict(extra="forbid")

    user: str | None = None
    appid: str | None = None


class PushFields(BaseModel):
    """`POST /sandbox/push`, see `People.push`. `url` is where it is sent."""

    model_config = ConfigDict(extra="forbid")

    url: str
    user: str
    event: str = "user_authorization_revoke"
    revoke_info: str | int | None = None
    appid: str | None = None
    mode: Mode = "encrypted"
    form: Form = "JSON"

    @field_validator("url")
    @classmethod
    def _on_loopback(cls, url: str) -> str:
        if not is_loopback_url(url):
            raise ValueError("must be an http or https URL with a loopback IP address, such as 127.0.0.1")
        return url


class ControlHandler(RequestHandler):
    """JSON in, JSON out, one error shape."""

    def initialize(self, stand_in: "StandIn") -> None:
        self.stand_in = stand_in

    def read(self, shape: type[Fields]) -> Fields:
        """The query and the JSON body as one; the body wins. Raises ControlError, which names the field."""
        fields: dict[str, Any] = {
            name: self.get_query_argument(name) for name in self.request.query_arguments
        }
        try:
            body = json.loads(self.request.body or b"{}")
        except (ValueError, RecursionError) as error:
            raise ControlError("the body is not JSON") from error
        if not isinstance(body, dict):
            raise ControlError("the body must be a JSON object")
        try:
            return shape.model_validate(fields | body)
        except ValidationError as error:
            raise ControlError(_explain(error)) from error

    def answer(self, content: Any) -> None:
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(content, ensure_ascii=False))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs["exc_info"][1] if "exc_info" in kwargs else None
        self.answer(
            {
                "error": ERRORS.get(status_code, "failed"),
                "error_description": str(error) if isinstance(error, ControlError) else self._reason,
                "hint": "GET /sandbox/ lists what can be done",
            }
        )

    def log_exception(self, *exception: Any) -> None:
        """A refused request is the caller's to read; only our own failure is worth a log line."""
        if not isinstance(exception[1], HTTPError):
            super().log_exception(*exception)


class IndexHandler(ControlHandler):
    def get(self) -> None:
        people = self.stand_in.people
        self.answer({"apps": list(people.apps), "users": list(CAST), "faults": MODES, "calls": INDEX})


class LoginHandler(ControlHandler):
    def post(self) -> None:
        fields = self.read(LoginFields)
        try:
            self.answer(self.stand_in.people.login(fields.user, **fields.model_dump(exclude={"user"})))
        except ValueError as error:
            raise ControlError(str(error)) from error


class CodesHandler(ControlHandler):
    def post(self) -> None:
        fields = self.read(CodeFields)
        try:
            self.stand_in.people.script(**fields.model_dump())
        except ValueError as error:
            raise ControlError(str(error)) from error
        self.answer({"code": fields.code})


class PhoneCodeHandler(ControlHandler):
    def post(self) -> None:
        fields = self.read(PhoneCodeFields)
        try:
            self.answer({"code": self.stand_in.people.phone_code(fields.user, fields.appid)})
        except ValueError as error:
            raise ControlError(str(error)) from error


class PushHandler(ControlHandler):
    """Sends one push, once: a person looks at the answer, so nothing is repeated as WeChat would."""

    async def post(self) -> None:
        fields = self.read(PushFields)
        try:
            push = self.stand_in.people.push(fields.user, **fields.model_dump(exclude={"url", "user"}))
            self.answer(await _send(fields.url, push))
        except (ValueError, aiohttp.ClientError, TimeoutError) as error:
            raise ControlError(f"not sent: {error or type(error).__name__}") from error


async def _send(url: str, push: Push) -> dict[str, Any]:
    # WeChat waits five seconds, too. A redirect could lead anywhere.
    timeout = aiohttp.ClientTimeout(total=5)
    headers = {"Content-Type": push.content_type}
    async with (
        aiohttp.ClientSession(timeout=timeout, trust_env=False) as http,
        http.post(url, params=push.query, data=push.body, headers=headers, allow_redirects=False) as response,
    ):
        body = await response.content.read(ANSWER_LIMIT)
        return {"status": response.status, "body": body.decode("utf-8", "replace")}


class CallsHandler(ControlHandler):
    def get(self) -> None:
        self.answer(self.stand_in.calls.describe())


class FaultsHandler(ControlHandler):
    def get(self) -> None:
        self.answer({"faults": self.stand_in.faults.describe()})

    def post(self) -> None:
        fault = self.read(Fault)
        self.stand_in.faults.clear()
        self.stand_in.faults.add(fault)
        self.get()

    def delete(self) -> None:
        self.stand_in.faults.clear()
        self.get()


class RedirectedHandler(ControlHandler):
    """Where the fault `redirect` leads. It answers like WeChat, so that following it shows."""

    def get(self) -> None:
        self.stand_in.calls.redirects_followed += 1
        self.answer(SPECIMEN)


class NotFoundHandler(ControlHandler):
    def prepare(self) -> None:
        raise HTTPError(404)


INDEX = {
    "GET /sns/jscode2session": "as WeChat: appid, secret, js_code, grant_type=authorization_code",
    "POST /cgi-bin/stable_token": "as WeChat: grant_type=client_credential, appid, secret, force_refresh",
    "POST /wxa/business/getuserphonenumber": "as WeChat: access_token in the query, code in the body",
    "POST /sandbox/login": "log in on a phone: " + ", ".join(LoginFields.model_fields) + "; all optional",
    "POST /sandbox/codes": "install an exact answer: " + ", ".join(CodeFields.model_fields),
    "POST /sandbox/phone-code": "tap the phone number button: user, appid; both optional",
    "POST /sandbox/push": "push an event to a server: " + ", ".join(PushFields.model_fields),
    "GET /sandbox/calls": "what was asked so far",
    "GET /sandbox/faults": "what will go wrong",
    "POST /sandbox/faults": "let something go wrong: " + ", ".join(Fault.model_fields),
    "DELETE /sandbox/faults": "let all go well",
}


def control_application(stand_in: "StandIn") -> Application:
    door = {"stand_in": stand_in}
    return Application(
        [
            url(r"/sandbox/?", IndexHandler, door),
            url(r"/sandbox/login", LoginHandler, door),
            url(r"/sandbox/codes", CodesHandler, door),
            url(r"/sandbox/phone-code", PhoneCodeHandler, door),
            url(r"/sandbox/push", PushHandler, door),
            url(r"/sandbox/calls", CallsHandler, door),
            url(r"/sandbox/faults", FaultsHandler, door),
            url(r"/sandbox/redirected", RedirectedHandler, door),
        ],
        default_handler_class=NotFoundHandler,
        default_handler_args=door,
        log_function=lambda _handler: None,
    )


def _explain(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
