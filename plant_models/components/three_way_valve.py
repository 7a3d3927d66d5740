"""Three-way valve with its body's volume: mixes two flows into one, or diverts one into two.

    m_a     = k phi_A(y) law(p_a - p_ab)              y = 1: way A open, way B closed
    m_b     = k phi_B(1 - y) law(p_b - p_ab)          both positive towards the common port
    m_ab    = m_a + m_b
    C dT/dt = H_a + H_b + H_ab                        one mixed volume, upwind at every port in either direction

``use: mixing`` takes water in at ``a`` and ``b``, ``use: diverting`` at ``ab``; the equations are the same, the word
says which way water goes by design. k from the nominal point of one way, Kv or Cv (plant_models.throttle). With
linear characteristics on both ways the sum of the openings is the same at every position; an equal-percentage way A
with a linear way B is usual in front of coils. Both ways close to their ``leakage`` (makers state 0..2 % of Kv for the
straight way, more for the bypass). With ``F_L`` two outputs say how near the ways are to choking
(plant_models.choking).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, cast

from pydantic import Field

from plant_models import hydraulics
from plant_models.choking import choking, choking_output
from plant_models.component import Equations, FluidPort, Port, Value, positive
from plant_models.local_control import stroke_rate
from plant_models.signals import P_AIR, Signal, output, parameter, setpoint, state
from plant_models.throttle import Characteristic, Throttle, opening
from plant_models.units import Duration, Fraction


class _ThreePorts:
    """The ports, with their directions by what the valve is used for."""

    def __get__(self, valve: ThreeWayValve | None, owner: type) -> tuple[Port, ...]:
        diverts = valve is not None and valve.use == "diverting"
        ways, common = ("out", "in") if diverts else ("in", "out")
        return (FluidPort("a", flow=ways), FluidPort("b", flow=ways), FluidPort("ab", flow=common))  # type: ignore[arg-type]


class ThreeWayValve(Throttle):
    """A valve between three nodes."""

    kind: Literal["three_way_valve"] = "three_way_valve"
    ports: ClassVar[tuple[Port, ...]] = cast("tuple[Port, ...]", _ThreePorts())

    use: Literal["mixing", "diverting"] = "mixing"
    characteristic: Characteristic = Field("linear", description="of way A over the position")
    characteristic_b: Characteristic = Field("linear", description="of way B over one minus the position")
    rangeability: float = Field(50.0, gt=1, description="of equal_percentage [IEC 60534-2-4: 30..50]")
    leakage: Fraction = Field(1e-3, gt=0, description="of a closed way, share of Kv")
    F_L: Fraction | None = Field(
        None, gt=0, le=1, description="pressure recovery factor, such as 0.85: makes the outputs choking_a, choking_b"
    )
    stroke: Duration = 90.0
    y_default: Fraction = 1.0

    def signals(self) -> tuple[Signal, ...]:
        """Position, temperature, flows."""
        return (
            state("T", "K", "liquid in the valve's body", start=self.T_start, energy=self._C),
            state("y", "1", "position: 1 opens way A, 0 way B", start=self.y_default, lower=0, upper=1),
            setpoint("y_set", "1", "position command", default=self.y_default, lower=0, upper=1),
            parameter(
                "valve_free", "1", "1: the valve moves, 0: it is stuck where it stands", default=1.0, lower=0, upper=1
            ),
            output("m_flow_a", "kg/s", "flow from port a to the common port"),
            output("m_flow_b", "kg/s", "flow from port b to the common port"),
            *(() if self.F_L is None else (P_AIR, choking_output("_a"), choking_output("_b"))),
        )

    def flows(self, dp_a: Value, dp_b: Value, y: Value) -> tuple[Value, Value]:
        """kg/s from a and from b to the common port, at the pressures over that of the common port."""
        k_a, k_b = hydraulics.three_way(
            y, self.k_open,
            lambda x: opening(x, self.characteristic, self.rangeability, self.leakage),
            lambda x: opening(x, self.characteristic_b, self.rangeability, self.leakage),
        )  # fmt: skip
        return hydraulics.mass_flow(dp_a, k_a, self.dp_small), hydraulics.mass_flow(dp_b, k_b, self.dp_small)

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See the module's equations."""
        m_a, m_b = self.flows(v["a.p"] - v["ab.p"], v["b.p"] - v["ab.p"], v["y"])
        into = {"a": m_a, "b": m_b, "ab": -m_a - m_b}
        h = self.fluid.h(v["T"])
        H = {port: positive(m) * self.fluid.h(v[f"{port}.T"]) - positive(-m) * h for port, m in into.items()}
        flows = {f"{port}.m_flow": m for port, m in into.items()} | {f"{port}.H_flow": H[port] for port in into}
        return Equations(
            {"T": sum(H.values()) / self._C, "y": v["valve_free"] * stroke_rate(v["y_set"], v["y"], self.stroke)},
            flows,
            {"m_flow_a": m_a, "m_flow_b": m_b} | self._choking(v),
        )

    def _choking(self, v: Mapping[str, Value]) -> dict[str, Value]:
        if self.F_L is None:
            return {}
        return {
            f"choking_{way}": choking(v[f"{way}.p"], v["ab.p"], v[f"{way}.T"], v[P_AIR.name], self.F_L) for way in "ab"
        }
