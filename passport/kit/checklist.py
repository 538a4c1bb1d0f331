"""What to enter and tick before a release, with the exact values for one app on this server. No secret is in it."""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote

from passport.config import App, Settings
from passport.kit.folder import Files
from passport.kit.privacy import Declaration, declarations
from passport.kit.words import Words
from passport.public_address import AddressFault, address_faults, address_to_call, origin, public_address

# Privacy authorisation came last of what the pages use: 2.32.3 (…/framework/user-privacy/PrivacyAuthorize.html).
MINIMUM_LIBRARY = "2.32.3"


@dataclass(frozen=True)
class Entry:
    """One thing to enter, to tick or to run.

    Args:
        field: what the console calls it.
        value: to copy as it is; None when there is nothing to copy.
        why: what it is for, or what follows when it is forgotten.
    """

    field: Words
    value: str | None
    why: Words


@dataclass(frozen=True)
class Step:
    """What is done in one place. `place` is the way to it in the console, or empty."""

    name: str
    title: Words
    place: Words
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Checklist:
    """Everything, in the order in which it is done.

    Args:
        appid: of the app.
        app_name: as configured, or empty.
        base_url: what config.js says.
        faults: why WeChat would not let a released mini-program reach it.
        steps: what to do.
    """

    appid: str
    app_name: str
    base_url: str
    faults: tuple[AddressFault, ...]
    steps: tuple[Step, ...]


def make_checklist(settings: Settings, app: App, files: Files) -> Checklist:
    """The checklist of a kit of these files."""
    address, faults = address_to_call(settings), address_faults(public_address(settings))
    return Checklist(
        appid=app.appid,
        app_name=app.name or "",
        base_url=address,
        faults=faults,
        steps=(
            _open_it(checked=not faults),
            _domains(None if faults else origin(address)),
            _privacy(files),
            _pushes(app, None if faults else address),
            _others(),
            _verify(app, address, public=not faults),
        ),
    )


def fault_words(fault: AddressFault, base_url: str) -> Words:
    """Why that is in the way of a release, and what to do."""
    cures = {
        AddressFault.MISSING: Words(
            f"没有设置 server.public_url，config.js 指向 {base_url}，只有本机能访问。"
            "请设置 server.public_url 为 https 域名，重启服务器后重新生成",
            f"server.public_url is not set, so config.js names {base_url}, which this machine alone can reach. "
            "Set server.public_url to an https domain, restart the server and make the kit again",
        ),
        AddressFault.PLAIN_HTTP: Words(
            "server.public_url 不是 https：微信只允许 https 域名。请在反向代理上配置证书并改为 https://",
            "server.public_url is not https, and WeChat takes nothing else. Put a certificate on the proxy and "
            "write https://",
        ),
        AddressFault.IP_ADDRESS: Words(
            "server.public_url 是 IP 地址：微信不接受。请改用已备案的域名",
            "server.public_url is an IP address, which WeChat does not take. Use a domain with an ICP filing",
        ),
        AddressFault.LOCAL_NAME: Words(
            "server.public_url 是本机或内网名称：微信不接受。请改用已备案的域名",
            "server.public_url is a name of this machine or network, which WeChat does not take. Use a domain with "
            "an ICP filing",
        ),
        AddressFault.PORT_443: Words(
            "server.public_url 写了 :443：登记的域名没有端口时，带端口的请求会被拒绝。请去掉 :443",
            "server.public_url says :443, and WeChat refuses a request with a port to a domain without one. "
            "Leave :443 out",
        ),
    }
    return cures[fault]


def _open_it(*, checked: bool) -> Step:
    switch = Words("不校验合法域名、web-view（业务域名）、TLS 版本以及 HTTPS 证书")
    before = Words(
        "详情 → 本地设置。下面的域名登记之前可以勾选，登记之后取消；上线的小程序一定会校验",
        "详情 → 本地设置. Tick it until the domains below are entered, then untick it: a released mini-program checks",
    )
    ticked = Words(
        "详情 → 本地设置。已在 project.config.json 中勾选（urlCheck: false），因为现在的地址只能在开发者工具中使用",
        "详情 → 本地设置. Ticked already in project.config.json (urlCheck: false), since the address as it is works "
        "in DevTools alone",
    )
    return Step(
        "open",
        Words("在开发者工具中打开", "Open it in WeChat DevTools"),
        Words("导入项目 → 选择本文件夹", "导入项目 (import project) → this folder"),
        (Entry(switch, None, before if checked else ticked),),
    )


def _domains(domain: str | None) -> Step:
    place = Words("开发管理 → 开发设置 → 服务器域名")
    uses = (
        (Words("request合法域名"), Words("登录和所有接口", "Signing in, and every other call")),
        (Words("uploadFile合法域名"), Words("上传头像", "Uploading an avatar")),
        (Words("downloadFile合法域名"), Words("下载或绘制头像", "Downloading or drawing an avatar")),
    )
    entries = tuple(Entry(field, domain, use if domain else _later(use)) for field, use in uses)
    return Step("domains", Words("服务器域名", "Server domains"), place, entries)


