"""The ``inputs:`` block of a scenario file, and what it makes."""

from __future__ import annotations

from pydantic import Field

from .context import Context
from .demand import AnnualDemand, Demand
from .forecast import Forecaster, ForecastSettings
from .load import Load
from .market import Co2, Price
from .network import NetworkTemperatures
from .series import InputError, Inputs, stamp
from .settings import Strict
from .synthetic_load import SyntheticLoad
from .synthetic_market import SyntheticCo2, SyntheticPrice
from .synthetic_weather import SyntheticWeather
from .weather import Weather


class InputsBlock(Strict):
    """Everything that comes from outside. What is not given is generated, and labelled synthetic in the results."""

    weather: Weather = Field(default_factory=SyntheticWeather)
    load: Load = Field(default_factory=SyntheticLoad)
    demand: Demand | None = Field(default=None, description="default: annual, where the plant has consumers of heat")
    price: Price = Field(default_factory=SyntheticPrice)
    co2: Co2 = Field(default_factory=SyntheticCo2)
    forecast: ForecastSettings = Field(default_factory=ForecastSettings)

    def build(self, context: Context) -> Inputs:
        """All series of the run. Raises InputError for data that cannot be used or do not reach over the run."""
        weather = self.weather.build(context)
        context = context.with_weather(weather)
        parts = [self.price.build(context), self.co2.build(context)]
        if context.plant.cdu_names:
            parts.insert(0, self.load.build(context))
        elif "load" in self.model_fields_set:
            raise InputError("a load is given and the plant has no CDU that takes it; remove load")
        demand = self.demand
        if demand is None and context.plant.demand_shares:
            demand = AnnualDemand()
        if demand is not None:
            parts.append(demand.build(context))
        inputs = weather.merge(*parts)
        _check_cover(inputs, context)
        return inputs

    def forecaster(self, inputs: Inputs, context: Context) -> Forecaster:
        """What issues forecasts of these inputs; the network's curve is the scenario's, else the plant's."""
        network = (self.demand.network if self.demand is not None else None) or context.plant.network
        return Forecaster(inputs, self.forecast, context.seed, network or NetworkTemperatures())


def _check_cover(inputs: Inputs, context: Context) -> None:
    start, end = context.start.timestamp(), context.end.timestamp()
    for one in inputs.values():
        if one.start > start or one.end < end:
            raise InputError(
                f"{one.name} ({one.source.label}) covers {stamp(one.start)} to {stamp(one.end)}, the run "
                f"goes from {stamp(start)} to {stamp(end)}: move the run, or give data that reaches it"
            )
