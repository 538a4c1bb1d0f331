"""The people who use the mini-programs, and what WeChat knows of them. Pure state, no HTTP.

`login` is what happens on the phone (`wx_login` and `get_user_info`, in one order or the other), `redeem` what happens
at WeChat when a server sends the code. The clock is passed in.
"""

import hmac
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sandbox import payloads, pushes
from sandbox.credentials import AccessTokens
from sandbox.errcodes import Refused
from sandbox.identities import (
    fixed_session_key_of,
    new_code,
    new_session_key,
    new_visitor,
    openid_of,
    unionid_of,
)
from sandbox.phones import Phones
from sandbox.recent import Recent

Order = Literal["right", "wrong"]

CODE_TTL = 300.0  # seconds (WeChat: wx.login)
MAX_CODES = 50_000
MAX_SESSION_KEYS = 50_000

# Old clients still send a nickname, today's send 微信用户, so the cast has both. Any other name is anonymous.
CAST: Mapping[str, Mapping[str, Any]] = {
    "mei": {"nickName": "小美🌸", "avatarUrl": "https://thirdwx.qlogo.cn/mmopen/vi_32/sandbox-mei/132"},
    "bo": {},
    "lin": {"nickName": "林一", "avatarUrl": "https://thirdwx.qlogo.cn/mmopen/vi_32/sandbox-lin/132"},
    "yun": {},
    "tao": {"nickName": "Tao", "avatarUrl": "https://thirdwx.qlogo.cn/mmopen/vi_32/sandbox-tao/132"},
}

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
BENCH_CODE = re.compile(r"bench-(\d{1,9})-.*")


@dataclass(slots=True)
class Code:
    """A login code and what it stands for; `name` is None when the test scripted the identity."""

    appid: str
    openid: str
    session_key: str
    unionid: str | None
    name: str | None = None
    expires_at: float = float("inf")
    reusable: bool = False
    used: bool = False


