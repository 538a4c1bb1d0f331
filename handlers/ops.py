"""Health and readiness, for supervisors and load balancers."""

from __future__ import annotations

from http import HTTPStatus

from handlers.base import APIHandler


class HealthHandler(APIHandler):
    """`GET /healthz`: the process answers. Touches nothing."""

    needs_database = False

    def get(self) -> None:
        """200, always."""
        self.reply({"status": "ok"})

    head = get


class ReadyHandler(APIHandler):
    """`GET /readyz`: requests can be served."""

    needs_database = False

    async def get(self) -> None:
        """200, or 503 with what is wrong."""
        problem = await self.services.readiness.problem()
        if problem is None:
            self.reply({"status": "ready"})
        else:
            self.set_header("Retry-After", "2")
            self.reply({"status": "unavailable", "problem": problem}, HTTPStatus.SERVICE_UNAVAILABLE)

    head = get
