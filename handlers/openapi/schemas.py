"""JSON schemas of the models that validate requests and make answers, true to what handlers.bodies accepts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from handlers.openapi.refusals import RefusalAnswer
from handlers.operations import Operation

Schema = dict[str, Any]
Mode = Literal["validation", "serialization"]
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
_TEMPLATE = "#/components/schemas/{model}"


class _Generator(GenerateJsonSchema):
    """Without titles that repeat the name, and without a null where an answer leaves the member out."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        if self.mode == "serialization":
            return self.generate_inner(schema["schema"])
        return super().nullable_schema(schema)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        shown = super().default_schema(schema)
        return {name: value for name, value in shown.items() if (name, value) != ("default", None)}


class Schemas:
    """The schemas of every model that these operations declare."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        declared = list(operations)
        models = _distinct(
            [(body, "validation") for each in declared for body in each.bodies]
            + [(each.query, "validation") for each in declared]
            + [(answer, "serialization") for each in declared for answer in each.answers.values()]
            + [(RefusalAnswer, "serialization")]
        )
        self._refs, definitions = models_json_schema(
            models, by_alias=True, ref_template=_TEMPLATE, schema_generator=_Generator
        )
        self.components: dict[str, Schema] = {
            name: _plain(schema) for name, schema in definitions.get("$defs", {}).items()
        }
        self._forms: dict[str, str] = {}
        for each in declared:
            for body in each.bodies:
                self._add_form(self._name(body, "validation"))

    def of_body(self, model: type[BaseModel], media_type: str) -> Schema:
        """A reference to the schema of a request's body."""
        name = self._name(model, "validation")
        return _reference(self._forms[name] if media_type == FORM else name)

    def of_query(self, model: type[BaseModel]) -> Schema:
        """The schema of a query itself."""
        return self.components[self._name(model, "validation")]

    def of_answer(self, model: type[BaseModel]) -> Schema:
        """A reference to the schema of an answer."""
        return _reference(self._name(model, "serialization"))

    def _name(self, model: type[BaseModel], mode: Mode) -> str:
        reference: str = self._refs[(model, mode)]["$ref"]
        return reference.rpartition("/")[2]

    def _add_form(self, name: str) -> None:
        """In JSON null counts as absent; a form has no null."""
        if name not in self._forms:
            schema = self.components[name]
            self._forms[name] = f"{name}Form"
            self.components[f"{name}Form"] = _with_properties(schema, _without_null)
            self.components[name] = _with_properties(schema, _or_null)


def request_content(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    """The `content` of the request body by media type; empty when there is no body."""
    content: dict[str, Any] = {
        media_type: {"schema": dict(schema)} for media_type, schema in operation.consumes.items()
    }
    if operation.bodies:
        for media_type in (JSON, FORM):
            references = [schemas.of_body(body, media_type) for body in operation.bodies]
            one = references[0] if len(references) == 1 else {"anyOf": references}
            content.setdefault(media_type, {"schema": one})
    return content


def needs_body(operation: Operation) -> bool:
    """Whether something must be sent: no body at all is an empty form, which is fine where nothing is required."""
    fields = [field for body in operation.bodies for field in body.model_fields.values()]
    return bool(operation.consumes) or any(field.is_required() for field in fields)


def _distinct(
    models: Iterable[tuple[type[BaseModel] | None, JsonSchemaMode]],
) -> list[tuple[type[BaseModel], JsonSchemaMode]]:
    return list(dict.fromkeys((model, mode) for model, mode in models if model is not None))


def _reference(name: str) -> Schema:
    return {"$ref": _TEMPLATE.format(model=name)}


def _plain(schema: Schema) -> Schema:
    """Without the class's name as a title, and with a docstring on one line."""
    shown = {name: value for name, value in schema.items() if name != "title"}
    if "description" in shown:
        shown["description"] = " ".join(shown["description"].split())
    return shown


def _with_properties(schema: Schema, change: Any) -> Schema:
    required: list[str] = schema.get("required", [])
    properties: Mapping[str, Schema] = schema.get("properties", {})
    changed = {name: change(each, name in required) for name, each in properties.items()}
    return {**schema, "properties": changed} if properties else schema


def _without_null(schema: Schema, _required: bool) -> Schema:
    """`X | None` as X."""
    alternatives = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    if len(alternatives) != 1:
        return schema
    outside = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**alternatives[0], **outside}


def _or_null(schema: Schema, required: bool) -> Schema:
    """What need not be there may be null as well."""
    shown = _without_null(schema, required)
    if required:
        return shown
    if isinstance(shown.get("type"), str) and not {"enum", "const"} & shown.keys():
        return {**shown, "type": [shown["type"], "null"]}
    described: Schema = {
        name: shown[name] for name in ("description", "default", "examples") if name in shown
    }
    bare = {name: value for name, value in shown.items() if name not in described}
    return {"anyOf": [bare, {"type": "null"}], **described}
