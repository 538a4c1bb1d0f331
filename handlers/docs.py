"""`GET /docs`: the OpenAPI document as a page for people, which runs no script.

Everything shown is read from the document that `/openapi.json` serves; only the words around it are the template's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from handlers.openapi import Document
from handlers.pages import PageHandler

Schema = dict[str, Any]
_JSON = "application/json"


@dataclass(frozen=True)
class FieldView:
    """A parameter of the path or query, or a member of a body or an answer."""

    name: str
    kind: str
    required: bool
    description: str
    example: str


@dataclass(frozen=True)
class BodyView:
    """A body that the request may have. `title` tells it from the others, empty when there are none."""

    title: str
    fields: tuple[FieldView, ...]
    example: str


@dataclass(frozen=True)
class AnswerView:
    """A success. The example is JSON, empty when there is no body of ours."""

    status: str
    media_types: tuple[str, ...]
    fields: tuple[FieldView, ...]
    example: str


@dataclass(frozen=True)
class RefusalView:
    """What an operation may refuse, with its cure in both languages."""

    status: str
    error: str
    description: str
    hint_zh: str
    hint_en: str


@dataclass(frozen=True)
class OperationView:
    """One method of one path."""

    anchor: str
    method: str
    path: str
    summary: str
    scheme: str | None
    parameters: tuple[FieldView, ...]
    media_types: tuple[str, ...]
    bodies: tuple[BodyView, ...]
    answers: tuple[AnswerView, ...]
    refusals: tuple[RefusalView, ...]

    @property
    def headline(self) -> str:
        """The first sentence of the summary, or what stands before a colon in it."""
        return re.split(r"[.:] |\.$", self.summary)[0]


@dataclass(frozen=True)
class GroupView:
    """The operations of one tag."""

    anchor: str
    name: str
    operations: tuple[OperationView, ...]


@dataclass(frozen=True)
class DocsView:
    """The whole page."""

    version: str
    groups: tuple[GroupView, ...]


class DocsPage(PageHandler):
    """`GET /docs`."""

    def get(self) -> None:
        """200 with every operation."""
        self.show("docs.html", _view_once(_Shown(self.settings["openapi"]())))

    head = get


class _Shown:
    """The document, as a key: an application has one and never changes it."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shown) and self.document is other.document

    def __hash__(self) -> int:
        return id(self.document)


@lru_cache(maxsize=4)
def _view_once(shown: _Shown) -> DocsView:
    return docs_view(shown.document)


def docs_view(document: Document) -> DocsView:
    """What the template needs of the document."""
    operations = [
        (item["tags"][0], _operation(method, path, path_item, document))
        for path, path_item in document["paths"].items()
        for method, item in path_item.items()
        # HEAD is GET without the body: nothing that a reader looks up.
        if method not in ("parameters", "head")
    ]
    groups = [
        GroupView(
            anchor=f"tag-{tag['name'].lower()}",
            name=tag["name"],
            operations=tuple(operation for name, operation in operations if name == tag["name"]),
        )
        for tag in document["tags"]
    ]
    return DocsView(version=document["info"]["version"], groups=tuple(groups))


def _operation(method: str, path: str, path_item: Document, document: Document) -> OperationView:
    item = path_item[method]
    content = item.get("requestBody", {}).get("content", {})
    schema = content.get(_JSON, next(iter(content.values()), {})).get("schema", {})
    security = item["security"]
    return OperationView(
        anchor=item["operationId"],
        method=method.upper(),
        path=path,
        summary=item["summary"],
        scheme=next(iter(security[0])) if security else None,
        parameters=tuple(
            _field(each["name"], each["schema"], each["required"], each.get("description", ""), document)
            for each in (*path_item.get("parameters", []), *item.get("parameters", []))
        ),
        media_types=tuple(content),
        bodies=tuple(_bodies(schema, document, in_json=_JSON in content)),
        answers=tuple(_answers(item["responses"], document)),
        refusals=tuple(_refusals(item["responses"], document)),
    )


def _bodies(schema: Schema, document: Document, *, in_json: bool) -> Iterator[BodyView]:
    for variant in schema.get("anyOf", [schema] if schema else []):
        resolved = _resolved(variant, document)
        yield BodyView(
            title=resolved.get("description", "") if "anyOf" in schema else "",
            fields=tuple(_fields(variant, document)),
            example=_as_text(_example(variant, document)) if in_json and "properties" in resolved else "",
        )


