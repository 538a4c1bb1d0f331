"""`--demo`: serve with a WeChat stand-in and throw-away data."""

from __future__ import annotations

import asyncio
import os
import tempfile
from ipaddress import ip_address
from pathlib import Path

from commands.operators import first_link
from handlers.serving import serve_on, stop_signal
from passport.config import Settings
from passport.config_sources import ConfigError, Key, load_settings
from passport.demo_data import write_past
from passport.services import Services
from playground import playground_urls
from programs.serving import listen, running_services
from sandbox.demo import APPID, block, demo_stand_in, register_people
from sandbox.history import invent
from sandbox.server import StandIn


async def demo(config: Path, overrides: dict[Key, object]) -> int:
    """Serve against a WeChat stand-in, with data that is gone afterwards; on loopback only."""
    stopped = stop_signal()
    stand_in = demo_stand_in()
    stand_in.start()
    try:
        with tempfile.TemporaryDirectory(prefix="wxpassport-demo-") as folder:
            settings = demo_settings(config, overrides, stand_in, folder)
            sockets, settings = listen(settings)
            async with running_services(settings) as (services, starting):
                welcoming = asyncio.create_task(welcome(stand_in, services))
                await serve_on(sockets, services, starting, stopped, playground_urls(stand_in))
                welcoming.cancel()
    finally:
        await stand_in.stop()
    return 0


def demo_settings(config: Path, overrides: dict[Key, object], stand_in: StandIn, folder: str) -> Settings:
    """The configured server section, with everything else made for the demo."""
    agreed = stand_in.people.push_secrets
    push = {"token": agreed.token, "encoding_aes_key": agreed.encoding_aes_key}
    app = {"appid": APPID, "secret": stand_in.people.apps[APPID], "name": "demo", "push": push}
    made: dict[Key, object] = {
        ("mongodb",): {"data_dir": folder},
        ("wechat",): {"base_url": stand_in.base_url, "apps": [app]},
        ("secret_key",): None,
    }
    settings = load_settings(config, os.environ, {**overrides, **made})
    if not is_loopback(settings.server.host):
        raise ConfigError(
            [
                f"server.host: --demo signs anybody in, so it listens on loopback only, not on {settings.server.host}; "
                "set server.host to 127.0.0.1"
            ]
        )
    return settings


async def welcome(stand_in: StandIn, services: Services) -> None:
    """Once requests are served: register the demo's people and print what to paste."""
    await services.readiness.prepared()
    await write_past(
        services, invent(services.admin.now(), appid=APPID, zone=services.settings.dashboard.zone)
    )
    url = services.settings.listening_url
    await register_people(stand_in, url)
    link = await first_link(services.admin, services.settings)
    print(block(url, stand_in.base_url, set_up=link or f"{url}/admin"), flush=True)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
