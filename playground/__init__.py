"""The playground of `--demo`: the login watched without WeChat, by the mini-program's own passport.js in a browser.

`/demo` is the page, `/demo/bare` the same client without a page, and the rest under `/demo/` is what `static/wx.js`
(the `wx` of a browser) and the page's buttons need: they act on the WeChat stand-in and on this server, in process.
Only programs/demo.py knows this package; in no other mode is there any of it.

Files: `wechat` the calls of `wx` · `acts` what the buttons cause · `pages` what is looked at · `endpoint` their base.
"""

from __future__ import annotations

from tornado.routing import URLSpec
from tornado.web import url

from playground import acts, pages, wechat
from sandbox.exchanges import Exchanges
from sandbox.server import StandIn

__all__ = ["playground_urls"]


def playground_urls(stand_in: StandIn) -> list[URLSpec]:
    """The routes, over this stand-in, which from now on notes what it is asked and what it answers."""
    stand_in.exchanges = Exchanges(stand_in.people.now)
    door = {"stand_in": stand_in}
    return [
        url(r"/demo", pages.PlaygroundPage, door, name="playground"),
        url(r"/demo/bare", pages.BarePage, door),
        url(r"/demo/static/(?P<path>.+)", pages.PlaygroundFile, {"path": str(pages.STATIC_PATH)}),
        url(r"/demo/passport\.js", pages.PassportFile, {"path": str(pages.PASSPORT_JS.parent)}),
        url(r"/demo/visitors", wechat.VisitorsHandler, door),
        url(r"/demo/wx/login", wechat.LoginHandler, door),
        url(r"/demo/wx/user-info", wechat.UserInfoHandler, door),
        url(r"/demo/wx/session", wechat.SessionHandler, door),
        url(r"/demo/wx/phone-code", wechat.PhoneCodeHandler, door),
        url(r"/demo/exchanges", wechat.ExchangesHandler, door),
        url(r"/demo/faults", acts.FaultsHandler, door),
        url(r"/demo/session-keys/expire", acts.ExpireSessionKeyHandler, door),
        url(r"/demo/users/ban", acts.BanHandler, door),
        url(r"/demo/users/end-sessions", acts.EndSessionsHandler, door),
        url(r"/demo/tokens/expired", acts.ExpiredTokenHandler, door),
        url(r"/demo/refusals/(?P<request_id>[0-9a-f]{16})", acts.RefusalHandler, door),
    ]
