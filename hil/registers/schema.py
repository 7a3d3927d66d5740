"""The register map: a vendor's device described in a file instead of code.

A map is YAML with a device part and points (:mod:`hil.registers.points`). Addresses count from 0, as in the telegram,
unless the file says ``address_base: 1``; inside they always count from 0. Quantities are text with a unit.
"""

from __future__ import annotations

from pydantic import ValidationInfo, model_validator

from hil.registers.map_fields import Identity, MapError, MapFields, Serial, Watchdog
from hil.registers.parts import Flag, Table
from hil.registers.points import Point
from hil.registers.protection import Protection, Restart, Trip
from hil.registers.quantities import SI, si_conversion
from hil.registers.rules import Finding, broken_rules

__all__ = [
    "SI", "Finding", "Flag", "Identity", "MapError", "Point", "Protection", "RegisterMap", "Restart", "Serial", "Table",
    "Trip", "Watchdog", "si_conversion",
]  # fmt: skip


class RegisterMap(MapFields):
    """One device type."""

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> RegisterMap:
        if not (info.context or {}).get("collect"):
            for finding in broken_rules(self):
                raise ValueError(finding.text)
        return self
