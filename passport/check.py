"""Try what the configuration names, before users do: MongoDB and each mini-program's credentials at WeChat."""

from __future__ import annotations

from dataclasses import dataclass

from passport.config import App
from passport.errors import InvalidCode, PassportError, ServerMisconfigured
from passport.store import Store
from passport.wechat.client import WeChatClient
from passport.wechat.errcodes import meaning_of

# No code of WeChat's looks like this, so WeChat looks at the appid and the AppSecret and then refuses the code.
_NO_CODE = "wxpassport-check"


@dataclass(frozen=True)
class Finding:
    """One thing tried: whether it works, and what to do if not."""

    works: bool
    text: str


async def check_mongodb(store: Store) -> Finding:
    """Whether MongoDB answers, and is one that writes can be retried on. Writes nothing."""
    try:
        found = await store.describe()
    except PassportError as error:
        cause = type(error.__cause__).__name__
        return Finding(
            False, f"MongoDB: no answer ({cause}). Check mongodb.uri, the network and the credentials"
        )
    if not found.retries_writes:
        return Finding(
            False,
            f"MongoDB: {found.version} answers, but it is a standalone, on which writes cannot be retried. "
            "Make it a replica set, of one member at least",
        )
    return Finding(True, f"MongoDB: {found.version} answers")


async def check_app(wechat: WeChatClient, app: App) -> Finding:
    """Whether WeChat accepts the appid and its AppSecret. Costs one call of the app's quota."""
    name = f"WeChat, {app.appid}"
    try:
        await wechat.code2session(app, _NO_CODE)
    except InvalidCode:
        return Finding(True, f"{name}: appid and AppSecret are accepted")
    except ServerMisconfigured as error:
        if error.wechat_errcode is None:
            return Finding(False, f"{name}: the certificate cannot be verified. Check wechat.ca_file")
        action = meaning_of(error.wechat_errcode).operator
        return Finding(False, f"{name}: errcode {error.wechat_errcode}: {action} (rid {error.rid})")
    except PassportError as error:
        cause = error.wechat_errcode if error.wechat_errcode is not None else type(error.__cause__).__name__
        return Finding(False, f"{name}: no useful answer ({cause}). Check wechat.base_url and the network")
    return Finding(False, f"{name}: a code that does not exist was accepted. Check wechat.base_url")
