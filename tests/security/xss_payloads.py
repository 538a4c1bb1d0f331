"""A hundred and twenty ways to get a script onto a page (R-014), and people who are made of them.

Each is short enough for a nickname. Together they try every place that text can come to stand in: between tags, in an
attribute with either quote or none, in an address, in a script or a style, in a template of the server's or of a
framework's, in SVG and MathML, in comments; and the spellings that filters overlook.
"""

from __future__ import annotations

import string
from dataclasses import dataclass, field

from sandbox import StandIn
from tests.client import API
from tests.conftest import APPID

TAGS = (
    "<script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<script >alert(1)</script >",
    "<script/x>alert(1)</script>",
    "<script\t>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<<script>alert(1)//<</script>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</pre></code><script>alert(1)</script>",
    "--><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    "<script src=//127.0.0.1/x.js></script>",
    "<script src=data:,alert(1)></script>",
    "<script type=module>alert(1)</script>",
    "<script>alert`1`</script>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
)
HANDLERS = (
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)//",
    "<img/src=x/onerror=alert(1)>",
    "<img src=x:x onerror=alert`1`>",
    "<img src onerror='alert(1)'>",
    '<img """><script>alert(1)</script>">',
    "<body onload=alert(1)>",
    "<body onpageshow=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<select autofocus onfocus=alert(1)>",
    "<textarea autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video src=x onerror=alert(1)>",
    "<video><source onerror=alert(1)>",
    "<audio src=x onerror=alert(1)>",
    "<marquee onstart=alert(1)>",
    "<object data=x onerror=alert(1)>",
    "<style onload=alert(1)></style>",
    "<link rel=stylesheet href=x onerror=alert(1)>",
    "<div style=animation-name:x onanimationstart=alert(1)>",
    "<p tabindex=1 autofocus onfocus=alert(1)>x",
    "<dialog open onclose=alert(1)>",
    "<img src=x ONERROR=alert(1)>",
    "<img src=x onerror\n=alert(1)>",
    "<a autofocus href=x onfocus=alert(1)>x</a>",
)
ATTRIBUTES = (
    '" onmouseover="alert(1)',
    "' onmouseover='alert(1)",
    " onmouseover=alert(1) x=",
    '" autofocus onfocus="alert(1)',
    "' autofocus onfocus='alert(1)",
    '"><script>alert(1)</script>',
    "'><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><img src=x onerror=alert(1)>",
    "`><img src=x onerror=alert(1)>",
    '" style="background:url(//127.0.0.1/x)',
    '" srcdoc="<script>alert(1)</script>',
    '" formaction="javascript:alert(1)',
    "\" href='javascript:alert(1)",
    '"/onload="alert(1)',
    "x' onerror=alert(1) '",
    '" hx-on:load="alert(1)" hx-get="/',
    '" data-hx-on="load: alert(1)',
    '" hx-trigger="load" hx-post="/admin/sign-out',
    '" accesskey=x onclick=alert(1) x="',
)
ADDRESSES = (
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "\x01javascript:alert(1)",
    "javascript://%0aalert(1)",
    "javascript&colon;alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "vbscript:msgbox(1)",
    "//127.0.0.1/x.js",
    "/\\127.0.0.1/",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='java&#115;cript:alert(1)'>x</a>",
    "<iframe src=javascript:alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<embed src=javascript:alert(1)>",
    "<form action=javascript:alert(1)><button autofocus>",
    "<meta http-equiv=refresh content=0;url=javascript:alert(1)>",
    "<base href=//127.0.0.1/>",
    "<meta http-equiv=refresh content='0;url=//127.0.0.1/'>",
)
TEMPLATES = (
    "{{ 7*7 }}",
    "{{ config }}",
    "{{ ''.__class__.__mro__ }}",
    "{% raw %}<script>alert(1)</script>{% endraw %}",
    "{{ '<script>alert(1)</script>'|safe }}",
    "${alert(1)}",
    "#{alert(1)}",
    "<%= alert(1) %>",
    "{{constructor.constructor('alert(1)')()}}",
    "%(name)s%n%x{0.__class__}",
)
SVG = (
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script>",
    "<svg><script href=data:,alert(1) />",
    "<svg><a xlink:href=javascript:alert(1)><text>x",
    "<svg><animate onbegin=alert(1) attributeName=x>",
    "<svg><set onbegin=alert(1) attributeName=x>",
    "<svg><image href=x onerror=alert(1)>",
    "<svg><foreignObject><body onload=alert(1)>",
    "<svg><style><img src=x onerror=alert(1)>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<math href=javascript:alert(1)>x</math>",
)
SPELLINGS = (
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "\\x3cscript\\x3ealert(1)\\x3c/script\\x3e",
    "＜script＞alert(1)＜/script＞",
    "<scrıpt>alert(1)</scrıpt>",
    "<ſcript>alert(1)</ſcript>",
    "<script\u200b>alert(1)</script>",
    "\u202e<script>alert(1)</script>",
    "';alert(1)//",
    '";alert(1)//',
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
)
PAYLOADS: tuple[str, ...] = (*TAGS, *HANDLERS, *ATTRIBUTES, *ADDRESSES, *TEMPLATES, *SVG, *SPELLINGS)

_PRINTABLE = frozenset(string.printable) - frozenset("\t\n\r\x0b\x0c")


@dataclass
class Infested:
    """Who was made: ids for the addresses of pages, by the names of their parts."""

    ids: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str, value: str) -> None:
        """One more."""
        self.ids.setdefault(name, []).append(value)


async def infest(api: API, stand_in: StandIn) -> Infested:
    """Register somebody for each payload, with it wherever the API takes a text, and let WeChat say it, too.

    Nickname, city, province, country and avatar come from WeChat; the device is the User-Agent of a sign-in and of one
    that WeChat refuses, with the payload for its errmsg.
    """
    made = Infested()
    for number, payload in enumerate(PAYLOADS):
        person, headers = f"x{number}", {"User-Agent": _header(payload)}
        profile = dict.fromkeys(("nickName", "city", "province", "country"), payload)
        profile["avatarUrl"] = (
            f"https://thirdwx.qlogo.cn/{''.join(each for each in payload if each in _PRINTABLE)}"
        )
        visit = {"appid": APPID, **stand_in.people.login(person, profile=profile)}
        registered = await api.register(visit, headers=headers)
        assert registered.status == 201, (payload, registered)
        made.add("user_id", registered.json["account_id"])
        assert (await api.token(visit, headers=headers)).status == 200
        # In turn, since of more than a hundred alike in a minute not each is recorded.
        stand_in.faults.set("errcode", errcode=(40029, 40163)[number % 2], errmsg=payload, times=1)
        refused = await api.token({"appid": APPID, **stand_in.people.login(person)}, headers=headers)
        assert refused.status == 403
    return made


def _header(payload: str) -> str:
    """The payload as a header can carry it."""
    return "".join(each for each in payload if each.isprintable()).strip()
