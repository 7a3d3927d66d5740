"""What no independent source was found for, by machine; the page says so. Every machine without a row needs a line."""

from __future__ import annotations

GAPS: dict[str, str] = {
    "air_handler": "no measured coil with both flows varied; no condensation on it",
    "boiler": "no measured boiler; efficiency does not change with load",
    "cdu": "no measured transients of a CDU under load steps; vendors publish one nominal point",
    "chiller": "condenser water below 18 °C; transients. Machines differ in part load more than in anything else: one "
    "with variable speed (York YT 1459 kW) takes 60 % more at 40 % load than our mean of eight; with `model: eir` a "
    "machine's own curves are followed",
    "check_valve": "no measured valve: opening and closing, hammer, what comes back",
    "control_valve": "no measured valve: its own characteristic, the spread of pressure-independent ones; a choked "
    "valve says so, its flow goes on rising",
    "cooling_tower": "no measured tower with water and air flow varied; evaporation has psychrometric balances only",
    "district": "no measured network at the handover",
    "dry_cooler": "no measured cooler off its nominal point; fan power at part speed and pads by engineering practice",
    "expansion": "a reservoir that holds its pressure, as pump-controlled pressure keepers nearly do; for a gas "
    "cushion see `membrane_vessel`",
    "gpu_rack": "no measured rack: the film's share in a plate (other coolants), memory, tray and header sizes; "
    "servers that go off by their air have one maker's thresholds",
    "heat_pump": "ramps, starts and part load by catalogue figures; no measured machine over its map",
    "membrane_vessel": "no measured circuit: how fast its water warms through, and by how much its pipes stretch",
    "pipe": "no measured buried pipe; standstill and reversal by balances",
    "plate_exchanger": "no measured unit; film exponents by correlation",
    "pump_group": "no measured group with its controls; shaft power between the points of a data sheet",
    "stratified_tank": "no measured store; mixing at inlets by engineering practice",
    "twin_pipe": "no measured pipe: the data of the AIT and ULg plug-flow experiments (van der Heijde et al. 2017) are "
    "not at hand; heat in steel, insulation and ground",
    "strainer": "how fast a loop's dirt clogs it; its law keeps to the open area, real screens' drop rises faster",
    "substation": "no measured substation",
    "three_way_valve": "no measured valve: its ways' characteristics and leakage",
}
