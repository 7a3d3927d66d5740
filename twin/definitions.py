"""What the key figures are: unit, title, meaning, standard, and which way is better. docs/kpi.md has the formulas."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Definition:
    """What one key figure is."""

    key: str
    unit: str
    title: str
    description: str
    standard: str = ""
    better: int = 0
    """-1: smaller is better, 1: larger is better, 0: neither by itself"""
    needs: str = ""
    """what a run must have for the figure to have a meaning; without it, the figure is null"""


DEFINITIONS: tuple[Definition, ...] = (
    Definition(
        "pue",
        "1",
        "Power usage effectiveness",
        "electricity of IT and cooling over electricity of IT; heat recovery beyond the handover stands outside",
        "ISO/IEC 30134-2",
        -1,
        needs="electricity of IT",
    ),
    Definition(
        "ere",
        "1",
        "Energy reuse effectiveness",
        "electricity of the data centre less the heat reused, over electricity of IT",
        "The Green Grid WP 29",
        -1,
        needs="electricity of IT",
    ),
    Definition(
        "erf",
        "1",
        "Energy reuse factor",
        "heat reused, metered at the handover before the heat pump, over electricity of the data centre",
        "ISO/IEC 30134-6",
        1,
        needs="electricity of IT",
    ),
    Definition(
        "wue_l_per_kWh",
        "l/kWh",
        "Water usage effectiveness",
        "water evaporated, bled and topped up, over electricity of IT",
        "ISO/IEC 30134-9",
        -1,
        needs="electricity of IT",
    ),
    Definition(
        "cue_kg_per_kWh",
        "kg/kWh",
        "Carbon usage effectiveness",
        "CO2 of the data centre's electricity over electricity of IT",
        "ISO/IEC 30134-8",
        -1,
        needs="electricity of IT",
    ),
    Definition("electricity_MWh", "MWh", "Electricity", "all electricity drawn: IT, cooling and heat recovery", "", -1),
    Definition("fuel_MWh", "MWh", "Fuel", "burnt by boilers, by its lower heating value", "", -1),
    Definition("electricity_it_MWh", "MWh", "Electricity of IT", "drawn by the racks"),
    Definition("electricity_cooling_MWh", "MWh", "Electricity of cooling", "pumps, fans, chillers", "", -1),
    Definition(
        "electricity_recovery_MWh", "MWh", "Electricity of heat recovery", "heat pumps and pumps beyond the handover"
    ),
    Definition(
        "electricity_cost_EUR", "EUR", "Electricity cost", "price at the moment times all electricity drawn", "", -1
    ),
    Definition("heat_reused_MWh", "MWh", "Heat reused", "taken out of the facility water at the handover", "", 1),
    Definition(
        "heat_delivered_MWh", "MWh", "Heat delivered", "received by the heat consumers, after the heat pump", "", 1
    ),
    Definition("heat_demand_MWh", "MWh", "Heat demand", "asked for by the heat consumers"),
    Definition("heat_rejected_MWh", "MWh", "Heat rejected", "given to the outside air"),
    Definition(
        "heat_demand_met",
        "1",
        "Share of heat demand met",
        "heat delivered over heat demand",
        "",
        1,
        needs="heat demand",
    ),
    Definition("fuel_cost_EUR", "EUR", "Fuel cost", "fuel times its price", "", -1),
    Definition("heat_revenue_EUR", "EUR", "Heat revenue", "heat delivered times its price", "", 1),
    Definition("water_cost_EUR", "EUR", "Water cost", "water times its price", "", -1),
    Definition(
        "co2_t",
        "t",
        "CO2",
        "of all electricity drawn, by the grid's intensity at the moment, and of fuel burnt",
        "",
        -1,
    ),
    Definition("co2_cost_EUR", "EUR", "CO2 cost", "CO2 times the site's own price on it", "", -1),
    Definition("start_cost_EUR", "EUR", "Cost of starts", "starts of heat pumps times the cost of one", "", -1),
    Definition(
        "operation_cost_EUR",
        "EUR",
        "Cost of operating heat pumps",
        "heat given by the heat pumps times what their use costs in maintenance",
        "",
        -1,
    ),
    Definition(
        "net_cost_EUR",
        "EUR",
        "Net cost",
        "electricity, fuel, water, CO2, starts and operation of heat pumps, less heat revenue",
        "",
        -1,
    ),
    Definition("stored_heat_change_MWh", "MWh", "Stored heat", "held by the stores at the end more than at the start"),
    Definition(
        "net_cost_with_store_EUR",
        "EUR",
        "Net cost with the stores made equal",
        "net cost less what it costs to make the stored heat: mean price over the heat pumps' mean COP, and operation",
        "",
        -1,
        needs="heat made by heat pumps for the stores",
    ),
    Definition(
        "net_cost_besides_it_EUR",
        "EUR",
        "Net cost besides IT",
        "net cost less the electricity of IT at the price of the moment: what cooling and heat come to",
        "",
        -1,
    ),
    Definition(
        "net_cost_EUR_per_MWh_IT",
        "EUR/MWh",
        "Net cost per IT energy",
        "net cost over electricity of IT",
        "",
        -1,
        needs="electricity of IT",
    ),
    Definition("water_m3", "m³", "Water", "evaporated, bled and topped up", "", -1),
    Definition("water_evaporated_m3", "m³", "Water evaporated", "into the outside air", "", -1),
    Definition("water_blowdown_m3", "m³", "Water bled", "bled, blown down and drifted", "", -1),
    Definition("water_loop_m3", "m³", "Water topped up", "into the closed loops", "", -1),
    Definition("spray_hours", "h", "Spray hours", "hours in which water is put into the air stream", "", -1),
    Definition(
        "thermal_violation_Kh",
        "K h",
        "Thermal violation",
        "excess of every group of chips over its limit, integrated over time and summed",
        "",
        -1,
    ),
    Definition("thermal_excess_max_K", "K", "Largest excess", "largest excess of any chip over its limit", "", -1),
    Definition("thermal_violation_s", "s", "Time above a limit", "summed over all groups of chips", "", -1),
    Definition(
        "air_violation_Kh",
        "K h",
        "Air too warm",
        "excess of the air that racks draw in over its limit, summed",
        "ASHRAE TC 9.9",
        -1,
        needs="air handler",
    ),
    Definition(
        "air_excess_max_K",
        "K",
        "Air too warm, largest",
        "largest excess of that air",
        "ASHRAE TC 9.9",
        -1,
        needs="air handler",
    ),
    Definition(
        "frost_violation_Kh",
        "K h",
        "Danger of frost",
        "water outdoors below 2 °C, integrated over time and summed",
        "",
        -1,
        needs="water outdoors",
    ),
    Definition(
        "frost_excess_max_K",
        "K",
        "Danger of frost, largest",
        "most that any of it was below 2 °C",
        "",
        -1,
        needs="water outdoors",
    ),
    Definition(
        "condensation_Kh",
        "K h",
        "Condensation",
        "water in halls below the outside dew point, over time and summed",
        "",
        -1,
        needs="cold water in halls",
    ),
    Definition(
        "condensation_max_K",
        "K",
        "Condensation, largest",
        "most that any of it was below",
        "",
        -1,
        needs="cold water in halls",
    ),
    Definition("peak_power_MW", "MW", "Peak power", "highest quarter-hour mean of all electricity drawn", "", -1),
    Definition("starts_per_day", "1/d", "Starts per day", "starts of all heat pumps together, per day", "", -1),
    Definition(
        "actuator_travel",
        "1/d",
        "Actuator travel",
        "full strokes per day that a set-point travels, mean over all set-points",
        "",
        -1,
    ),
    Definition(
        "controller_time_ratio_mean",
        "1",
        "Controller time, mean",
        "computing time of a decision over the time between two",
        "",
        -1,
    ),
    Definition(
        "controller_time_ratio_p99", "1", "Controller time, 99th percentile", "the same, 99 of 100 lie below", "", -1
    ),
    Definition("controller_time_ratio_max", "1", "Controller time, largest", "the same, the slowest", "", -1),
    Definition(
        "controller_failures",
        "1",
        "Controller failures",
        "decisions that fell back on the rule-based sequences or were not ok otherwise",
        "",
        -1,
    ),
    Definition(
        "energy_balance_error",
        "1",
        "Energy balance error",
        "energy stored less what crossed the boundary, over what crossed it",
        "",
        -1,
    ),
    Definition("mass_balance_error", "1", "Mass balance error", "the same for water", "", -1),
)
