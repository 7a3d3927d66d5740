"""The refrigerant's side of a heat pump: COP and capacity from the waters' temperatures and the load.

Equations (L: effective load; indices e: evaporator, c: condenser)::

    1/COP     = lift/T_c (1 + excess_share excess(lift)) / (COP_factor (1 - part_load_loss (1 - L)^2))
    lift      = T_c - T_e
    T_c, T_e  = T_sink_out + pinch_condenser, T_source_out - pinch_evaporator
    capacity  = min(exp(capacity_slope (T_source_out - T_source_out_nominal)), capacity_max)          smooth

COP (``model: carnot``). ``excess`` is the work of a market machine beyond Carnot's, over Carnot's, a parabola of the
lift; it was fitted to the market of HFC and HFO machines (Jesper et al. 2021, 10 <= T_sink_out - T_source_in <= 78 K)
by ``python -m plant_models.fit_heat_pump``. ``excess_share``, one number for a machine, makes COP ``COP_nominal`` at
the nominal outlet temperatures: 1 is a market machine, a better one has less excess. What makes it better there
(stages, condensation that follows the glide of the sink) is of no use at a lift far below: under 0.65 of the nominal
lift its share goes to 1, which it reaches at 0.25 [assumption]. The default nominal point is the Kajaani plant:
30 -> 20 / 50 -> 85 degC, COP 4.35, a Lorenz efficiency of 0.54; the Danish Energy Agency's catalogue has 0.525 for a
10 MW machine on excess heat. Heat leaves the refrigerant above every sink temperature and enters it below every source
temperature, at less than Carnot's COP (the excess is positive), so the second law holds at every point.

Which model. The outlets alone decide, so the nominal point is to be the machine's own. The default's is right for lifts
of 45 K and more with sinks that glide by some 35 K: 0.83..0.86 of Carnot's COP between the outlets, which a small glide
does not permit. Where glides are far from the nominal ones, at lifts of half the nominal and more, take
``model: lorenz``; for small lifts, a COP_nominal stated there, or ``correction``.

``model: lorenz`` takes the mean temperatures of the waters instead (a machine of several stages, or one whose
condensation glides)::

    1/COP  = max(lift_L/(lorenz_efficiency T_sink,mean), Carnot's between the outlets)/(part load as above)     smooth
    lift_L = T_sink,mean - T_source,mean         log means of the waters' inlets and outlets

``lorenz_efficiency`` follows from COP_nominal and stays below 1 with drive_loss and the largest COP_factor; the bound
by the outlets (for a COP_factor of 1) is for starts, when the volumes are far from the glides. Inlets count as between
the outlet and twice the nominal glide from it.

``correction`` multiplies 1/COP of either by a parabola of both outlet temperatures, fitted to a manufacturer's table by
:func:`plant_models.fit_heat_pump.fit`; beyond the table's ranges it stays as at their edge.

Capacity. A given compressor swallows a volume: the colder the source, the thinner the gas. Q_flow_sink_nominal is the
heat at T_source_out_nominal; per kelvin of colder source it falls by 2.5 (R717) to 2.9 % (R1234ze) between 5 and
40 degC of evaporation, by suction density and enthalpy rise (CoolProp; the same command prints it). From a warmer
source it rises as far as ``capacity_max``, what motor and heat exchangers permit. The sink's temperature is not in it.

Valid for water, T_source_out 5..40 degC, T_sink_out 40..95 degC; finite everywhere.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from plant_models.component import Component, MediumName, Value
from plant_models.heat_pump_correction import Correction
from plant_models.mathx import exp
from plant_models.media import MEDIA, Medium
from plant_models.smooth import at_least, at_most, smoothstep
from plant_models.units import Fraction, Liquid, Power, Ratio, Temperature, TemperatureDifference, si

SourceTemperature = Annotated[Temperature, Liquid(port="evaporator_in")]
SinkTemperature = Annotated[Temperature, Liquid(port="condenser_in")]
COP_FACTOR_MAX = 1.1
"""largest COP_factor, so that a calibration cannot break the second law"""
LIFT_MIN = 5.0
"""K, smallest lift between the refrigerant temperatures that the COP formula sees; smoothed over 1 K"""
LEAD_KEPT, LEAD_GONE = 0.65, 0.25
"""lift over nominal, down to which a good machine is better than the market's, and from which it is not"""
LIFT_SCALE = 50.0
"""K, of the lift in the fit below"""
MARKET_WORK = (2.054386, -1.030354, 0.5920903)
"""work of a market machine over Carnot's: coefficients of 1, x, x^2 with x = lift/LIFT_SCALE; see fit_heat_pump"""
MARKET_WORK_LEAST = MARKET_WORK[0] - MARKET_WORK[1] ** 2 / (4.0 * MARKET_WORK[2])
"""least of it over all lifts: 1.61, at 44 K"""
BOUND_WIDTH = 0.005
"""of 1/COP, over which Lorenz's formula is rounded off at Carnot's bound: 0.1 % of the COP where they are 0.02 apart"""
CAPACITY_WIDTH = 0.03
"""share over which the bound of the capacity is rounded off: about a kelvin of the source"""