class People:
    """Apps, people, session_keys and codes. Everything that grows is bounded."""

    def __init__(
        self, apps: Mapping[str, str], *, now: Callable[[], float] = time.time, auto_codes: bool = False
    ) -> None:
        if not apps:
            raise ValueError("the stand-in needs at least one app: {appid: secret}")
        self.apps = dict(apps)
        self.now = now
        self.auto_codes = auto_codes
        # What every app has entered in the console for 消息推送.
        self.push_secrets = pushes.new_secrets()
        self._unbound: set[str] = set()
        self._session_keys: Recent[tuple[str, str], str] = Recent(MAX_SESSION_KEYS)
        self._login_keys: Recent[tuple[str, str], str] = Recent(MAX_SESSION_KEYS)
        self._codes: Recent[str, Code] = Recent(MAX_CODES)
        self.access_tokens = AccessTokens(now)
        self.phones = Phones(now)

    # On the phone

    def login(
        self,
        person: str | None = None,
        appid: str | None = None,
        *,
        order: Order = "right",
        rotate: bool = True,
        profile: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        with_openid: bool = True,
    ) -> dict[str, str]:
        """The five fields a mini-program sends: code, encryptedData, iv, rawData, signature.

        Nobody in particular is a new visitor each time. `order="wrong"` fetches the data before wx.login,
        so it is sealed with the session_key that the wx.login replaces: the failure of so many first logins.
        `rotate=False` is a wx.login that keeps the session_key, as WeChat does when they come close together.
        `with_openid=False` gives the shorter payload of wx.getUserProfile.
        """
        if order not in ("right", "wrong"):
            raise ValueError(f"order must be 'right' or 'wrong', not {order!r}")
        appid = self._known(appid)
        name = new_visitor() if person is None else _checked(person)
        data: dict[str, str] = {}
        if order == "wrong":
            data = self.get_user_info(name, appid, profile, timestamp, with_openid=with_openid)
        code = self.wx_login(name, appid, rotate=rotate)
        if order == "right":
            data = self.get_user_info(name, appid, profile, timestamp, with_openid=with_openid)
        return {"code": code} | data

    def wx_login(self, person: str, appid: str | None = None, *, rotate: bool = True) -> str:
        """wx.login alone: a code, and a session_key that replaces the one before."""
        name, appid = _checked(person), self._known(appid)
        session_key = self._renew(name, appid) if rotate else self.session_key(name, appid)
        self._login_keys[name, appid] = session_key
        return self._mint(name, appid, session_key)

    def get_user_info(
        self,
        person: str,
        appid: str | None = None,
        profile: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        *,
        with_openid: bool = True,
    ) -> dict[str, str]:
        """wx.getUserInfo alone: encryptedData, iv, rawData and signature under the session_key of this moment."""
        name, appid = _checked(person), self._known(appid)
        data = payloads.user_info(
            appid=appid,
            openid=self.openid(name, appid) if with_openid else None,
            unionid=self.unionid(name, appid) if with_openid else None,
            profile={**CAST.get(name, {}), **(profile or {})},
            timestamp=int(self.now()) if timestamp is None else timestamp,
        )
        return payloads.seal(data, self.session_key(name, appid))

    def check_session(self, person: str, appid: str | None = None) -> bool:
        """wx.checkSession: whether the session_key of the last code fetched is still the valid one."""
        name, appid = _checked(person), self._known(appid)
        return self._login_keys.get((name, appid)) == self.session_key(name, appid)

    def expire_session_key(self, person: str, appid: str | None = None) -> None:
        """The session_key is replaced without a wx.login here: it has expired, or the person has a second device."""
        self._renew(_checked(person), self._known(appid))

    def phone_code(self, person: str | None = None, appid: str | None = None, **info: Any) -> str:
        """What the getPhoneNumber button gives; `info` replaces members of the later phone_info."""
        name = new_visitor() if person is None else _checked(person)
        return self.phones.mint(name, self._known(appid), info)

    def payload_for(self, n: int, timestamp: int | None = None, appid: str | None = None) -> dict[str, str]:
        """What person n of the load generator sends beside a code `bench-<n>-<anything>`."""
        return payload_for(n, int(self.now()) if timestamp is None else timestamp, self._known(appid))

    # What WeChat knows

    def openid(self, name: str, appid: str | None = None) -> str:
        return openid_of(name, self._known(appid))

    def unionid(self, name: str, appid: str | None = None) -> str | None:
        """None when the app is not bound to the Open Platform account."""
        return None if self._known(appid) in self._unbound else unionid_of(name)

    def session_key(self, name: str, appid: str | None = None) -> str:
        """The one valid session_key of this person in this app (WeChat: checkSessionKey)."""
        appid = self._known(appid)
        return self._session_keys.get((name, appid)) or self._renew(name, appid)

    def owner(self, code: str) -> str | None:
        """Whose code it is, of wx.login or of the phone number button; None when nobody's."""
        known = self._codes.get(code)
        return known.name if known is not None else self.phones.owner(code)

    def bind(self, appid: str | None = None) -> None:
        """Bind the app to the Open Platform account: unionids appear from now on (the default)."""
        self._unbound.discard(self._known(appid))

    def unbind(self, appid: str | None = None) -> None:
        self._unbound.add(self._known(appid))

    def void_wechat_access_token(self, appid: str | None = None, *, stuck: bool = False) -> None:
        """Make the access_tokens given so far bad (40001), see `AccessTokens.void`."""
        self.access_tokens.void(self._known(appid), stuck=stuck)

    # At WeChat, when it calls a server

    def push(
        self,
        person: str,
        event: str = "user_authorization_revoke",
        appid: str | None = None,
        *,
        revoke_info: str | int | None = None,
        mode: pushes.Mode = "encrypted",
        form: pushes.Form = "JSON",
        created: int | None = None,
    ) -> pushes.Push:
        """The request in which WeChat tells that something happened to this person's data. Not sent yet."""
        appid, now = self._known(appid), int(self.now())
        fields = pushes.fields_of(
            event,
            appid=appid,
            openid=self.openid(_checked(person), appid),
            created=now if created is None else created,
            revoke_info=revoke_info,
        )
        return pushes.make(fields, self.push_secrets, appid=appid, mode=mode, form=form, at=now)

    # At WeChat, when a server calls

    def authenticate(self, appid: str, secret: str) -> None:
        """Raise Refused unless this is one of the apps with its secret."""
        if appid not in self.apps:
            raise Refused(40013)
        if not hmac.compare_digest(self.apps[appid].encode(), secret.encode()):
            raise Refused(40125)

    def redeem(self, code: str, appid: str) -> dict[str, str]:
        """Burn the code and return the answer of code2Session; raise Refused when it is not to be had.

        Unknown, expired and another app's code look alike (40029); only a used one is told apart (40163).
        """
        if self.auto_codes and (bench := BENCH_CODE.fullmatch(code)):
            name = bench_name(int(bench[1]))
            return _answer(
                openid_of(name, appid), fixed_session_key_of(name, appid), self.unionid(name, appid)
            )
        known = self._codes.get(code)
        if known is None or known.appid != appid or self.now() >= known.expires_at:
            raise Refused(40029)
        if known.used:
            raise Refused(40163)
        known.used = not known.reusable
        unionid = known.unionid if known.name is None else self.unionid(known.name, appid)
        return _answer(known.openid, known.session_key, unionid)

    def script(
        self,
        code: str,
        openid: str,
        session_key: str,
        unionid: str | None = None,
        appid: str | None = None,
        *,
        reusable: bool = False,
    ) -> None:
        """Install an exact answer for an exact code, such as a published test vector. It does not expire."""
        self._codes[code] = Code(self._known(appid), openid, session_key, unionid, reusable=reusable)

    def _mint(self, name: str, appid: str, session_key: str) -> str:
        code = new_code()
        self._codes[code] = Code(
            appid, openid_of(name, appid), session_key, None, name=name, expires_at=self.now() + CODE_TTL
        )
        return code

    def _renew(self, name: str, appid: str) -> str:
        session_key = new_session_key()
        self._session_keys[name, appid] = session_key
        # The dictionary forgets from its front, and somebody who logs in often must not be forgotten.
        self._session_keys.move_to_end((name, appid))
        return session_key

    def _known(self, appid: str | None) -> str:
        if appid is None:
            return next(iter(self.apps))
        if appid not in self.apps:
            raise ValueError(f"appid {appid!r} is not one of {', '.join(self.apps)}")
        return appid


def payload_for(n: int, timestamp: int, appid: str) -> dict[str, str]:
    """The same in a process of its own: it needs no People, only the number."""
    name = bench_name(n)
    data = payloads.user_info(
        appid=appid,
        openid=openid_of(name, appid),
        unionid=unionid_of(name),
        profile={},
        timestamp=timestamp,
    )
    return payloads.seal(data, fixed_session_key_of(name, appid))


def bench_name(n: int) -> str:
    return f"bench-{n}"


def _answer(openid: str, session_key: str, unionid: str | None) -> dict[str, str]:
    """A success has no errcode, and a unionid only when there is one (WeChat: auth.code2Session)."""
    answer = {"session_key": session_key, "openid": openid}
    if unionid is not None:
        answer["unionid"] = unionid
    return answer


def _checked(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"a person's name is 1 to 64 of A-Z a-z 0-9 _ -, not {name[:80]!r}")
    return name
