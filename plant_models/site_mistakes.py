"""How mistakes in a site are gathered and told: where each stands, what was found, what would be accepted."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ValidationError

from plant_models.site_file import Keys


class Misfit(ValueError):
    """Mistakes in a site, each with the keys that lead to it."""

    def __init__(self, *mistakes: tuple[Keys, str]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, where))}: {what}" for where, what in mistakes))
        self.mistakes = mistakes


def first_of_each(mistakes: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """One mistake for all members of an array that share it, with how many more there are."""
    alike: dict[str, list[tuple[str, str]]] = {}
    for name, what in mistakes:
        alike.setdefault(re.sub(r"\d+", "#", f"{name}: {what}"), []).append((name, what))
    for (name, what), *others in alike.values():
        yield name, f"{what} (and {len(others)} more like this)" if others else what


def nearest(word: str, known: Mapping[str, object] | list[str]) -> str:
    """A hint at the nearest known words."""
    near = difflib.get_close_matches(word, list(known), n=3)
    return f"; did you mean {', '.join(near)}?" if near else f"; known: {', '.join(known)}"


def _fields(model: type[BaseModel], where: Keys) -> list[str]:
    """The keys that stand beside a place in a model, as far as its types tell."""
    for part in where[:-1]:
        field = model.model_fields.get(str(part))
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            return []
        model = field.annotation
    return list(model.model_fields)


def mistakes(error: ValidationError, model: type[BaseModel]) -> Iterator[tuple[Keys, str]]:
    """Where, and what was found and what would be accepted."""
    for item in error.errors():
        where, message, cause = item["loc"], item["msg"].removeprefix("Value error, "), item.get("ctx", {}).get("error")
        if isinstance(cause, Misfit):
            yield from (((*where, *deeper), what) for deeper, what in cause.mistakes)
        elif item["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(where[-1]), _fields(model, where), n=3)
            yield where, f"unknown key; did you mean {', '.join(near)}?" if near else "unknown key"
        elif item["type"] in ("value_error", "missing"):
            yield where, message
        else:
            yield where, f"{message}, found {item['input']!r}"
