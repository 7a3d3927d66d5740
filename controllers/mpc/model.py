"""The MPC's model of a plant: quasi-steady, one bank a job, built from the machines' own equations.

The facility loop settles within minutes and the chips within one, so on stages of a quarter of an hour and longer they
are algebraic; what is slow is the store. All busy CDUs are one (``n_busy`` of ``P_busy``), and beside it stands the
hottest, under the load that it must bear without a new decision. Two balances are left implicit, as equations between
the optimiser's variables (flows, not valve positions), because that keeps the rest explicit and smooth:

    exchange(m, y) (T_return - T_supply) = heat of the racks and of their pump       for the busy and the hottest CDU
    heat to be rejected <= what the coolers can at this fan speed and spray          less: their bypass opens

``f_*`` are the estimator's corrections. Everything works on floats, NumPy arrays and CasADi symbols.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from controllers.mpc.design import Design
from plant_models import drive, heat_transfer, hydraulics
from plant_models.components.dry_cooler import DryCooler
from plant_models.mathx import maximum, softplus
from plant_models.smooth import at_least, at_most

PUMP_SHARE, PUMPS_WIDTH = 0.875, 0.1
"""of its nominal flow a running facility pump gives: middle of the band of their staging; its rounding, pumps"""
T_PROPERTIES = 303.15
"""K, at which the facility water's heat capacity and density are taken"""
CAPACITY_PASSES = 3
"""each leaves a quarter of the error in the source's outlet temperature"""
DIRECT_WIDTH = 0.3
"""K, over which the direct exchanger's driving difference is rounded off at zero"""


@dataclass(frozen=True)
class Chips:
    """A CDU's racks at steady state."""

    P_total: Any
    """IT electric power with leakage, W"""
    Q_flow: Any
    """heat into the technology water, pump included, W"""
    T_return: Any
    T_gpu: Any
    """hottest junction of the CDU's hottest rack, K, unthrottled"""
    P_pump: Any
    """electricity of the CDU's pumps, W"""


@dataclass(frozen=True)
class Rejection:
    """What coolers can do."""

    Q_flow: Any
    """largest heat to the air at this fan speed, W"""
    P_el: Any
    m_water: Any
    """evaporated and bled, kg/s"""


@dataclass(frozen=True)
class Air:
    """The halls' air side: coils and trim chillers."""

    Q_flow: Any
    """heat that the coils must take, W"""
    Q_coils: Any
    """heat that the coils can take at their fan speed, W"""
    Q_condensers: Any
    m_condensers: Any
    P_el: Any


@dataclass(frozen=True)
class Heat:
    """Heat pumps and the direct exchanger."""

    P_el: Any
    Q_source: Any
    """taken from the facility water, W"""
    Q_sink: Any
    """that the heat pumps give, W"""
    Q_direct: Any
    cop: Any
    T_source_out: Any