def market_work(lift: Value) -> Value:
    """Work that a market machine needs over Carnot's, at a lift (K) between its refrigerant temperatures."""
    a, b, c = MARKET_WORK
    x = lift / LIFT_SCALE
    return a + b * x + c * x * x


class RefrigerantCycle(Component):
    """Base of heat pumps: nominal point, COP and capacity."""

    medium: MediumName = "water"
    source_medium: MediumName | None = Field(None, description="if it is another one, such as a brine")
    Q_flow_sink_nominal: Power = Field(description="heat to the sink at full load and T_source_out_nominal")
    COP_nominal: Ratio = Field(4.35, description="compressor COP at the nominal point, heat to the sink over power")
    T_source_in_nominal: SourceTemperature = 303.15
    T_source_out_nominal: SourceTemperature = 293.15
    T_sink_in_nominal: SinkTemperature = 323.15
    T_sink_out_nominal: SinkTemperature = 358.15
    model: Literal["carnot", "lorenz"] = Field("carnot", description="COP from the outlets, or from mean temperatures")
    correction: Correction | None = Field(None, description="of 1/COP, fitted to a manufacturer's table")
    pinch_evaporator: TemperatureDifference = Field(2.0, description="water outlet over evaporation [assumption]")
    pinch_condenser: TemperatureDifference = Field(2.0, description="condensation over water outlet [assumption]")
    capacity_slope: Annotated[float, si("1/K"), Field(ge=0, le=0.1)] = Field(
        0.028,
        description="share of the capacity lost per kelvin of colder source [CoolProp: R717 2.5 %, R1234ze 2.9 %]",
    )
    capacity_max: Ratio = Field(
        1.1, ge=1.05, le=2.0, description="largest heat over nominal: motor, heat exchangers [assumption]"
    )
    part_load_loss: Fraction = Field(0.18, description="share of the COP lost towards zero load [assumption]")
    drive_loss: Fraction = Field(
        0.03,
        lt=1,
        description="share of all electricity that motors and converters give to "
        "the room, outside the water's balance [assumption]",
    )

    @model_validator(mode="after")
    def _within_carnot(self) -> Self:
        cools = self.T_source_out_nominal < self.T_source_in_nominal
        if not (cools and self.T_sink_in_nominal < self.T_sink_out_nominal):
            raise ValueError(
                "a heat pump cools its source and heats its sink: state T_source_out_nominal below "
                "T_source_in_nominal and T_sink_out_nominal above T_sink_in_nominal"
            )
        least = COP_FACTOR_MAX / (1.0 - self.drive_loss) - 1.0
        highest = self.carnot_nominal / (1.0 + least * self._excess_nominal / (MARKET_WORK_LEAST - 1.0))
        if not 1.0 < self.COP_nominal < highest:
            raise ValueError(
                f"COP_nominal = {self.COP_nominal:g} lies outside 1 .. {highest:.2f}: a better machine "
                "would beat Carnot at some lift (outlet temperatures, pinches, drive_loss, range of COP_factor)"
            )
        self._check_bounds()
        return self

    def _check_bounds(self) -> None:
        if self.model == "lorenz":
            bound = float(self._carnot_bound(self.T_source_out_nominal, self.T_sink_out_nominal))
            if not self.COP_nominal < 1.0 / bound or self.lorenz_efficiency * COP_FACTOR_MAX > 1.0 - self.drive_loss:
                raise ValueError(
                    f"COP_nominal = {self.COP_nominal:g} is above Carnot's between the outlets ({1.0 / bound:.2f}) or "
                    "above Lorenz's between the waters' means, less drive_loss and the range of COP_factor"
                )
        if self.correction is None:
            return
        for T_source, T_sink in self.correction.grid():
            best = float(self.cop(T_source, T_sink, 1.0)) * COP_FACTOR_MAX
            T_c, T_e = T_sink + self.pinch_condenser, T_source - self.pinch_evaporator
            if T_c > T_e and best * (1.0 - self.drive_loss) * (T_c - T_e) > T_c:
                raise ValueError(
                    f"correction makes the COP {best:.2f} at {T_source:g} K source, {T_sink:g} K sink (in the range of "
                    "COP_factor), above Carnot's: check the table, or state smaller pinches"
                )

    @property
    def fluid(self) -> Medium:
        """The liquid of the sink."""
        return MEDIA[self.medium]

    @property
    def source_fluid(self) -> Medium:
        """The liquid of the source."""
        return MEDIA[self.source_medium or self.medium]

    @property
    def carnot_nominal(self) -> float:
        """Carnot's COP between the refrigerant temperatures of the nominal point."""
        T_c = self.T_sink_out_nominal + self.pinch_condenser
        return T_c / (T_c - self.T_source_out_nominal + self.pinch_evaporator)

    @property
    def lift_nominal(self) -> float:
        """Between the refrigerant temperatures of the nominal point, K."""
        return self.T_sink_out_nominal + self.pinch_condenser - self.T_source_out_nominal + self.pinch_evaporator

    @property
    def _excess_nominal(self) -> float:
        """Of a market machine at the nominal lift."""
        return float(market_work(self.lift_nominal)) - 1.0

    @property
    def excess_share(self) -> float:
        """Work beyond Carnot's over that of a market machine at the nominal lift, at full load."""
        return (self.carnot_nominal / self.COP_nominal - 1.0) / self._excess_nominal

    def _share(self, lift: Value) -> Value:
        """The same at a lift, K: a machine better than the market's is one of them at a lift far below its nominal."""
        like_market = smoothstep((LEAD_KEPT - lift / self.lift_nominal) / (LEAD_KEPT - LEAD_GONE))
        return self.excess_share + max(1.0 - self.excess_share, 0.0) * like_market

    def cop(
        self,
        T_source_out: Value,
        T_sink_out: Value,
        load: Value,
        T_source_in: Value | None = None,
        T_sink_in: Value | None = None,
    ) -> Value:
        """Compressor COP as new, from the outlet temperatures (K) and the effective load.

        ``model: lorenz`` sees the inlets too (K); without them it takes the nominal glides.
        """
        if self.model == "lorenz":
            work = self._lorenz_work(T_source_out, T_sink_out, T_source_in, T_sink_in)
        else:
            T_c = T_sink_out + self.pinch_condenser
            lift = at_least(T_c - T_source_out + self.pinch_evaporator, LIFT_MIN, 1.0)
            work = lift / T_c * (1.0 + self._share(lift) * (market_work(lift) - 1.0))
        if self.correction is not None:
            work = work * self.correction.factor(T_source_out, T_sink_out)
        return (1.0 - self.part_load_loss * (1.0 - load) ** 2) / work

    def _carnot_bound(self, T_source_out: Value, T_sink_out: Value) -> Value:
        """Least 1/COP by the second law between the outlets."""
        return at_least(T_sink_out - T_source_out, LIFT_MIN, 1.0) / T_sink_out / (1.0 - self.drive_loss)

    def _lorenz_lift(self, T_source_out: Value, T_sink_out: Value, T_source_in: Value, T_sink_in: Value) -> Value:
        """Between the waters' log means, over that of the sink."""
        nominal = self.T_source_in_nominal - self.T_source_out_nominal, self.T_sink_out_nominal - self.T_sink_in_nominal
        cooled, heated = nominal
        if T_source_in is not None:
            cooled = at_most(at_least(T_source_in - T_source_out, 0.0, 0.3), 2.0 * nominal[0], 0.3)
        if T_sink_in is not None:
            heated = at_most(at_least(T_sink_out - T_sink_in, 0.0, 0.3), 2.0 * nominal[1], 0.3)
        source, sink = T_source_out + 0.5 * cooled, T_sink_out - 0.5 * heated
        # the log mean's series: (T_1 - T_2)/ln(T_1/T_2) = T_m - (T_1 - T_2)^2/(12 T_m), off by 1e-6
        source, sink = source - cooled * cooled / (12.0 * source), sink - heated * heated / (12.0 * sink)
        return 1.0 - source / sink

    def _lorenz_work(self, T_source_out: Value, T_sink_out: Value, T_source_in: Value, T_sink_in: Value) -> Value:
        ideal = self._lorenz_lift(T_source_out, T_sink_out, T_source_in, T_sink_in)
        return at_least(ideal / self.lorenz_efficiency, self._carnot_bound(T_source_out, T_sink_out), BOUND_WIDTH)

    @cached_property
    def lorenz_efficiency(self) -> float:
        """COP over Lorenz's at full load, in the formula: its smoothed form gives COP_nominal at the nominal point."""
        T = self.T_source_out_nominal, self.T_sink_out_nominal
        bound = float(self._carnot_bound(*T))
        beyond = BOUND_WIDTH * math.log(math.expm1((1.0 / self.COP_nominal - bound) / BOUND_WIDTH))
        return float(self._lorenz_lift(*T, self.T_source_in_nominal, self.T_sink_in_nominal)) / (bound + beyond)

    def capacity(self, T_source_out: Value) -> Value:
        """Heat at full load over Q_flow_sink_nominal, from the source's outlet temperature (K); 1 at nominal."""
        rise, bound = self.capacity_slope * (T_source_out - self.T_source_out_nominal), math.log(self.capacity_max)
        return exp(at_most(rise, bound, CAPACITY_WIDTH) - float(at_most(0.0, bound, CAPACITY_WIDTH)))
