"""Check valve in a passage of one volume: water passes in one direction, next to none in the other.

    m = check_valve_flow(p_in - p_out, k, dp_open)          plant_models.hydraulics

Forwards its spring or flap takes ``dp_open`` before the square law begins (20..50 mbar with a spring, less with a
flap; makers' data); backwards it sees only the share ``leakage`` of the pressure difference. Of the flow that the same
difference moves forwards, sqrt(leakage) gets through where leakage dp is well above dp_small (the width of the square
law, plant_models.throttle), and leakage sqrt(dp/dp_small) below, where the law is linear. At 1 bar and the leakage of
1e-6 that is 1e-3 with dp_nominal = 1 Pa, 7e-5 with 20 kPa, 3e-5 sized by Kv or Cv, 1e-5 with 1 MPa. The corner is
rounded over 2 sqrt(leakage) dp_open: 6 Pa with 3 kPa.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from plant_models import hydraulics
from plant_models.component import Equations, FluidPort, Port, Value, through
from plant_models.signals import Signal, output, state
from plant_models.throttle import Throttle
from plant_models.units import Pressure, si


class CheckValve(Throttle):
    """A check valve between two nodes, from inlet to outlet."""

    kind: Literal["check_valve"] = "check_valve"
    ports: ClassVar[tuple[Port, ...]] = (FluidPort("inlet"), FluidPort("outlet"))
    passes: ClassVar[tuple[str, str] | None] = ("inlet", "outlet")

    dp_open: Pressure = Field(3e3, gt=0, description="opens it, beside the square law's drop [makers: 20..50 mbar]")
    leakage: Annotated[float, si("1"), Field(ge=1e-9, le=1e-2)] = Field(
        1e-6, description="share of a pressure difference backwards that it passes as if it were forwards"
    )

    def signals(self) -> tuple[Signal, ...]:
        """Temperature, flow."""
        return (
            state("T", "K", "liquid in the valve's passage", start=self.T_start, energy=self._C),
            output("m_flow", "kg/s", "flow from inlet to outlet"),
        )

    def flow(self, dp: Value) -> Value:
        """kg/s at a pressure difference."""
        return hydraulics.check_valve_flow(
            dp, self.k_open, dp_open=self.dp_open, leakage=self.leakage, dp_small=self.dp_small
        )

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See the module's equations."""
        m = self.flow(v["inlet.p"] - v["outlet.p"])
        H_in, H_out = through(self.fluid, m, v["inlet.T"], v["T"], v["outlet.T"])
        return Equations(
            {"T": (H_in + H_out) / self._C},
            {"inlet.m_flow": m, "inlet.H_flow": H_in, "outlet.m_flow": -m, "outlet.H_flow": H_out},
            {"m_flow": m},
        )
