"""A study's config: completed with its defaults, and checked before anything runs."""

from __future__ import annotations

import copy
import difflib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from emofuse.tables import InputError

SCHEMA = Path(__file__).parent.parent / "schemas" / "config.schema.yaml"

Config = dict[str, Any]


def complete(config: Config, source: str = "config") -> Config:
    """A config with all defaults filled in.

    Args:
        config: as written in the study's file
        source: what errors name, the file

    Returns:
        a new config in which every key of the schema has a value

    Raises:
        InputError: with everything that is wrong: unknown keys and names (with the nearest known),
            values of the wrong kind, names that refer to nothing
    """
    schema = load_schema()
    completed = _with_defaults(copy.deepcopy(config), schema, schema)
    problems = [f"{source}: {problem}" for problem in _problems(completed, schema)]
    if problems:
        raise InputError(problems)
    return completed


def load_schema() -> dict[str, Any]:
    """The schema of the config: every key with its description and its default."""
    return yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))


def document(schema: dict[str, Any]) -> str:
    """Every key of the config as Markdown, from the schema.

    Args:
        schema: as :func:`load_schema` gives it

    Returns:
        a table a group of keys: name, what it is, type or choices, default
    """
    groups = [("A study", schema)]
    groups += [(f"`{name}`", part) for name, part in schema["properties"].items() if "properties" in part]
    nested = [(f"`speech.{name}`", part) for name, part in schema["properties"]["speech"]["properties"].items()]
    groups += [(name, part) for name, part in nested if "properties" in part]
    groups += [(f"An entry of `{plural}`", schema["$defs"][one]) for plural, one in ENTRIES.items()]
    groups += [("A `checkpoint`", schema["$defs"]["checkpoint"]), ("`text_expert`", schema["$defs"]["text_expert"])]
    methods = schema["$defs"]["parameters"].items()
    groups += [(f"`parameters` of `{name}`", part) for name, part in methods if part["properties"]]
    return "\n".join(_table(title, part, schema) for title, part in groups)


ENTRIES = {"corpora": "corpus", "experiments": "experiment", "methods": "method"}
"""The sections that hold entries by name, and what defines an entry."""


def _table(title: str, group: dict[str, Any], schema: dict[str, Any]) -> str:
    lines = [f"## {title}", "", "| key | what it is | values | default |", "|---|---|---|---|"]
    for name, part in group["properties"].items():
        part = _resolved(part, schema)
        values = part.get("enum") or part.get("items", {}).get("enum") or part.get("type", "")
        values = ", ".join(map(str, values)) if isinstance(values, list) else values
        default = "" if "default" not in part or part["default"] == {} else f"`{json.dumps(part['default'])}`"
        required = " (required)" if name in group.get("required", []) else ""
        lines.append(f"| `{name}`{required} | {part['description']} | {values} | {default} |")
    return "\n".join([*lines, ""])


def uses_text_expert(method: Config) -> bool:
    """Whether a completed method entry reads the text expert's columns."""
    return method["estimator"].endswith("_text")


def _problems(config: Config, schema: dict[str, Any]) -> Iterator[str]:
    validator = jsonschema.Draft202012Validator(schema)
    for error in sorted(validator.iter_errors(config), key=lambda error: [str(part) for part in error.absolute_path]):
        yield from _explain(error)
    for name, method in _entries(config, "methods"):
        oracle, fit_on = method.get("estimator") == "oracle", method.get("fit_on")
        if isinstance(fit_on, list) and (fit_on != ["test"] if oracle else "test" in fit_on):
            yield (
                f"methods.{name}.fit_on is {fit_on}; should be [test] for the oracle, which sees the test labels, "
                "and without test for any other"
            )
        parameters = schema["$defs"]["parameters"].get(method.get("estimator"))
        if parameters is None:
            continue  # reported above
        part = jsonschema.Draft202012Validator(parameters | {"$defs": schema["$defs"]})
        given = method.get("parameters")
        for error in part.iter_errors(given):
            yield from _explain(error, ["methods", name, "parameters"])
        if isinstance(given, dict) and given.get("search") == "exact" and given.get("objective") == "F1":
            yield f"methods.{name}.parameters.objective is 'F1'; should be UA or WA for the exact search"
    for section in ("speech", "transcripts", "sentiment"):
        entry = config.get(section)
        checkpoint = entry.get("checkpoint") if isinstance(entry, dict) else None
        if isinstance(checkpoint, dict) and (
            right := _checkpoint_problem(checkpoint, whisper=section == "transcripts")
        ):
            yield f"{section}.checkpoint is {checkpoint}; should give {right}"
    corpora = config.get("corpora")
    if isinstance(corpora, dict):
        for name, experiment in _entries(config, "experiments"):
            for role in ("train", "test"):
                corpus = experiment.get(role)
                if isinstance(corpus, str) and corpus not in corpora:
                    known = f"should be one of {', '.join(corpora)}{_nearest(corpus, corpora)}"
                    yield f"experiments.{name}.{role} is {corpus!r}; {known}"
            yield from _pair_problems(name, experiment, corpora)
    if isinstance(config.get("methods"), dict) and "speech" not in config["methods"]:
        yield "methods: speech is missing; should be there, since every method is compared with it"
    elif isinstance(config.get("methods"), dict) and len(config["methods"]) == 1:
        yield "methods: only speech is there; should be one more at least, to be compared with it"


