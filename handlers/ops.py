"""Health and readiness, for supervisors and load balancers."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

from pydantic import Field

from handlers.base import APIHandler
from handlers.operations import Answer, operation


class HealthAnswer(Answer):
    """The process lives."""

    status: Literal["ok"] = Field(description="It answers.")


class ReadyAnswer(Answer):
    """Requests can be served."""

    status: Literal["ready"] = Field(description="The database is there and prepared.")


class UnreadyAnswer(Answer):
    """No request can be served now."""

    status: Literal["unavailable"] = Field(description="Send no requests for now.")
    problem: str = Field(
        description="What is wrong, in English.", examples=["the database has not been prepared yet"]
    )


class HealthHandler(APIHandler):
    """`GET /healthz`: the process answers. Touches nothing."""

    needs_database = False

    @operation("Whether the process lives. Touches no database.", answers=HealthAnswer)
    def get(self) -> None:
        """200, always."""
        self.reply(HealthAnswer(status="ok"))

    head = get


class ReadyHandler(APIHandler):
    """`GET /readyz`: requests can be served."""

    needs_database = False

    @operation(
        "Whether requests can be served.",
        answers={HTTPStatus.OK: ReadyAnswer, HTTPStatus.SERVICE_UNAVAILABLE: UnreadyAnswer},
    )
    async def get(self) -> None:
        """200, or 503 with what is wrong."""
        problem = await self.services.readiness.problem()
        if problem is None:
            self.reply(ReadyAnswer(status="ready"))
        else:
            self.set_header("Retry-After", "2")
            self.reply(UnreadyAnswer(status="unavailable", problem=problem), HTTPStatus.SERVICE_UNAVAILABLE)

    head = get
