"""Settings of the economic MPC, each with its reason. None is fitted to a period."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from plant_models.units import Duration, EnergyPrice, Ratio, TemperatureDifference


class MpcSettings(BaseModel):
    """How the MPC looks ahead, what it keeps away from, how long it may think."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    interval: Duration = Field(
        300.0, gt=0, description="between two decisions; those between two plans follow the loads of the single CDUs"
    )
    replan: Duration = Field(900.0, gt=0, description="between two optimisations: the market's quarter hour")
    fine_stages: int = Field(8, ge=1, description="stages of fine_step: the next hours, where moves are made")
    fine_step: Duration = Field(900.0, gt=0)
    coarse_stages: int = Field(22, ge=0, description="stages of coarse_step: the rest of a day, for the store")
    coarse_step: Duration = Field(3600.0, gt=0)

    time_limit: Duration = Field(20.0, gt=0, description="for one optimisation; a later answer is no answer")
    iterations_max: int = Field(500, ge=1, description="of the interior-point method; warm solves need 10 to 30")
    walk_forward: Duration = Field(
        1800.0, ge=0, description="how long the last good plan may be followed when optimisations fail; then sequences"
    )

    gpu_margin: TemperatureDifference = Field(
        2.0, description="kept below the chips' limit: the CDU's valve loop overshoots by up to 2 K after a load step"
    )
    load_step_cover: float = Field(
        1.0, ge=0, le=1,
        description="share of the way from the hottest CDU's present load to its nominal load that must be borne "
                    "without a new decision: jobs start within a minute",
    )  # fmt: skip
    crowd: float = Field(
        0.6, ge=0, le=1,
        description="share of the way from the present flow of all CDUs to that of all at nominal load, which the "
                    "mains must carry without a new decision: 0.58 of the peak is the 99th percentile of the rise "
                    "within 5 minutes of Frontier's 25 CDUs together (7 April 2024)",
    )  # fmt: skip
    dew_margin: TemperatureDifference = Field(
        2.5, description="CDU supply above the outside dew point; usual interlocks have 2-3 K, the envelope 2 K"
    )
    sink_margin: TemperatureDifference = Field(
        1.0, description="condenser outlet above the supply temperature required: heat lost and mixed in the store"
    )
    sink_ahead: Duration = Field(43200.0, description="within it stored heat is used: it must be warm enough then")
    valve_reserve: float = Field(
        0.9, gt=0, le=1, description="largest planned opening of a busy CDU's valve: its loop needs room to act"
    )
    store_reserve: float = Field(
        0.08, ge=0, lt=0.5, description="share of the store left at either end: the thermocline's thickness"
    )
    machine_time_min: Duration = Field(
        3600.0, description="least running and resting time of a heat pump; its start cost counts besides"
    )
    speed_lowest: float = Field(0.4, ge=0.3, le=1, description="least planned secondary pump speed: even rack flow")

    price_lowest: EnergyPrice = Field(
        1 / 3.6e9, gt=0, description="1 EUR/MWh: at prices below it, also negative ones, electricity counts as much: "
                                     "none is burnt for its own sake",
    )  # fmt: skip
    violation_price: Ratio = Field(
        1.0, gt=0, description="a kelvin above a limit costs as much as this many times all IT electricity at the "
                               "site's mean price: more than anything that could be saved by it",
    )  # fmt: skip
    move_weight: Ratio = Field(
        0.002, ge=0, description="moving all set-points by a full step (5 K, 0.2 of speed or pressure) costs this "
                                 "share of IT electricity over a quarter hour: breaks ties, stops chattering",
    )  # fmt: skip

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs(self.replan / self.interval - round(self.replan / self.interval)) > 1e-9:
            raise ValueError(f"replan = {self.replan:g} s is no multiple of interval = {self.interval:g} s")
        return self

    @property
    def horizon(self) -> float:
        """s."""
        return self.fine_stages * self.fine_step + self.coarse_stages * self.coarse_step

    def steps(self) -> tuple[float, ...]:
        """Lengths of the stages, s."""
        return (self.fine_step,) * self.fine_stages + (self.coarse_step,) * self.coarse_stages
