"""How mini-programs reach this server, and whether WeChat lets a released one. A rule: no network is asked."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import urlsplit

from passport.config import Settings

_EVERY_ADDRESS = {"0.0.0.0", "::", ""}  # noqa: S104  recognised, not listened on
_LOCAL_SUFFIXES = (".localhost", ".local")


class AddressFault(StrEnum):
    """Why WeChat would not let a released mini-program reach an address."""

    MISSING = "missing"
    PLAIN_HTTP = "plain_http"
    IP_ADDRESS = "ip_address"
    LOCAL_NAME = "local_name"
    PORT_443 = "port_443"


def origin(address: str) -> str:
    """Scheme, host and port: what WeChat's console takes as a server domain. A user and a password are left out."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def public_address(settings: Settings) -> str | None:
    """server.public_url, without what it may hold before the host: that is nobody's business."""
    address = settings.server.public_url
    return origin(address) + urlsplit(address).path if address else None


def address_to_call(settings: Settings) -> str:
    """The public address, else where a mini-program in DevTools on this machine finds the server."""
    if address := public_address(settings):
        return address
    server = settings.server
    if server.host in _EVERY_ADDRESS:
        return f"http://127.0.0.1:{server.port}"
    return settings.listening_url


def address_faults(address: str | None) -> tuple[AddressFault, ...]:
    """What WeChat would refuse of it as a server domain; nothing when a released mini-program may call it.

    It takes https and a name alone, and a port only as it was registered: an explicit 443 never matches
    (developers.weixin.qq.com, miniprogram/dev/framework/ability/network.html).
    """
    if address is None:
        return (AddressFault.MISSING,)
    parts = urlsplit(address)
    found = [] if parts.scheme == "https" else [AddressFault.PLAIN_HTTP]
    if _is_ip(parts.hostname or ""):
        found.append(AddressFault.IP_ADDRESS)
    elif _is_local(parts.hostname or ""):
        found.append(AddressFault.LOCAL_NAME)
    if parts.scheme == "https" and parts.netloc.endswith(":443"):
        found.append(AddressFault.PORT_443)
    return tuple(found)


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_local(host: str) -> bool:
    return "." not in host or host.endswith(_LOCAL_SUFFIXES)
