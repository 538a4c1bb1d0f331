"""Whose address a request came from, when proxies stand in between."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from tornado.httputil import HTTPServerRequest

# What proxies add, by RFC 7239, RFC 9110 and habit.
_ADDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip")

Network = IPv4Network | IPv6Network


def client_ip(request: HTTPServerRequest, trusted: Sequence[Network]) -> str:
    """The nearest address on the way here that is no trusted proxy, in its one usual spelling.

    Only `X-Forwarded-For` is read, from the right, and only while each hop is a configured proxy: what a client wrote
    itself stands further left and is never reached. Not Tornado's xheaders, which believes anybody's X-Real-Ip.
    """
    address = _parsed(str(request.remote_ip))
    hops = [hop.strip() for line in request.headers.get_list("X-Forwarded-For") for hop in line.split(",")]
    while hops and address is not None and any(address in network for network in trusted):
        forwarded = _parsed(hops.pop())
        if forwarded is None:
            break
        address = forwarded
    return str(address or request.remote_ip)


def is_private(request: HTTPServerRequest, trusted: Sequence[Network]) -> bool:
    """Whether nobody on the way can read along: TLS, here or as a trusted proxy says, or nothing but this machine.

    Behind a proxy that nobody configured everybody seems to be on this machine; the headers that it adds give it away.
    """
    peer = _parsed(str(request.remote_ip))
    if peer is not None and any(peer in network for network in trusted):
        return request.headers.get("X-Forwarded-Proto") == "https"
    if request.protocol == "https":
        return True
    return peer is not None and peer.is_loopback and not any(name in request.headers for name in _ADDED)


@lru_cache(maxsize=4096)
def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        # Without the zone, which may be any text and means something on one machine only.
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed
