"""`/wechat/events/{appid}`: what WeChat pushes about users."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import BaseModel, Field

from handlers.base import APIHandler
from handlers.bodies import BODY_LIMIT
from handlers.operations import operation
from passport.errors import NotFound, PayloadTooLarge, PushRefused
from passport.wechat.pushes import Envelope

# The longest is an encrypted echostr, of some 150 characters.
_PARAMETER_LIMIT = 512


class PushQuery(BaseModel):
    """What WeChat signs (WeChat: 消息推送). For the document: whatever is wrong with it is refused in one way."""

    timestamp: str = Field(description="Unix time of the push; it must be fresh.", examples=["1772353800"])
    nonce: str = Field(description="Anything, another for each push.", examples=["1320562132"])
    signature: str | None = Field(
        default=None,
        description="sha1 over the sorted token, timestamp and nonce, in hex.",
        examples=["75e81ceda165f4ffa64f4068af58c64b8f54b88c"],
    )
    msg_signature: str | None = Field(
        default=None,
        description="The same with the ciphertext, where there is one.",
        examples=["5f0c1e9ad8b7426e93d1c0a4b7e8f625a7c3e9d1"],
    )


class EchoQuery(PushQuery):
    """The same with what the console wants to hear."""

    echostr: str | None = Field(
        default=None,
        description="Is answered, decrypted if it came encrypted.",
        examples=["4375120948345356249"],
    )


class EventsHandler(APIHandler):
    """`/wechat/events/{appid}`, the address to enter in the console's 消息推送."""

    @operation(
        "WeChat's console checks that this address is ours.",
        answers={HTTPStatus.OK: None},
        refusals=(NotFound, PushRefused),
        produces={HTTPStatus.OK: "text/plain"},
        query=EchoQuery,
    )
    async def get(self, appid: str) -> None:
        """200 with echostr, decrypted if it came encrypted."""
        self._say(await self.services.pushes.echo(appid, self._envelope(), self._parameter("echostr")))

    @operation(
        "WeChat tells that a user took data back, closed their WeChat account, or was cleaned.",
        answers={HTTPStatus.OK: None},
        refusals=(NotFound, PushRefused, PayloadTooLarge),
        consumes={"application/json": {"type": "object"}, "text/xml": {"type": "object"}},
        produces={HTTPStatus.OK: "text/plain"},
        query=PushQuery,
    )
    async def post(self, appid: str) -> None:
        """200 `success`, the word that WeChat expects, once all is done. XML and JSON are told apart by the body."""
        if self._received > BODY_LIMIT:
            raise PayloadTooLarge
        await self.services.pushes.handle(appid, self._envelope(), bytes(self._body))
        self._say("success")

    def _envelope(self) -> Envelope:
        return Envelope(
            timestamp=self._parameter("timestamp"),
            nonce=self._parameter("nonce"),
            signature=self._parameter("signature"),
            msg_signature=self._parameter("msg_signature"),
        )

    def _parameter(self, name: str) -> str:
        """A parameter of the query, empty when absent; twice, it would be one thing to a proxy and another to us."""
        given = self.request.query_arguments.get(name, [b""])
        if len(given) > 1 or len(given[0]) > _PARAMETER_LIMIT or not given[0].isascii():
            raise PushRefused("a malformed parameter")
        return given[0].decode("ascii")

    def _say(self, text: str) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        if self._is_last_on_its_connection():
            self.set_header("Connection", "close")
        self.finish(text)
