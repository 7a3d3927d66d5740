"""Overrides: single keys of a site changed by their dotted name, ``components.cdu.rack.leakage``.

A key may be changed that the site file states, or that the model behind it has with a default: what a file leaves out
is as much a size of the plant as what it says. Any other key is refused with the nearest known ones.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

from pydantic import BaseModel


class UnknownKey(ValueError):
    """A key that neither the file nor the models behind it have; the message names the nearest."""


class Block:
    """What keys a block of a site file may have: those of a pydantic model, or those that stand there."""

    def __init__(
        self,
        model: Callable[[Any], type[BaseModel] | None] | None = None,
        members: Callable[[str], Block] | None = None,
        more: Iterable[str] = (),
    ) -> None:
        """``model``: of the block's content; ``members``: the block below a key; ``more``: keys beside the model's."""
        self._model, self._members, self._more = model, members, tuple(more)

    def known(self, data: object) -> list[str]:
        """The keys that may be set in a block of this content."""
        stated = [str(key) for key in data] if isinstance(data, Mapping) else []
        model = self._model(data) if self._model else None
        return list(dict.fromkeys((*stated, *(model.model_fields if model else ()), *self._more)))

    def below(self, data: object, key: str) -> Block:
        """What stands below a key."""
        if self._members:
            return self._members(key)
        model = self._model(data) if self._model else None
        inner = _model_in(model.model_fields[key].annotation) if model and key in model.model_fields else None
        return of_model(inner) if inner else Block()


def of_model(model: type[BaseModel]) -> Block:
    """A block with the fields of a model, those with models of their own below."""
    return Block(lambda _: model)


def override(data: dict[str, Any], shape: Block, changes: Mapping[str, object]) -> list[tuple[str, ...]]:
    """Set keys in place; returns which. Keys are joined by dots and may hold dots themselves.

    ``nodes.fws.supply.volume`` is ``nodes``, ``fws.supply``, ``volume``. Raises :class:`UnknownKey`.
    """
    changed = []
    for name, value in changes.items():
        search = _Search()
        keys = search.find(data, shape, str(name).split("."), ())
        if keys is None:
            raise UnknownKey(f"no key {str(name)!r} in the site{search.hint()}")
        target = data
        for key in keys[:-1]:
            target = target.setdefault(key, {})  # a block that the file leaves out
        target[keys[-1]] = value
        changed.append(keys)
    return changed


class _Search:
    """The way to a key, and how far it led where there is none."""

    def __init__(self) -> None:
        self._deepest: tuple[tuple[str, ...], str, list[str]] = ((), "", [])

    def find(self, data: object, shape: Block, parts: list[str], at: tuple[str, ...]) -> tuple[str, ...] | None:
        known = shape.known(data)
        for i in range(1, len(parts) + 1):
            key, rest = ".".join(parts[:i]), parts[i:]
            if key not in known:
                continue
            if not rest:
                return (key,)
            inner = data.get(key, {}) if isinstance(data, Mapping) else None
            if isinstance(inner, dict) and (found := self.find(inner, shape.below(data, key), rest, (*at, key))):
                return (key, *found)
        if len(at) >= len(self._deepest[0]):
            self._deepest = at, ".".join(parts), known
        return None

    def hint(self) -> str:
        """How far the key led, and the nearest that would lead on."""
        at, word, known = self._deepest
        if not known:
            return f": {'.'.join(at)} has no keys of its own" if at else ""
        near = difflib.get_close_matches(word, known, n=3)
        where = f"{'.'.join(at)} has no {word!r}" if at else f"there is no {word!r}"
        return f": {where}; " + (f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(known)}")


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The model that a field holds, also where it is optional or annotated."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