def _answers(responses: Document, document: Document) -> Iterator[AnswerView]:
    for status, response in responses.items():
        content = response.get("content", {})
        schema = _success(content.get(_JSON, {}).get("schema", {}))
        if schema is None:
            continue
        example = _example(schema, document) if schema else None
        yield AnswerView(
            status=status,
            media_types=tuple(content),
            fields=tuple(_fields(schema, document)),
            example=_as_text(example) if example else "",
        )


def _success(schema: Schema) -> Schema | None:
    """The part of a response's schema that is no refusal; None when all of it is."""
    if "allOf" in schema:
        return None
    first: Schema = schema["anyOf"][0] if "anyOf" in schema else schema
    return first


def _refusals(responses: Document, document: Document) -> Iterator[RefusalView]:
    examples = document["components"]["examples"]
    for status, response in responses.items():
        names = response.get("content", {}).get(_JSON, {}).get("examples", {})
        for name in dict.fromkeys(name.rpartition(".")[0] for name in names):
            chinese, english = (examples[f"{name}.{language}"]["value"] for language in ("zh", "en"))
            yield RefusalView(
                status, english["error"], english["error_description"], chinese["hint"], english["hint"]
            )


def _resolved(schema: Schema, document: Document) -> Schema:
    if "$ref" not in schema:
        return schema
    name = schema["$ref"].rpartition("/")[2]
    resolved: Schema = {**document["components"]["schemas"][name], **schema}
    del resolved["$ref"]
    return resolved


def _fields(schema: Schema, document: Document, prefix: str = "") -> Iterator[FieldView]:
    """The members of an object; those of an object inside it by their path: `profile.nickname`, `keys[].kid`."""
    schema = _resolved(schema, document)
    for variant in (*schema.get("anyOf", []), *schema.get("oneOf", [])):
        yield from _fields(variant, document, prefix)
    for name, member in schema.get("properties", {}).items():
        inner = _resolved(member, document)
        items = _resolved(inner.get("items", {}), document)
        yield _field(
            prefix + name,
            member,
            name in schema.get("required", []),
            member.get("description", inner.get("description", "")),
            document,
        )
        yield from _fields(inner, document, f"{prefix}{name}.")
        yield from _fields(items, document, f"{prefix}{name}[].")


def _field(name: str, schema: Schema, required: bool, description: str, document: Document) -> FieldView:
    resolved = _resolved(schema, document)
    examples = resolved.get("examples", [])
    return FieldView(
        name=name,
        kind=_kind(resolved),
        required=required,
        description=description,
        example=str(examples[0]) if examples else "",
    )


def _kind(schema: Schema) -> str:
    """`string`, `base64`, `date-time`, or the values there are."""
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    if "enum" in schema:
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    if "anyOf" in schema:
        kinds = [_kind(each) for each in schema["anyOf"] if each != {"type": "null"}]
        return " | ".join(dict.fromkeys(kinds))
    if "contentMediaType" in schema:
        return "file"
    named = schema.get("type", "any")
    kind = named if isinstance(named, str) else next(each for each in named if each != "null")
    return str(schema.get("contentEncoding") or schema.get("format") or kind)


def _example(schema: Schema, document: Document) -> Any:
    """A value of this schema, from its examples as far as they go; optional members only where they have one."""
    schema = _resolved(schema, document)
    if "examples" in schema:
        return schema["examples"][0]
    if "const" in schema or "enum" in schema:
        return schema.get("const", (schema.get("enum") or [None])[0])
    if "properties" in schema:
        required = schema.get("required", [])
        made = {name: _example(each, document) for name, each in schema["properties"].items()}
        return {name: value for name, value in made.items() if name in required or value not in ("", 0, {})}
    if "items" in schema:
        return [_example(schema["items"], document)]
    if "anyOf" in schema or "oneOf" in schema:
        return _example((schema.get("anyOf") or schema["oneOf"])[0], document)
    empty: dict[str, Any] = {"integer": 0, "number": 0, "boolean": False, "object": {}, "array": []}
    return empty.get(str(schema.get("type")), "")


def _as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
