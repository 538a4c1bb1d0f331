"""What a phone asks of WeChat: the calls of `wx` that static/wx.js cannot answer alone, and what WeChat was asked."""

from __future__ import annotations

import json

from playground.endpoint import ByVisitor, DemoEndpoint
from sandbox.identities import new_visitor


class UserInfoFields(ByVisitor):
    """Of wx.getUserInfo, or of wx.getUserProfile, which gives no openId."""

    with_openid: bool = True


class VisitorsHandler(DemoEndpoint):
    """`POST /demo/visitors`: somebody who was never here before."""

    def post(self) -> None:
        """200 with their name at the stand-in."""
        self.reply({"user": new_visitor()})


class LoginHandler(DemoEndpoint):
    """`POST /demo/wx/login`: wx.login."""

    def post(self) -> None:
        """200 with a code. The session_key, which it replaces, stays at WeChat."""
        self.reply({"code": self.stand_in.people.wx_login(self.body(ByVisitor).user)})


class UserInfoHandler(DemoEndpoint):
    """`POST /demo/wx/user-info`: wx.getUserInfo."""

    def post(self) -> None:
        """200 with the data, sealed under the session_key of this moment."""
        asked = self.body(UserInfoFields)
        sealed = self.stand_in.people.get_user_info(asked.user, with_openid=asked.with_openid)
        self.reply({**sealed, "userInfo": json.loads(sealed["rawData"])})


class SessionHandler(DemoEndpoint):
    """`POST /demo/wx/session`: wx.checkSession."""

    def post(self) -> None:
        """200, saying whether the session_key of the last wx.login is still valid."""
        self.reply({"valid": self.stand_in.people.check_session(self.body(ByVisitor).user)})


class PhoneCodeHandler(DemoEndpoint):
    """`POST /demo/wx/phone-code`: a tap on `<button open-type="getPhoneNumber">`."""

    def post(self) -> None:
        """200 with a code."""
        self.reply({"code": self.stand_in.people.phone_code(self.body(ByVisitor).user)})


class ExchangesHandler(DemoEndpoint):
    """`POST /demo/exchanges`: what servers asked WeChat with this visitor's codes, and what it answered."""

    def post(self) -> None:
        """200 with the exchanges, oldest first; those not answered yet have no `answered_at`."""
        user, exchanges = self.body(ByVisitor).user, self.stand_in.exchanges
        found = exchanges.of(user) if exchanges is not None else []
        self.reply({"exchanges": [each.describe() for each in found]})
