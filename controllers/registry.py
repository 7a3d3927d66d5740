"""All controllers by the word that a scenario or the command line uses for them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from controllers.fixed import Fixed
from controllers.interface import Controller
from controllers.sequences import Sequences
from plant_models.plant import Plant

CONTROLLERS = ("fixed", "sequences", "mpc")


class ControllerError(ValueError):
    """A controller that is not known, or settings that it does not have."""


def known_controller(name: str) -> str:
    """``name``, if there is such a controller. Raises ControllerError otherwise."""
    if name not in CONTROLLERS:
        near = difflib.get_close_matches(name, CONTROLLERS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ControllerError(f"unknown controller {name!r}; {hint}Known: {', '.join(CONTROLLERS)}")
    return name


def make_controller(name: str, plant: Plant, settings: Mapping[str, Any] | None = None) -> Controller:
    """The controller ``name`` for a plant. ``settings`` are those of :class:`controllers.mpc.settings.MpcSettings`.

    Raises ControllerError for an unknown name, or for settings where there are none; pydantic's ValidationError for
    wrong settings. Quantities in settings are text with a unit.
    """
    if known_controller(name) == "mpc":
        from controllers.mpc.controller import Mpc
        from controllers.mpc.settings import MpcSettings

        checked = MpcSettings.model_validate(dict(settings or {}), context={"require_units": True})
        return Mpc(plant, Sequences(plant), checked)
    if settings:
        raise ControllerError(f"controller {name!r} has no settings, found {', '.join(settings)}")
    return Fixed(plant) if name == "fixed" else Sequences(plant)
