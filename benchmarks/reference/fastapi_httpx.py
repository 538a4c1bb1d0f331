"""Returning logins by FastAPI, a shared httpx client and Motor, served by uvicorn as it comes without extras."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import BaseModel

from benchmarks.reference import job

settings = job.settings()


class Login(BaseModel):
    """What a mini-program sends."""

    code: str
    encryptedData: str  # noqa: N815  as the wire has it
    iv: str


@asynccontextmanager
async def lifespan(application: FastAPI) -> AsyncIterator[None]:
    """The two clients, for as long as the application runs."""
    async with httpx.AsyncClient(verify=settings.tls()) as http:
        application.state.http = http
        application.state.database = AsyncIOMotorClient(settings.mongodb, **job.DURABLE)[settings.database]
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/oauth/token")
async def login(body: Login) -> dict[str, Any]:
    """200 with a token."""
    database = app.state.database
    reply = await app.state.http.get(settings.code2session, params=settings.query(body.code))
    session = reply.json()
    job.decrypt(body.encryptedData, body.iv, session_key=session["session_key"], appid=settings.appid)
    user = await database.users.find_one({"openid": session["openid"]})
    now = datetime.now(UTC)
    await database.users.update_one({"_id": user["_id"]}, {"$set": {"last_seen_at": now}})
    kept = await database.sessions.insert_one({"user_id": user["_id"], "created_at": now})
    return job.answer(user["_id"], kept.inserted_id)


if __name__ == "__main__":
    # Sanic brings uvloop and httptools into this environment; without its extras uvicorn has neither.
    config = uvicorn.Config(app, loop="asyncio", http="h11", log_level="warning")
    uvicorn.Server(config).run(sockets=[job.listen()])
