"""`check`: report every fault of the configuration, then try MongoDB and WeChat."""

from __future__ import annotations

from contextlib import aclosing

from passport.check import Finding, check_app, check_mongodb
from passport.config import Settings, cores
from passport.wechat.client import WeChatClient
from programs.database import database_beside_servers


async def report(settings: Settings) -> int:
    """Try everything the configuration names and print what was found; 1 when something does not work."""
    processes = Finding(True, f"processes: {settings.server.processes}, and {cores()} cores to use")
    findings = [Finding(True, "configuration: no fault"), processes, await find_mongodb(settings)]
    async with aclosing(WeChatClient(settings.wechat)) as wechat:
        findings += [await check_app(wechat, app) for app in settings.wechat.apps]
    for finding in findings:
        print("ok   " if finding.works else "FAULT", finding.text)
    return 0 if all(finding.works for finding in findings) else 1


async def find_mongodb(settings: Settings) -> Finding:
    """Ask MongoDB whether it answers."""
    async with database_beside_servers(settings) as (store, not_started):
        finding = await check_mongodb(store)
    return Finding(False, f"MongoDB: {not_started}") if not_started and not finding.works else finding
