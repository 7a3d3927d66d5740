"""Published curves of chillers, and what the load does to a chiller's COP.

DOE-2's model in the form of Hydeman and Gillespie, on leaving condenser water (M. Hydeman, K. L. Gillespie, Tools and
techniques to calibrate electric chiller component models, ASHRAE Transactions 108(1), 2002; EnergyPlus Engineering
Reference, ``Chiller:Electric:ReformulatedEIR``), E, C: leaving chilled and condenser water in degC, y: load over the
capacity at these temperatures::

    capacity/Q_nominal = CapFT(E, C)       = a1 + a2 E + a3 E^2 + a4 C + a5 C^2 + a6 E C
    1/COP              = EIRFT(E, C) EIRFPLR(C, y)/y/COP_nominal
    EIRFPLR(C, y)      = b1 + b2 C + b3 C^2 + b4 y + b5 y^2 + b6 C y + b7 y^3

With ``condenser_water: entering`` they are those of the older form, EnergyPlus' ``Chiller:Electric:EIR``: C is entering
condenser water, at the flow of the data, and EIRFPLR hangs on the load alone. Condenser water leaves 5 K and more
warmer than it enters: one kind of curves taken for the other is 10..20 % off in electricity.

Curves hold in the range of the data they were fitted to, and go astray outside it. Beyond, they are taken at the edge
(as EnergyPlus does), rounded off over ``EDGE_WIDTH``; whoever uses them has to carry on from there by the second law.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from plant_models.smooth import at_least, at_most
from plant_models.units import Fraction, Temperature

ZERO = 273.15
EDGE_WIDTH = 0.2
"""K, over which a temperature is rounded off at the edge of the curves' range: off by 0.14 K there at most"""
PART_LOAD: dict[Literal["variable_speed", "fixed_speed"], tuple[float, float, float]] = {
    "variable_speed": (0.33, -0.02, 0.69),
    "fixed_speed": (0.23, 0.51, 0.26),
}
"""Electricity at the load y over that at full load between equal water temperatures, a + b y + c y^2.

Least squares over the curves of 8 machines with variable speed and of 16 with vanes or slide valves (York, Carrier,
Trane, McQuay in EnergyPlus' data set ``Chillers.idf``, and the two water-cooled defaults of DOE-2), at their nominal
entering condenser water and design flow, less what the falling lift saves by Carnot. Single machines scatter about
them by 10 % and by 5 % rms of the full-load electricity."""

Biquadratic = tuple[float, float, float, float, float, float]


class ChillerCurves(BaseModel):
    """Coefficients of the curves and the range they hold in; the default is one published machine.

    EnergyPlus data set ``ReformEIRChiller York YT 1881kW/6.77COP/VSD``: a centrifugal machine with variable speed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    condenser_water: Literal["leaving", "entering"] = Field(
        "leaving", description="what C is: leaving (ReformulatedEIR) or entering (Chiller:Electric:EIR) condenser water"
    )
    cap_ft: Biquadratic = Field(
        (2.510830e-1, -3.997687e-2, -3.627911e-3, 6.819530e-2, -2.135260e-3, 5.245082e-3),
        description="a1..a6 of CapFT, degC",
    )
    eir_ft: Biquadratic = Field(
        (5.450343e-1, -3.893169e-2, 9.377632e-4, 2.314284e-2, -1.134638e-5, 7.362152e-5),
        description="coefficients of EIRFT, in the same order, degC",
    )
    eir_plr: tuple[float, float, float, float, float, float, float] = Field(
        (4.949889e-2, 2.267854e-2, -2.003269e-5, -9.059476e-1, 3.032884, -2.155668e-2, -1.190898),
        description="b1..b7 of EIRFPLR, degC; of a curve on the load alone: b1, 0, 0, b4, b5, 0, b7",
    )
    T_chw_min: Temperature = Field(277.59, description="coldest leaving chilled water of the data")
    T_chw_max: Temperature = Field(282.04, description="warmest")
    T_condenser_min: Temperature = Field(290.95, description="coldest condenser water of the data")
    T_condenser_max: Temperature = Field(308.17, description="warmest")
    y_min: Fraction = Field(0.09, gt=0, lt=1, description="least load of the data")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        _, b2, b3, _, _, b6, _ = self.eir_plr
        if self.condenser_water == "entering" and any((b2, b3, b6)):
            raise ValueError(
                "curves: with condenser_water: entering eir_plr hangs on the load alone, as b1, 0, 0, b4, b5, 0, b7; "
                "curves whose part load hangs on the condenser water are on leaving water"
            )
        if not (self.T_chw_min < self.T_chw_max and self.T_condenser_min < self.T_condenser_max):
            raise ValueError("curves: state T_chw_min below T_chw_max and T_condenser_min below T_condenser_max")
        for T_chw, T_condenser in self.grid():
            if float(self.capacity(T_chw, T_condenser)) <= 0.0:
                raise ValueError(
                    f"curves: cap_ft gives no capacity at {T_chw:g} K chilled, {T_condenser:g} K condenser water"
                )
            for y in (self.y_min, 0.25, 0.5, 0.75, 1.0):
                if float(self.input_ratio(T_chw, T_condenser, max(y, self.y_min))) <= 0.0:
                    raise ValueError(
                        f"curves: eir_ft and eir_plr give no electricity at {T_chw:g} K chilled, {T_condenser:g} K "
                        f"condenser water, load {y:g}: narrow their range or correct them"
                    )
        return self

    def grid(self) -> list[tuple[float, float]]:
        """Temperatures (K) over the range, with its corners: where to look whether curves are possible."""
        shares = (0.0, 0.25, 0.5, 0.75, 1.0)
        return [
            (
                self.T_chw_min + a * (self.T_chw_max - self.T_chw_min),
                self.T_condenser_min + b * (self.T_condenser_max - self.T_condenser_min),
            )
            for a in shares
            for b in shares
        ]

    def within(self, T_chw: Any, T_condenser: Any) -> tuple[Any, Any]:
        """The temperatures, K, moved to the edge of the range where they lie outside."""
        return (
            at_most(at_least(T_chw, self.T_chw_min, EDGE_WIDTH), self.T_chw_max, EDGE_WIDTH),
            at_most(at_least(T_condenser, self.T_condenser_min, EDGE_WIDTH), self.T_condenser_max, EDGE_WIDTH),
        )

    def capacity(self, T_chw: Any, T_condenser: Any) -> Any:
        """Capacity over that of the data's nominal point, at temperatures (K) in the range."""
        return _biquadratic(self.cap_ft, T_chw - ZERO, T_condenser - ZERO)

    def input_ratio(self, T_chw: Any, T_condenser: Any, y: Any) -> Any:
        """Electricity over heat over that of the data's nominal point, in the range, at the load y of the capacity."""
        b1, b2, b3, b4, b5, b6, b7 = self.eir_plr
        C = T_condenser - ZERO
        by_load = b1 + C * (b2 + b3 * C + b6 * y) + y * (b4 + y * (b5 + b7 * y))
        return _biquadratic(self.eir_ft, T_chw - ZERO, C) * by_load / y


def _biquadratic(a: Biquadratic, E: Any, C: Any) -> Any:
    return a[0] + E * (a[1] + a[2] * E + a[5] * C) + C * (a[3] + a[4] * C)
