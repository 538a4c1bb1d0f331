"""What `python server.py --demo` adds: an app that exists nowhere, a few registered people, and a block to paste."""

import asyncio
import secrets

import aiohttp

from sandbox.server import StandIn

APPID = "wxdeadbeefdeadbeef"
REGISTERED = ("mei", "lin", "tao", "bo")


def demo_stand_in() -> StandIn:
    """A stand-in that knows one app, whose AppSecret is made up on the spot."""
    return StandIn({APPID: secrets.token_hex(16)})


async def register_people(stand_in: StandIn, server_url: str) -> None:
    """Register the demo's people as their phones would: over HTTP, through the stand-in."""

    async def register(name: str) -> None:
        login = stand_in.people.login(name)
        async with http.post(f"{server_url}/accounts/wxapp", json=login) as response:
            response.raise_for_status()

    async with aiohttp.ClientSession() as http:
        await asyncio.gather(*(register(name) for name in REGISTERED))


def block(server_url: str, stand_in_url: str, *, set_up: str) -> str:
    """The text a newcomer sees: three calls that answer 401, 201 and 200 on one code of wx.login, and the dashboard."""
    call = "curl -sS -w '\\n-> %{http_code}\\n\\n' -H 'Content-Type: application/json' -d \"$LOGIN\""
    return f"""
wxpassport demo: {server_url}   (WeChat stand-in: {stand_in_url}/sandbox/)

Paste these lines. A visitor opens the mini-program (wx.login, wx.getUserInfo), is unknown, registers and signs in,
all with one code. Paste again for another visitor.
粘贴以下命令：一位访客打开小程序，先是未注册（401），注册（201），再登录（200），全程只用一个 code。

  LOGIN=$(curl -sS -X POST {stand_in_url}/sandbox/login)
  {call} {server_url}/oauth/token
  {call} {server_url}/accounts/wxapp
  {call} {server_url}/oauth/token

The dashboard: this link makes its first admin, once, within the hour. 后台：用此链接创建首位管理员（一小时内有效）：

  {set_up}

Watch it happen instead: the mini-program's own client in a browser, each call drawn. 在浏览器里看一次登录怎样发生：

  {server_url}/demo

Everything else it can do: {server_url}/docs

Registered already: {", ".join(REGISTERED)}; {stand_in_url}/sandbox/login?user=mei gives what mei sends.
WeChat pushes, too. This POST lets mei take back nickname and avatar (6):
{stand_in_url}/sandbox/push?user=mei&revoke_info=6&url={server_url}/wechat/events/{APPID}
All data is temporary. Ctrl-C stops it. 数据均为临时数据，按 Ctrl-C 停止。
"""