class ReducedPlant:
    """Functions of a :class:`Design`; dampers of dry coolers leak ``damper_leakage`` (0..1) at least."""

    def __init__(self, design: Design, damper_leakage: float = 0.0) -> None:
        self.design = design
        fws = design.cdus.machine.fws
        self.cp = float(fws.cp(T_PROPERTIES))
        self.rho = float(fws.rho(T_PROPERTIES))
        cooler = design.coolers.machine
        if isinstance(cooler, DryCooler):
            cooler = cooler.model_copy(update={"damper_leakage": max(cooler.damper_leakage, damper_leakage)})
        self._cooler = cooler

    # --- CDU and chips -------------------------------------------------------------------------------------------

    def chips(self, P_it: Any, T_supply: Any, y: Any) -> Chips:
        """Steady racks of one CDU of the IT power ``P_it`` (W, at reference temperature), its supply and pump speed."""
        cdu = self.design.cdus.machine
        rack = cdu.rack
        m_tcs = y * cdu.m_flow_tcs_nominal
        plates = cdu.plates(m_tcs, T_supply)
        P_mean = P_it / cdu.racks
        P_total = cdu.racks * rack.power(P_mean, rack.settled_case(P_mean, T_supply, plates[0]))
        P_shaft = cdu.P_shaft_pump(y)
        Q_flow = rack.liquid_fraction * P_total + P_shaft
        return Chips(
            P_total, Q_flow, T_supply + Q_flow / (m_tcs * cdu.tcs.cp(T_supply + 4.0)),
            cdu.settled_hottest(P_mean * (1.0 + cdu.load_spread), T_supply, plates), cdu.P_el_pump(y),
        )  # fmt: skip

    def exchange(self, m_ratio: Any, y: Any, f_exchange: Any) -> Any:
        """Conductance of a CDU's plate exchanger between its inlets, W/K."""
        cdu = self.design.cdus.machine
        UA = f_exchange * heat_transfer.two_sided(cdu.UA_nominal, m_ratio, y)
        C_tcs = y * cdu.m_flow_tcs_nominal * float(cdu.tcs.cp(cdu.T_supply_design + 4.0))
        return heat_transfer.counter_flow(UA, m_ratio * cdu.m_flow_fws_nominal * self.cp, C_tcs)

    def valve_flow(self, dp: Any, opening: float) -> Any:
        """A CDU's facility flow over nominal at a pressure difference (Pa) and an opening of its valve."""
        cdu = self.design.cdus.machine
        return cdu.facility_flow(dp, opening) / cdu.m_flow_fws_nominal

    def branch_dp(self, dp_header: Any, m_flow: Any, f_line: Any) -> Any:
        """Pressure difference at the CDUs, Pa, of that between the headers."""
        return dp_header - f_line * self.design.line * m_flow * m_flow

    # --- facility pumps and coolers --------------------------------------------------------------------------------

    def pumping(self, m_flow: Any, dp_header: Any) -> Any:
        """Shaft power of all facility pumps, W, at their nominal efficiency: staging keeps them near it."""
        pump = self.design.pumps.machine
        head = dp_header + self.design.rest * m_flow * m_flow
        return m_flow * head / (self.rho * pump.eta_nominal)

    def pump_electricity(self, P_shaft: Any, m_flow: Any) -> Any:
        """Electricity of all facility pumps, W, that give ``P_shaft`` (W) at ``m_flow`` (kg/s), staged by flow, in
        series by power."""
        pump = self.design.pumps.machine
        of, one = (P_shaft, pump.P_shaft_nominal) if pump.arrangement == "series" else (m_flow, pump.m_flow_nominal)
        needed = at_least(of / (PUMP_SHARE * one), 1.0, PUMPS_WIDTH)
        running = at_most(needed, float(self.design.pumps.count * pump.n_pumps), PUMPS_WIDTH)
        return drive.electric_power(P_shaft, pump.P_shaft_nominal, pump.eta_motor, running)

    def rejection(self, m_flow: Any, T_warm: Any, fan: Any, spray: Any, weather: tuple[Any, Any, Any],
                  f_cooler: Any) -> Rejection:  # fmt: skip
        """All coolers at a fan speed, fed with ``m_flow`` (kg/s) at ``T_warm``: the machine's own equations."""
        coolers = self.design.coolers
        machine, count = self._cooler, coolers.count
        dp_small = 1e-3 * machine.dp_nominal
        k = hydraulics.coefficient(machine.m_flow_nominal, machine.dp_nominal, dp_small)
        dp = hydraulics.pressure_drop(m_flow / count, k, dp_small)
        v = dict(machine.defaults()) | {
            "inlet.p": dp, "outlet.p": 0.0, "inlet.T": T_warm, "outlet.T": T_warm, "y_fan": fan, "bypass": 0.0,
            "spray": spray, "weather.T_dry": weather[0], "weather.T_wet": weather[1], "weather.p": weather[2],
            "fouling": 1.0 - f_cooler,
        }  # fmt: skip
        out = machine.equations(v).outputs
        water = out["m_flow_evaporated"] + out["m_flow_bled"]
        return Rejection(-count * out["Q_flow"], count * out["P_el"], count * water)

    # --- air side ---------------------------------------------------------------------------------------------------

    def air(self, Q_room: Any, T_chw: Any, excess: Any, fan: Any, T_supply: Any, dp: Any,
            f_chiller: Any) -> Air | None:  # fmt: skip
        """Coils and chillers that take ``Q_room`` (W, of the racks) at a chilled water temperature and a fan speed.

        ``excess`` (K): the rooms above their set-point.
        """
        chillers, handlers = self.design.chillers, self.design.air_handlers
        if chillers is None or handlers is None:
            return None
        coil, chiller = handlers.machine, chillers.machine
        dp_small = 1e-3 * coil.dp_nominal
        k = hydraulics.coefficient(coil.m_flow_nominal, coil.dp_nominal, dp_small)
        m_chw = chillers.count * chiller.m_flow_chw / handlers.count
        v = dict(coil.defaults()) | {
            "inlet.p": float(hydraulics.pressure_drop(m_chw, k, dp_small)), "outlet.p": 0.0, "inlet.T": T_chw,
            "outlet.T": T_chw, "room.T": coil.T_room_design + excess, "y_fan": fan,
        }  # fmt: skip
        out = coil.equations(v).outputs
        P_fans = handlers.count * out["P_el"]
        Q_air = Q_room + P_fans
        Q_evaporators = Q_air + chillers.count * chiller.P_pump
        nominal_load = Q_evaporators / (chillers.count * chiller.Q_flow_nominal)
        m_condenser = chiller.condenser_flow(dp, nominal_load)  # the valve's opening follows the load
        rejected = 1.0 + (1.0 - chiller.drive_loss) / chiller.COP_nominal
        T_condenser = T_supply + rejected * Q_evaporators / (chillers.count * m_condenser * self.cp)
        y = nominal_load / chiller.capacity(T_chw, T_condenser, T_supply)
        P_compressors = Q_evaporators / chiller.cop(T_chw, T_condenser, y, T_supply) * f_chiller
        return Air(
            Q_air, handlers.count * out["Q_flow"], Q_evaporators + (1.0 - chiller.drive_loss) * P_compressors,
            chillers.count * m_condenser, P_compressors + chillers.count * chiller.P_pump + P_fans,
        )  # fmt: skip

    # --- heat ---------------------------------------------------------------------------------------------------------

    def heat(self, share: Any, n_on: Any, direct: Any, T_return: Any, T_sink: Any, T_network: Any,
             f_cop: Any) -> Heat | None:  # fmt: skip
        """Heat pumps at ``share`` of all machines' full load, carried by ``n_on`` of them, and the direct exchanger.

        The source's outlet temperature is taken at the nominal COP: it enters the COP's lift by a kelvin at most.
        """
        pumps = self.design.heat_pumps
        if pumps is None:
            return None
        machine = pumps.machine
        n = maximum(n_on, 1.0)
        load = share * pumps.count / n
        source_share = 1.0 - (1.0 - machine.drive_loss) / machine.COP_nominal
        m_share = at_least(load, machine.source_share_min, 0.01) if machine.source_flow == "proportional" else 1.0
        drop = source_share * machine.Q_flow_sink_nominal * load / (m_share * machine.m_flow_source_nominal * self.cp)
        T_source_out = T_return - drop
        for _ in range(CAPACITY_PASSES):  # capacity and temperature settle on each other
            T_source_out = T_return - drop * machine.capacity(T_source_out)
        cop = f_cop * machine.cop(T_source_out, T_sink, load, T_return, T_network)
        Q_sink = n * load * machine.capacity(T_source_out) * machine.Q_flow_sink_nominal
        P_compressors = Q_sink / cop
        P_circulation = n * load * load * load * self._circulation
        Q_direct, P_direct = self._direct(direct, T_return, T_network)
        return Heat(
            P_compressors + P_circulation + P_direct, Q_sink - (1.0 - machine.drive_loss) * P_compressors + Q_direct,
            Q_sink, Q_direct, cop, T_source_out,
        )  # fmt: skip

    @property
    def _circulation(self) -> float:
        """Electricity of a heat pump's two circulation pumps at full load, W."""
        assert self.design.heat_pumps is not None
        m = self.design.heat_pumps.machine
        hydraulic = m.m_flow_source_nominal * m.dp_source_nominal + m.m_flow_sink_nominal * m.dp_sink_nominal
        return hydraulic / (self.rho * m.eta_pump) / (1.0 - m.drive_loss)

    def _direct(self, opening: Any, T_return: Any, T_network: Any) -> tuple[Any, Any]:
        """Heat that the direct exchangers give and the electricity of their pumps, W."""
        bank = self.design.exchangers
        if bank is None:
            return 0.0, 0.0
        one, two, UA = bank.machine.primary, bank.machine.secondary, bank.machine.UA_nominal
        full = float(heat_transfer.counter_flow(UA, one.m_flow_nominal * self.cp, two.m_flow_nominal * self.cp))
        driving = softplus(T_return - T_network - bank.machine.dT_on, DIRECT_WIDTH)
        P_pumps = sum(float(s.P_el(s.m_flow_nominal)) for s in (one, two))
        return bank.count * opening * full * driving, bank.count * opening * P_pumps