def _pair_problems(name: str, experiment: Config, corpora: Config) -> Iterator[str]:
    """What is wrong with an experiment's two corpora taken together."""
    train, test = experiment.get("train"), experiment.get("test")
    entries = [corpora.get(corpus) for corpus in (train, test) if isinstance(corpus, str)]
    if len(entries) < 2 or not all(isinstance(entry, dict) for entry in entries):
        return  # reported already
    if [entry.get("reader") for entry in entries].count("released") == 1:
        yield f"experiments.{name}: one of {train}, {test} is of published scores; should be both, or both of audio"
    protocol = experiment.get("protocol")
    if train == test and protocol == "cross_corpus":
        yield f"experiments.{name}.test is {test!r}, as train; should be another corpus for cross_corpus"
    if train != test and protocol != "cross_corpus":
        yield f"experiments.{name}.protocol is {protocol!r}; should be cross_corpus for two corpora"


def _checkpoint_problem(checkpoint: Config, *, whisper: bool) -> str | None:
    """What a checkpoint should give, if it does not."""
    keys = checkpoint.keys() & {"name", "revision", "path"}
    if whisper:
        return None if keys in ({"name"}, {"path"}) else "name, one of Whisper's own models, or path, a file"
    return None if keys in ({"name", "revision"}, {"path"}) else "name and revision of a repository of the hub, or path"


def _entries(config: Config, key: str) -> Iterator[tuple[str, Config]]:
    section = config.get(key)
    if isinstance(section, dict):
        yield from ((name, entry) for name, entry in section.items() if isinstance(entry, dict))


def _explain(error: jsonschema.ValidationError, above: list[str] | None = None) -> Iterator[str]:
    """Say a validation error so that one knows what to write instead."""
    place = ".".join([*(above or []), *map(str, error.absolute_path)])
    at = f"{place}: " if place else ""
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        for name in error.instance:
            if name not in known:
                yield f"{at}unknown key {name!r}; should be one of {', '.join(known)}{_nearest(name, known)}"
    elif error.validator == "enum":
        allowed = [str(value) for value in error.validator_value]
        yield f"{place} is {error.instance!r}; should be one of {', '.join(allowed)}{_nearest(error.instance, allowed)}"
    elif error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        if error.message.startswith(f"{missing[0]!r}"):
            yield f"{at}{', '.join(missing)} missing"
    elif error.validator == "pattern":
        yield f"{place} is {error.instance!r}; should be letters, digits, - and _"
    elif error.validator == "type" and error.instance is None:
        yield f"{place} has no value; should be of type {error.validator_value}"
    else:
        yield f"{place} is {error.instance!r}; {error.message}"


def _nearest(name: object, known: Any) -> str:
    close = difflib.get_close_matches(str(name), [str(other) for other in known], n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _with_defaults(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> Any:
    """Fill in defaults wherever the schema has them, from the outside inwards."""
    schema = _resolved(schema, root)
    if schema.get("x-default-from-name"):
        for name, entry in value.items() if isinstance(value, dict) else ():
            if entry is not None and not isinstance(entry, dict):
                continue  # no mapping: the schema says so
            value[name] = {"estimator": name} | (entry or {})
            parameters = root["$defs"]["parameters"].get(value[name]["estimator"], {})
            value[name]["parameters"] = _with_defaults(value[name].get("parameters", {}), parameters, root)
    if not isinstance(value, dict):
        return value
    for name, part in schema.get("properties", {}).items():
        part = _resolved(part, root)
        if name not in value and "default" in part:
            value[name] = copy.deepcopy(part["default"])
        if name in value:
            value[name] = _with_defaults(value[name], part, root)
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        for name in value:
            if name not in schema.get("properties", {}):
                value[name] = _with_defaults(value[name], others, root)
    return value


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    target: Any = root
    for part in schema["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return target | {key: value for key, value in schema.items() if key != "$ref"}
