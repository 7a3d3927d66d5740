"""What a machine guards by itself, whatever the bus says: hard-wired trips, in the words of its register map."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from plant_models.units import Duration


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Trip(_Part):
    """A switch in the machine that stops it beyond a limit and stays thrown until it is reset.

    Quantities are names as of points: the machine's own, or what the site names under ``signals``.
    """

    watch: str = Field(description="the quantity that its switch feels: of the machine, or one that the site names")
    above: Any = Field(None, description="trips above this")
    below: Any = Field(None, description="trips below this")
    delay: Duration = Field(0.0, description="for as long")
    running: dict[str, Any] = Field({}, description="guards only while these quantities are above these values")
    sets: dict[str, Any] = Field(min_length=1, description="parameter of the machine -> value that the trip forces")
    optional: bool = Field(False, description="not wired where the site does not name what it watches")
    description: str = Field("", description="what it protects, and where its limit comes from")

    @model_validator(mode="after")
    def _one_limit(self) -> Trip:
        if (self.above is None) == (self.below is None):
            raise ValueError("a trip needs above or below, and not both")
        return self

    @property
    def limit(self) -> Any:
        """The limit as the map states it."""
        return self.below if self.above is None else self.above


class Protection(_Part):
    """A machine's trips, and how the bus sees them."""

    status: str = Field(description="point whose flags tell which trips are thrown; a flag has the name of its trip")
    reset: str | None = Field(None, description="command that resets those whose cause is gone")
    wired: dict[str, Trip] = Field({}, description="trips of the emulated machine, by name of the flag")
