"""Returning logins by Sanic as it comes (with uvloop, httptools and ujson), a shared aiohttp session and Motor."""

from __future__ import annotations

from datetime import UTC, datetime

import aiohttp
from motor.motor_asyncio import AsyncIOMotorClient
from sanic import HTTPResponse, Request, Sanic, json

from benchmarks.reference import job

settings = job.settings()
app = Sanic("reference")


@app.before_server_start
async def open_clients(app: Sanic) -> None:
    """One of each for all requests."""
    app.ctx.http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=settings.tls()))
    app.ctx.database = AsyncIOMotorClient(settings.mongodb, **job.DURABLE)[settings.database]


@app.after_server_stop
async def close_clients(app: Sanic) -> None:
    """The end of them."""
    await app.ctx.http.close()


@app.post("/oauth/token")
async def login(request: Request) -> HTTPResponse:
    """200 with a token."""
    database, body = request.app.ctx.database, request.json
    async with app.ctx.http.get(settings.code2session, params=settings.query(body["code"])) as reply:
        session = await reply.json(content_type=None)  # WeChat says text/plain
    job.decrypt(body["encryptedData"], body["iv"], session_key=session["session_key"], appid=settings.appid)
    user = await database.users.find_one({"openid": session["openid"]})
    now = datetime.now(UTC)
    await database.users.update_one({"_id": user["_id"]}, {"$set": {"last_seen_at": now}})
    kept = await database.sessions.insert_one({"user_id": user["_id"], "created_at": now})
    return json(job.answer(user["_id"], kept.inserted_id))


if __name__ == "__main__":
    app.run(sock=job.listen(), single_process=True, motd=False, access_log=False)
