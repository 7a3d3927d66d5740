"""Runs made up for tests: the shape, names and orders of magnitude of a real one, by arithmetic and not by physics.

What an account says is consistent to round-off (heat in = heat out), so that figures computed from such a run can be
checked against the numbers that went in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from plant_models.signals import (
    MARKET,
    P_AIR,
    T_DRY,
    T_WET,
    Account,
    Signal,
    Vocabulary,
    disturbance,
    output,
    setpoint,
    state,
)
from twin.results import (
    Balance,
    OnOff,
    Picture,
    PictureComponent,
    PictureNode,
    RunInfo,
    RunResult,
    Source,
    Tariffs,
    empty_plans,
)

Array = NDArray[np.float64]
ZERO_C = 273.15
CP = 4180.0


@dataclass
class Records:
    """Signals and their recorded values, as they are added."""

    signals: list[Signal] = field(default_factory=list)
    columns: dict[str, Array] = field(default_factory=dict)

    def add(self, owner: str, signal: Signal, values: Array | float, length: int) -> None:
        named = signal.under(owner) if owner else signal
        self.signals.append(named)
        self.columns[named.name] = np.broadcast_to(np.asarray(values, dtype=float), (length,))


def make_run(
    *,
    days: float = 7.0,
    halls: int = 7,
    cdus: int = 70,
    racks: int = 8,
    district: bool = True,
    store: bool = True,
    water: bool = True,
    controller: str = "mpc",
    start: datetime = datetime(2025, 4, 7, tzinfo=UTC),
    interval: float = 300.0,
    seed: int = 7,
) -> RunResult:
    """A run of a plant like rovaltain; ``controller`` only moves the supply set-point and the heat pumps' hours."""
    n = round(days * 86400 / interval)
    t = np.arange(1, n + 1) * interval
    hour = (t / 3600) % 24
    random = np.random.default_rng(seed)
    skill = {"fixed": 0.0, "sequences": 0.5, "mpc": 1.0}.get(controller, 0.5)
    r = Records()

    T_air = ZERO_C + 15 + 8 * np.sin((hour - 9) / 24 * 2 * np.pi) + 6 * np.sin(t / 86400 / 7 * 2 * np.pi)
    price = (60 + 45 * np.cos((hour - 20) / 12 * 2 * np.pi) - 20 * np.exp(-((hour - 13) ** 2) / 6)) / 3.6e9
    for signal, values in ((T_DRY, T_air), (T_WET, T_air - 5), (P_AIR, 99e3)):
        r.add("", signal, values, n)
    for signal, market in zip(MARKET, (price, 0.045 / 3.6e6), strict=True):
        r.add("", signal, market, n)

    T_supply_set = ZERO_C + 32 + 4 * skill * (price < np.median(price))
    T_supply = T_supply_set + 0.2 * np.sin(t / 1800)
    P_it, P_pump, heat = np.zeros(n), np.zeros(n), np.zeros(n)
    base = 0.78 + 0.08 * np.sin((hour - 8) / 24 * 2 * np.pi)
    for i in range(cdus):
        name = f"cdu.{i + 1:02d}"
        noise = np.convolve(random.normal(0, 0.08, n + 24), np.ones(25) / 5, "valid")
        load = np.clip(base + 0.1 * random.normal() + noise, 0.05, 1.0)
        P, pump = 1.056e6 * load, 11.5e3 * np.ones(n)
        Q = P * 0.87 + pump
        T_return = T_supply + 4 + 10 * load
        r.add(
            name,
            setpoint(
                "T_supply_set",
                "K",
                "set-point of the coolant to the racks",
                default=309.15,
                lower=293.15,
                upper=318.15,
                rate_max=1 / 60,
            ),
            T_supply_set + 4,
            n,
        )
        r.add(name, setpoint("y_pump", "1", "secondary pump's speed", default=1, lower=0.3, upper=1), 1.0, n)
        r.add(name, state("T_supply", "K", "coolant to the racks", start=309.15, energy=3e6), T_supply + 4, n)
        r.add(name, state("T_return", "K", "coolant from the racks", start=319.15, energy=3e6), T_return + 4, n)
        r.add(
            name,
            output("T_gpu_max", "K", "hottest junction of all racks", upper=ZERO_C + 83, limit=True),
            T_supply + 4 + 40 * load + 1.5 * random.random(),
            n,
        )
        r.add(
            name,
            output("P_it_total", "W", "IT electric power", boundary="energy", account=Account.ELECTRICITY_IT),
            P,
            n,
        )
        r.add(name, output("P_pump", "W", "secondary pump's shaft power", boundary="energy"), pump, n)
        r.add(name, output("P_el", "W", "secondary pumps", account=Account.ELECTRICITY_COOLING), pump / 0.92, n)
        r.add(name, output("Q_flow", "W", "heat into the facility water"), Q, n)
        for k in range(racks):
            r.add(name, state(f"rack.{k + 1:02d}.T_case", "K", "case", start=324.0), T_supply + 20 * load + k, n)
            r.add(name, state(f"rack.{k + 1:02d}.T_coolant", "K", "coolant", start=319.0), T_return, n)
        P_it, P_pump, heat = P_it + P, P_pump + pump, heat + P + pump

    pumps = 0.45e6 * (P_it / P_it.max()) ** 2
    r.add("fws_pump", setpoint("dp_set", "Pa", "set-point", default=2.5e5, lower=1e5, upper=3e5), 2.2e5, n)
    r.add("fws_pump", output("P_shaft", "W", "shaft power", boundary="energy"), 0.9 * pumps, n)
    r.add("fws_pump", output("P_el", "W", "electricity", account=Account.ELECTRICITY_COOLING), pumps, n)
    heat = heat + 0.9 * pumps

    reused = np.zeros(n)
    delivered = np.zeros(n)
    size = cdus / 70
    demand = size * np.maximum(9e6 + 5e6 * np.cos((hour - 7) / 12 * 2 * np.pi) - 0.35e6 * (T_air - ZERO_C - 12), 0.0)
    level = np.full(n, 0.5)
    if district:
        wanted = np.where(price < np.quantile(price, 0.35 + 0.25 * skill), 0.9, 0.35 * (1 - skill)) * 20e6 * size
        capacity, held, produced = 3.8e11 * size if store else 0.0, 0.0, np.zeros(n)
        for i in range(n):
            produced[i] = min(wanted[i], demand[i] + (capacity - held) / interval)
            delivered[i] = min(demand[i], produced[i] + held / interval)
            held += (produced[i] - delivered[i]) * interval
            level[i] = held / capacity if store else 0.5
        y, per_pump = produced / (20e6 * size), produced / 2
        for i in (1, 2):
            r.add(f"heat_pump.{i}", setpoint("y_set", "1", "load", default=0, lower=0, upper=1), y, n)
            r.add(f"heat_pump.{i}", state("y", "1", "load", start=0.0), y, n)
            r.add(
                f"heat_pump.{i}",
                output("P_el", "W", "compressor", account=Account.ELECTRICITY_RECOVERY),
                per_pump / 4.5,
                n,
            )
            r.add(f"heat_pump.{i}", output("Q_flow_drive", "W", "drive", boundary="energy"), per_pump / 4.5, n)
            r.add(
                f"heat_pump.{i}",
                output("Q_flow_source", "W", "heat from the facility water", account=Account.HEAT_REUSED),
                per_pump * (1 - 1 / 4.5),
                n,
            )
            reused = reused + per_pump * (1 - 1 / 4.5)
        r.add("district", disturbance("Q_demand", "W", "heat demand", default=8.6e6), demand, n)
        r.add("district", output("Q_flow_demand", "W", "heat demand", account=Account.HEAT_DEMAND), demand, n)
        r.add(
            "district", output("Q_flow_delivered", "W", "heat received", account=Account.HEAT_DELIVERED), delivered, n
        )
        r.add("district", output("Q_flow_consumers", "W", "minus received", boundary="energy"), -delivered, n)
        r.add("district", disturbance("T_supply_required", "K", "supply temperature", default=343.15), 343.15, n)
    if store and district:
        for k in range(10):
            T = ZERO_C + 45 + 30 / (1 + np.exp(-12 * (level - k / 10)))
            r.add(
                "store",
                state(f"layer.{k + 1:02d}.T", "K", "layer of the store", start=320.0, energy=1.25e9 * size),
                T,
                n,
            )

        r.add("store", output("Q_stored", "J", "heat above the discharged temperature"), level * capacity, n)

    rejected = heat - reused
    spraying = (T_air > ZERO_C + 27 - 3 * skill) & water
    for i in range(1, halls + 1):
        share = rejected / halls
        name = f"dry_cooler.{i}"
        r.add(
            name,
            setpoint("T_leaving_set", "K", "set-point", default=305.15, lower=288.15, upper=318.15),
            T_supply_set,
            n,
        )
        r.add(
            name,
            output("Q_flow", "W", "heat into the water", boundary="energy", account=Account.HEAT_REJECTED),
            -share,
            n,
        )
        r.add(
            name,
            output("P_el", "W", "fans", account=Account.ELECTRICITY_COOLING),
            480e3 / 7 * (share / 9e6 / size) ** 3 * size * np.where(T_air > 295, 1.6, 0.7),
            n,
        )
        if water:
            r.add(name, setpoint("spray", "1", "adiabatic assist", default=0, lower=0, upper=1), 1.0 * spraying, n)
            r.add(
                name,
                output("m_flow_evaporated", "kg/s", "evaporated", account=Account.WATER_EVAPORATED),
                0.9 * spraying,
                n,
            )
            r.add(name, output("m_flow_bled", "kg/s", "bled", account=Account.WATER_BLOWDOWN), 0.3 * spraying, n)
    if water:
        r.add(
            "expansion",
            output("m_flow_make_up", "kg/s", "from the mains", boundary="mass", account=Account.WATER_LOOP),
            0.002,
            n,
        )

    T_return = T_supply + 9
    nodes = {"fws.supply": T_supply, "fws.return": T_return, "fws.warm": T_return - 1, "fws.cold": T_supply - 0.05}
    for h in range(1, halls + 1):
        nodes |= {f"hall.supply.{h}": T_supply + 0.01 * h, f"hall.return.{h}": T_return + 0.01 * h}
    if district:
        nodes |= {"dh.supply": np.full(n, 346.0), "dh.return": np.full(n, 318.0)}
    for node, T in nodes.items():
        r.add("", state(f"{node}.T", "K", f"temperature of {node}", start=305.0, energy=1e7), T, n)

    vocabulary = Vocabulary(r.signals)
    stamps = pd.to_datetime(start.timestamp() + t, unit="s", utc=True)
    trajectories = pd.DataFrame({"time": stamps} | {k: v.astype("float32") for k, v in r.columns.items()})
    energy_in = float((P_it + P_pump + 0.9 * pumps).sum() * interval)
    info = RunInfo(
        scenario={"site": "rovaltain", "days": days, "note": "made up"},
        site="rovaltain",
        title="Rovaltain, 40,320 GPUs",
        start=start,
        end=start + timedelta(seconds=n * interval),
        step_s=30,
        record_s=interval,
        time_zone="Europe/Paris",
        controller=controller,
        controller_interval_s=900.0,
        seeds={"inputs": seed},
        versions={"heatloop": "0.1.0"},
        sources={
            "weather": Source(label="generator 'lyon', seed 7", synthetic=True),
            "it": Source(label="generator 'training', seed 7", synthetic=True),
            "market.price_electricity": Source(label="day-ahead auction, FR, 2025", synthetic=False),
        },
        balances={
            "energy": Balance(stored_change=1e9, in_=energy_in, out=energy_in - 1e9, error=12.0),
            "mass": Balance(stored_change=1e-6, in_=0.0, out=0.0, error=1e-6, content=1.2e6),
        },
        tariffs=Tariffs(heat=32 / 3.6e9, water=3.5, co2=0.08),
        on_off={f"heat_pump.{i}.y": OnOff(threshold=0.25, start_cost=100.0) for i in (1, 2)} if district else {},
        picture=_picture(halls, cdus, district, store and district, water),
        wall_time_s=41.0,
    )
    return RunResult(info, trajectories, _decisions(info, random), _plans(info, r.columns, district), vocabulary)