def _later(use: Words) -> Words:
    return Words(
        f"{use.zh}。现在的地址微信不接受，修正后这里会给出要填的值",
        f"{use.en}. WeChat does not take the address as it is; once it does, the value stands here",
    )


def _privacy(files: Files) -> Step:
    kept = Entry(
        Words("存储期限", "存储期限 (how long it is kept)"),
        "注销账号后删除；登录记录留存满 190 天后删除",
        Words(
            "与服务器的实际做法一致",
            "Erased when the account is closed, and the record of sign-ins when it is 190 days old, as the server does",
        ),
    )
    return Step(
        "privacy",
        Words("用户隐私保护指引", "Privacy declarations"),
        Words("设置 → 服务内容声明 → 用户隐私保护指引"),
        (*(Entry(each.kind, each.purpose.zh, _reason(each)) for each in declarations(files)), kept),
    )


def _reason(each: Declaration) -> Words:
    return Words(f"用途如上；来自{each.why.zh}", f"For: {each.purpose.en}. From: {each.why.en}")


def _pushes(app: App, address: str | None) -> Step:
    place = Words("开发管理 → 消息推送")
    title = Words("消息推送", "Message push")
    if app.push is None:
        missing = Words(
            "没有配置。用户撤回授权时微信只会每天发邮件；"
            "配置 push.token 和 push.encoding_aes_key 后，服务器会自动删除对应数据",
            "Not configured. Without it WeChat tells of a user who withdraws consent by a daily e-mail alone; with "
            "push.token and push.encoding_aes_key the server erases the data by itself",
        )
        return Step("pushes", title, place, (Entry(Words("wechat.apps[].push"), None, missing),))
    encrypted = app.push.encoding_aes_key is not None
    tried = Words(
        "提交时微信会立即验证，服务器须已启动", "WeChat tries it when you submit: the server must run"
    )
    return Step(
        "pushes",
        title,
        place,
        (
            Entry(
                Words("URL（服务器地址）", "URL"),
                f"{address}/wechat/events/{app.appid}" if address else None,
                tried if address else _later(tried),
            ),
            Entry(
                Words("Token、EncodingAESKey") if encrypted else Words("Token"),
                None,
                Words(
                    "与配置中的 push 一致；属于机密，不在此显示",
                    "As in the configuration; secret, so not shown",
                ),
            ),
            Entry(
                Words("消息加密方式"),
                "安全模式" if encrypted else "明文模式",
                Words("与配置一致", "As configured")
                if encrypted
                else Words(
                    "没有配置 encoding_aes_key：推送内容未经认证，建议改用安全模式",
                    "No encoding_aes_key is configured, so nothing authenticates a push; 安全模式 is better",
                ),
            ),
            Entry(Words("数据格式"), "JSON", Words("XML 也可以", "XML does as well")),
        ),
    )


def _others() -> Step:
    return Step(
        "console",
        Words("其他设置", "The rest of the console"),
        Words(""),
        (
            Entry(
                Words("基础库最低版本设置"),
                MINIMUM_LIBRARY,
                Words(
                    "设置 → 基本设置。更低的版本没有隐私授权接口",
                    "设置 → 基本设置. Older ones know no privacy authorisation",
                ),
            ),
            Entry(
                Words("IP白名单"),
                None,
                Words(
                    "开发管理 → 开发设置。如果启用，请填入服务器的出口 IP，否则微信返回 40164",
                    "开发管理 → 开发设置. If you use it, enter the address your server calls from, or WeChat "
                    "answers 40164",
                ),
            ),
            Entry(
                Words("ICP 备案", "ICP 备案 (ICP filing)"),
                None,
                Words(
                    "域名须完成 ICP 备案，小程序须在 设置 → 基本设置 → 小程序备案 完成备案，才能上线",
                    "Of the domain, and of the mini-program under 设置 → 基本设置 → 小程序备案; neither is released "
                    "without",
                ),
            ),
        ),
    )


def _verify(app: App, address: str, *, public: bool) -> Step:
    body = f'{{"appid": "{app.appid}", "code": "kit", "encryptedData": "AAAA", "iv": "AAAAAAAAAAAAAAAAAAAAAA=="}}'
    call = f"curl -sS {quote(f'{address}/oauth/token')} -H 'Content-Type: application/json' -d '{body}'"
    from_outside = Words(
        "从公网执行，返回 200；证书链不完整时 curl 会报错",
        "From anywhere on the internet: 200. curl complains of an incomplete certificate chain",
    )
    return Step(
        "verify",
        Words("验证", "See that it works"),
        Words(""),
        (
            Entry(
                Words("服务器就绪", "The server is ready"),
                f"curl -fsS {quote(f'{address}/readyz')}",
                from_outside
                if public
                else Words("在服务器所在的机器上执行，返回 200", "On the server's own machine: 200"),
            ),
            Entry(
                Words("接口可达", "The call arrives"),
                call,
                Words("返回 403 和 hint：code 是编造的", "403 with a hint, since the code is made up"),
            ),
            Entry(
                Words("AppSecret 正确", "The AppSecret is right"),
                "python server.py check",
                Words("在服务器上执行，每行都是 ok", "On the server; every line says ok"),
            ),
        ),
    )
