"""What a machine does by itself, whatever the bus says, as its register map tells: hard-wired trips, restarts."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from hil.registers.parts import Part
from plant_models.units import Duration


class Trip(Part):
    """A switch in the machine that stops it beyond a limit and stays thrown until it is reset.

    Quantities are names as of points: the machine's own, or what the site names under ``signals``.
    """

    watch: str = Field(description="the quantity that its switch feels: of the machine, or one that the site names")
    above: Any = Field(None, description="trips above this")
    below: Any = Field(None, description="trips below this")
    delay: Duration = Field(0.0, description="for as long")
    running: dict[str, Any] = Field({}, description="guards only while these quantities are above these values")
    start_bypass: Duration = Field(
        0.0,
        description="does not feel for so long after they have come above them: a start-up bypass, for what a machine "
        "that stood shows in its first moments",
    )  # fmt: skip
    sets: dict[str, Any] = Field(min_length=1, description="parameter of the machine -> value that the trip forces")
    hysteresis: Any = Field(0, description="a reset helps once the quantity is back inside its limit by this much")
    bus_resets: int | None = Field(
        None, ge=0,
        description="where only a running machine shows that quantity: resets over the bus within an hour, whatever it "
        "is; thrown once more, the trip is reset at the machine only",
    )  # fmt: skip
    optional: bool = Field(False, description="not wired where the site does not name what it watches")
    description: str = Field("", description="what it protects, and where its limit comes from")

    @model_validator(mode="after")
    def _one_limit(self) -> Trip:
        if (self.above is None) == (self.below is None):
            raise ValueError("a trip needs above or below, and not both")
        return self

    @model_validator(mode="after")
    def _a_start_to_count_from(self) -> Trip:
        if self.start_bypass and not self.running:
            raise ValueError("start_bypass counts from the machine's start: say under running what shows that it runs")
        return self

    @model_validator(mode="after")
    def _one_way_to_reset(self) -> Trip:
        if self.hysteresis and self.bus_resets is not None:
            raise ValueError("a trip is reset by its value (hysteresis) or so often an hour (bus_resets), not by both")
        if self.running and not self.hysteresis and self.bus_resets is None:
            raise ValueError(
                "a trip that guards only what runs ends that itself; say when a reset helps: hysteresis, back inside "
                "its limit by so much; or bus_resets, so many times an hour, where a stopped machine does not show it"
            )
        return self

    @property
    def limit(self) -> Any:
        """The limit as the map states it."""
        return self.below if self.above is None else self.above


class Protection(Part):
    """A machine's trips, and how the bus sees them."""

    status: str = Field(description="point whose flags tell which trips are thrown; a flag has the name of its trip")
    reset: str | None = Field(None, description="command that resets what may be reset over the bus")
    wired: dict[str, Trip] = Field({}, description="trips of the emulated machine, by name of the flag")


class Restart(Part):
    """What shows that a device has restarted, and that nobody has taken it over: without it the two look alike.

    A restart takes permissions and set-points, and the loop gives them again; local operation is left to who took it.
    """

    uptime: str | None = Field(None, description="point that counts the time since it was switched on: then it falls")
    count: str | None = Field(None, description="point that counts its starts: then it changes")
    safe_values: bool = Field(
        False, description="then all its set-points read their safe values, which nobody at the machine would set"
    )

    @model_validator(mode="after")
    def _one_sign(self) -> Restart:
        if sum((self.uptime is not None, self.count is not None, self.safe_values)) != 1:
            raise ValueError("a restart is shown by uptime, by count or by safe_values: give one")
        return self

    @property
    def sign(self) -> str | None:
        """The point that shows it, if one does."""
        return self.uptime or self.count
