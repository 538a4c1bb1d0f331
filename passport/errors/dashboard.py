"""Refusals that only a page of the dashboard makes; no client of the API ever meets one."""

from __future__ import annotations

from passport.errors.base import Hint, PassportError


class PageError(PassportError):
    """A refusal that is shown and never sent as JSON."""


class InvalidForm(PageError):
    """A form holds what our forms never do."""

    code, status = "invalid_form", 400
    description = "The form is malformed."
    hint = Hint(
        zh="表单内容有误，请返回上一页，刷新后再试。",
        en="Go back, reload the page and fill in the form again.",
    )


class FaultyFilter(PageError):
    """A filter that cannot be read whole. Nobody is acted on by the rest of it, which would mean more people."""

    code, status = "faulty_filter", 400
    description = "A part of the filter cannot be read, so nothing was done."
    hint = Hint(
        zh="筛选条件有误，未执行任何操作。请回到用户列表，改正标出的条件后再试。",
        en="Nothing was done. Go back to the list of users and put right the condition that is marked there.",
    )


class StaleForm(PageError):
    """A form without the token that our pages put into it: forged by another site, or older than the cookie."""

    code, status = "stale_form", 403
    description = "The form was not sent by a current page of this dashboard."
    hint = Hint(
        zh="该表单已过期，或不是由本后台的页面提交。请返回上一页，刷新后再试；并确认浏览器没有拦截 Cookie。",
        en="The form is out of date, or another site sent it. Go back, reload the page and try again; cookies must be "
        "allowed.",
    )


class RoleNeeded(PageError):
    """The operator's role does not reach that far."""

    code, status = "role_needed", 403
    description = "Your role does not allow this."
    hint = Hint(zh="您的角色没有此权限，请联系管理员。", en="Your role does not allow this. Ask an admin.")


class TooManyExports(PageError):
    """As many exports are being written as one process writes at a time."""

    code, status = "too_many_exports", 429
    description = "Other exports are being written in this moment."
    hint = Hint(
        zh="正在进行的导出较多，请等其中一个完成后再试。",
        en="Wait until one of the exports under way has finished, and try again.",
    )
    retry_after: int | None = 30


class PageNotFound(PageError):
    """No such page of the dashboard, or nothing of that id."""

    code, status = "page_not_found", 404
    description = "There is nothing at this address."
    hint = Hint(
        zh="链接可能有误，或该内容已被删除。请回到概览。",
        en="The link may be wrong, or what it led to is gone. Go back to the overview.",
    )


class LinkWorthless(PageError):
    """A one-time link that was used, is too old, or never was."""

    code, status = "link_worthless", 404
    description = "This link was used, has expired, or is incomplete."
    hint = Hint(
        zh="该链接已被使用、已过期，或复制不完整。链接一小时内有效且只能用一次：请管理员重新生成；"
        "还没有任何运营人员时，请重启服务器以获取新链接。",
        en="This link was used, has expired, or was not copied in full. It works once, within an hour: ask an admin "
        "for a new one, or, while there is no operator at all, restart the server.",
    )


class PrivateChannelNeeded(PageError):
    """A one-time link was opened over a connection that others can read."""

    code, status = "private_channel_needed", 403
    description = "A one-time link opens over TLS or on the server itself only."
    hint = Hint(
        zh="一次性链接只能通过 HTTPS 或在服务器本机打开。前面有反向代理时，请配置 server.trusted_proxies，"
        "并让代理发送 X-Forwarded-Proto。",
        en="A one-time link opens over HTTPS or on the server itself only. Behind a proxy, set server.trusted_proxies "
        "and have the proxy send X-Forwarded-Proto.",
    )


class NotToOneself(PageError):
    """What an admin may do to all but themselves, or nobody might be left to undo it."""

    code, status = "not_to_oneself", 409
    description = "You cannot do this to your own account."
    hint = Hint(
        zh="不能对自己的账号执行此操作，请让另一位管理员来做。",
        en="You cannot do this to your own account. Ask another admin.",
    )


class SignInBusy(PageError):
    """Too many passwords wait to be verified."""

    code, status = "sign_in_busy", 503
    description = "Too many people sign in at once."
    hint = Hint(
        zh="登录请求过多，请几秒钟后再试。", en="Too many people sign in at once. Try again in a few seconds."
    )
    retry_after: int | None = 2


class TooBroad(PageError):
    """A list of users takes too long to make, or too many are asked for at once."""

    code, status = "too_broad", 503
    description = "This search takes too long."
    hint = Hint(
        zh="这次查找耗时过长。请缩小范围，例如多输入几个字，或加上应用、日期等条件，然后再试。",
        en="This search takes too long. Narrow it, with more of the name, an app or dates, and try again.",
    )
