"""`GET /openapi.json`: what this server offers, in words that machines read."""

from __future__ import annotations

from http import HTTPStatus

from handlers.base import APIHandler
from handlers.openapi import Document
from handlers.operations import operation


class OpenAPIHandler(APIHandler):
    """`GET /openapi.json`."""

    needs_database = False

    @operation(
        "This document (OpenAPI 3.1).",
        answers={HTTPStatus.OK: None, HTTPStatus.NOT_MODIFIED: None},
        produces={HTTPStatus.OK: "application/json"},
    )
    def get(self) -> None:
        """200 with the document, or 304 when the client has this very one."""
        document: Document = self.settings["openapi"]()
        self.set_header("Cache-Control", "public, max-age=300")
        self.reply(document)
