"""Returning logins by Tornado, Motor and Tornado's own HTTP client: ten calls at a time, a connection for each."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from urllib.parse import urlencode

from motor.motor_asyncio import AsyncIOMotorClient
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from benchmarks.reference import job


class LoginHandler(RequestHandler):
    """`POST /oauth/token`."""

    async def post(self) -> None:
        """200 with a token."""
        settings, database = self.application.settings["job"], self.application.settings["database"]
        body = json.loads(self.request.body)
        reply = await AsyncHTTPClient().fetch(
            f"{settings.code2session}?{urlencode(settings.query(body['code']))}",
            ssl_options=self.application.settings["tls"],
        )
        session = json.loads(reply.body)
        job.decrypt(
            body["encryptedData"], body["iv"], session_key=session["session_key"], appid=settings.appid
        )
        user = await database.users.find_one({"openid": session["openid"]})
        now = datetime.now(UTC)
        await database.users.update_one({"_id": user["_id"]}, {"$set": {"last_seen_at": now}})
        kept = await database.sessions.insert_one({"user_id": user["_id"], "created_at": now})
        self.write(job.answer(user["_id"], kept.inserted_id))


async def serve() -> None:
    """Answer until killed."""
    settings = job.settings()
    mongo = AsyncIOMotorClient(settings.mongodb, **job.DURABLE)
    application = Application(
        [(r"/oauth/token", LoginHandler)],
        job=settings,
        database=mongo[settings.database],
        tls=settings.tls(),
    )
    listening = job.listen()
    listening.setblocking(False)
    HTTPServer(application).add_socket(listening)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
