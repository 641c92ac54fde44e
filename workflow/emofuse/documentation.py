"""What a config can say, as people and editors read it: ``config/README.md`` and ``config/schema.json``.

Both are made by ``make docs`` from the types of :mod:`emofuse.configuration` and from what the parts say of themselves.
A test fails where they are behind.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, create_model

from emofuse import parts, tables
from emofuse.completion import ENTRIES, Entries
from emofuse.configuration import Checkpoint, Config


def document() -> str:
    """Every key of a config as Markdown: a table per group of keys."""
    groups: list[tuple[str, str, type[Any]]] = [("A study", "", Config)]
    groups += [(f"`{'.'.join(path)}`", "", model) for path, model in _sections(Config)]
    groups += [("A `checkpoint`", "", Checkpoint)]
    for section, entries in ENTRIES.items():
        groups.append((f"An entry of `{section}`", "", entries.model))
        for name, path in parts.known(entries.kind).items():
            part = parts.load(path)
            title = f"{'`parameters`' if entries.named_after_part else 'More keys'} of {entries.key} `{name}`"
            groups.append((title, parts.summary(part), parts.parameters(part)))
    return "\n".join(_table(*group) for group in groups)


def _sections(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], type[BaseModel]]]:
    for name, field in model.model_fields.items():
        for kind in get_args(field.annotation) or [field.annotation]:  # a section, or null
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield (*above, name), kind
                yield from _sections(kind, (*above, name))


def _table(title: str, said: str, model: type[Any]) -> str:
    schema = _schema_of(model)
    lines = [f"## {title}", "", *([said, ""] if said else [])]
    if schema["properties"]:
        lines += ["| key | what it is | values | default |", "|---|---|---|---|"]
    for name, key in schema["properties"].items():
        definition = schema.get("$defs", {}).get(key.get("$ref", "").rpartition("/")[2], {})
        description = key.get("description") or definition.get("description", "")
        is_group = "default" not in key or key["default"] == {} or (definition and not key.get("description"))
        default = "" if is_group else f"`{json.dumps(key['default'])}`"
        required = " (required)" if name in schema.get("required", []) else ""
        lines.append(f"| `{name}`{required} | {description} | {_values(key)} | {default} |")
    return "\n".join([*lines, *([""] if schema["properties"] else [])])


def _schema_of(model: type[Any]) -> dict[str, Any]:
    if not issubclass(model, BaseModel):  # a dictionary with known keys
        model = create_model(model.__name__, value=(model, ...))
        return next(iter(model.model_json_schema()["$defs"].values()))
    return model.model_json_schema()


def _values(key: dict[str, Any]) -> str:
    """What values a key can have, in words."""
    if "anyOf" in key:
        return ", ".join(map(_values, key["anyOf"]))
    if "enum" in key or "const" in key:
        return ", ".join(map(str, key.get("enum", [key.get("const")])))
    if key.get("type") == "array":
        return f"list of {_values(key['items'])}"
    if "$ref" in key or key.get("type") == "object":
        return "mapping"
    ranges = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {key[name]:g}" for name, sign in ranges.items() if name in key]
    return " ".join([key.get("type", "any"), ", ".join(bounds)]).strip()


def schema() -> dict[str, Any]:
    """The JSON schema of a config, by which an editor completes and checks keys as they are typed."""
    whole = Config.model_json_schema()
    for section, entries in ENTRIES.items():
        model = entries.model
        of_part = {name: f"{section}.{name}" for name in parts.known(entries.kind)}
        for name, path in parts.known(entries.kind).items():
            accepted = parts.parameters(parts.load(path)).model_json_schema()
            keys = {"parameters": accepted} if entries.named_after_part else accepted["properties"]
            whole["$defs"][of_part[name]] = {"properties": keys}
        described = _entry(entries, of_part)
        whole["$defs"] |= described.pop("$defs", {})
        whole["$defs"][model.__name__] = described

        entry = _ref(model.__name__)
        group = whole["properties"][section]
        (pattern,) = group.pop("patternProperties")
        group |= {"propertyNames": {"pattern": pattern}, "additionalProperties": entry}
        if entries.named_after_part:  # unless it says which part it is
            unsaid = {"not": {"required": [entries.key]}}
            group["properties"] = {name: entry | {"if": unsaid, "then": _ref(of_part[name])} for name in of_part}
            group["additionalProperties"] = entry | {"type": "object", "required": [entries.key]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole}


def _entry(entries: Entries, of_part: dict[str, str]) -> dict[str, Any]:
    """The schema of an entry, whose keys are those of its model and, if that is known, those of its part.

    Args:
        entries: the section
        of_part: the definition of the keys of each part, by the part's name
    """
    entry = entries.model.model_json_schema()
    del entry["additionalProperties"]
    cases: list[dict[str, Any]] = []
    for name, definition in of_part.items():
        is_default = entries.model.model_fields[entries.key].default == name
        chosen = {"properties": {entries.key: {"const": name}}, "required": [] if is_default else [entries.key]}
        cases.append({"if": chosen, "then": _ref(definition)})
    if entries.named_after_part:
        entry |= {"type": ["object", "null"], "required": []}
    else:  # what a part from elsewhere takes stands beside the other keys
        cases.append(
            {"if": {"properties": {entries.key: {"enum": [*of_part]}}}, "else": {"additionalProperties": True}}
        )
    return entry | {"allOf": cases, "unevaluatedProperties": False}


def _ref(definition: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{definition}"}


BEGIN = "## A study\n"
"""Where what is made begins in ``config/README.md``; what stands above is written by hand."""


def write(folder: Path) -> None:
    """Write both files into the folder of the configs."""
    page = folder / "README.md"
    above = page.read_text(encoding="utf-8").partition(BEGIN)[0]
    tables.write_text(above + document(), page)
    tables.write_text(json.dumps(schema(), indent=1, ensure_ascii=False) + "\n", folder / "schema.json")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