def _decisions(info: RunInfo, random: np.random.Generator) -> pd.DataFrame:
    n = max(int(info.seconds // info.controller_interval_s), 1)
    time = [info.start + timedelta(seconds=k * info.controller_interval_s) for k in range(n)]
    optimal = info.controller == "mpc"
    solve = random.gamma(6, 0.35, n) if optimal else np.full(n, 1e-3)
    failed = (random.random(n) < 0.006) & optimal
    return pd.DataFrame({
        "time": pd.DatetimeIndex(time), "source": np.where(failed, "sequences", info.controller),
        "status": np.where(failed, "late", "ok"), "message": np.where(failed, "no solution within 20 s", ""),
        "solve_s": np.where(failed, 20.0, solve),
    })  # fmt: skip


def _plans(info: RunInfo, columns: dict[str, Array], district: bool) -> pd.DataFrame:
    if info.controller != "mpc":
        return empty_plans()
    signals = ["fws.supply.T", "cdu.01.T_supply_set"]
    signals += ["heat_pump.1.y", "district.Q_flow_delivered"] if district else []
    frames = []
    steps = np.arange(0, 24) * 3600.0
    for k in range(0, int(info.seconds // 3600) - 1, 6):
        issued = info.start + timedelta(hours=k)
        time = pd.to_datetime(issued.timestamp() + steps, unit="s", utc=True)
        for name in signals:
            grid = np.arange(1, len(columns[name]) + 1) * info.record_s
            expected = np.interp(k * 3600 + steps, grid, columns[name]) * (1 + 1e-3 * np.sin(steps / 7200))
            planned = {"issued": pd.Timestamp(issued), "time": time, "signal": name, "value": expected}
            frames.append(pd.DataFrame(planned))
    return pd.concat(frames, ignore_index=True) if frames else empty_plans()


def _picture(halls: int, cdus: int, district: bool, store: bool, water: bool) -> Picture:
    c: list[PictureComponent] = []

    def add(name: str, kind: str, **ports: str) -> None:
        c.append(PictureComponent(name=name, kind=kind, ports=ports))

    each = max(cdus // halls, 1)
    for i in range(cdus):
        h = min(i // each, halls - 1) + 1
        add(f"cdu.{i + 1:02d}", "cdu", inlet=f"hall.supply.{h}", outlet=f"hall.return.{h}", room=f"hall.air.{h}")
    for h in range(1, halls + 1):
        add(f"hall_supply.{h}", "pipe", inlet="fws.supply", outlet=f"hall.supply.{h}")
        add(f"hall_return.{h}", "pipe", inlet=f"hall.return.{h}", outlet="fws.return")
        add(f"dry_cooler.{h}", "dry_cooler", inlet="fws.warm", outlet="fws.cold")
    add(
        "fws_pump", "pump_group", inlet="fws.cold", outlet="fws.supply", sense_high="fws.supply", sense_low="fws.return"
    )
    add("fws_bypass", "control_valve", inlet="fws.supply", outlet="fws.return")
    add("recovery_passage", "pipe", inlet="fws.return", outlet="fws.warm")
    names = ["fws.supply", "fws.return", "fws.warm", "fws.cold"]
    names += [f"hall.{way}.{h}" for h in range(1, halls + 1) for way in ("supply", "return")]
    if water:
        add("expansion", "expansion", port="fws.cold")
    if district:
        for i in (1, 2):
            add(
                f"heat_pump.{i}",
                "heat_pump",
                evaporator_in="fws.return",
                evaporator_out="fws.warm",
                condenser_in="dh.return",
                condenser_out="dh.supply",
            )
        add("district", "district", supply="dh.supply", **{"return": "dh.return"})
        names += ["dh.supply", "dh.return"]
    if store:
        add("store", "stratified_tank", top="dh.supply", bottom="dh.return")
    nodes = [PictureNode(name=name, medium="water") for name in names]
    nodes += [PictureNode(name=f"hall.air.{h}", kind="heat") for h in range(1, halls + 1)]
    return Picture(components=c, nodes=nodes)
