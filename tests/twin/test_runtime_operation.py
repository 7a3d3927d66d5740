"""The loop under operators, interlocks, modes, budgets and restarts, on emulated equipment over real sockets."""

import asyncio
import math
import time
from itertools import pairwise

import pytest

from controllers.envelope import Correction
from controllers.interface import Decision
from hil.binding import bind
from hil.registers.schema import RegisterMap, Table
from hil.sample import Sample
from tests.hil import toy_plant as toy
from tests.twin.test_runtime import START, Follower, Guard, rig, within
from twin.journal import Journal
from twin.operation.commissioning import CheckFinding
from twin.operation.mode import Mode
from twin.operation.writes import WritePolicy, policy_of

RATE = 0.01
"""1/s, of the pump"""


class Interlocked(Guard):
    """Never lets the pump below ``floor``."""

    floor = 0.0

    def check(self, setpoints, measurements, free=()):
        asked = setpoints["pump.y"]
        super().check(setpoints, measurements)
        if asked >= self.floor:
            return []
        self.targets["pump.y"] = self.floor
        return [Correction("pump.y", asked, self.floor, "chips at their limit")]


def slow():
    return Interlocked(rate=RATE)


def order(journal, kind, **body):
    return journal.add_order(time.time(), "anna", kind, body)


def override(journal, value, seconds=600.0, signal="pump.y", reason="flushing"):
    return order(journal, "override", signal=signal, value=value, seconds=seconds, reason=reason)


def y(r):
    return r.emulator.simulator.get("pump.y")


async def steps_of(r, turns, until=None):
    """The pump's speed after each turn."""
    seen = [y(r)]
    for _ in range(turns):
        await r.turn()
        seen.append(y(r))
    return seen


def steepest(seen):
    return max(abs(b - a) for a, b in pairwise(seen))


def test_an_override_goes_before_the_controller_and_ends_by_itself_without_bumps():
    async def main():
        controller = Follower()
        controller.y = 0.8
        async with rig(controller, slow()) as r:
            await r.emulator.start()
            await r.until("running")
            await r.turn(3)
            number = override(r.journal, 0.5, seconds=100.0)
            down = await steps_of(r, 40)
            assert r.journal.outcome(number).done
            assert down[-1] == pytest.approx(0.5, abs=0.005)
            up = await steps_of(r, 40)
            assert up[-1] == pytest.approx(0.8, abs=0.005)
            assert steepest([*down, *up]) <= 2.0 * RATE + 0.006  # a turn's worth, and the deadband
            changes = [(c.change, c.override.signal) for c in r.journal.overrides()]
            assert changes == [("set", "pump.y"), ("expired", "pump.y")]
            written = [w for w in r.journal.writes("pump.y") if w.status == "written" and w.who == "anna"]
            assert {(w.rank, w.why) for w in written} == {("manual", "flushing")}

    within(30, main())


def test_an_interlock_goes_before_a_hand():
    async def main():
        guard = slow()
        async with rig(Follower(), guard) as r:
            await r.emulator.start()
            await r.until("running")
            override(r.journal, 0.4)
            guard.floor = 0.7
            await r.turn(30)
            assert y(r) == pytest.approx(0.7, abs=0.005)
            last = [w for w in r.journal.writes("pump.y") if w.status == "written"][-1]
            assert (last.who, last.rank, last.why) == ("envelope", "interlock", "chips at their limit")
            told = [e.message for e in r.journal.events() if e.source == "envelope"]
            assert len(told) == 1  # once, not at every turn
            guard.floor = 0.0
            await r.turn(30)
            assert y(r) == pytest.approx(0.4, abs=0.005)

    within(30, main())


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"signal": "chiller.y", "value": 0.5}, "no device takes 'chiller.y'"),
        ({"reason": "  "}, "give a reason"),
        ({"seconds": 1e9}, "at most 7 days"),
        ({"value": math.nan}, "is not a set-point"),
    ],
)
def test_an_impossible_override_is_refused_with_its_reason(body, message):
    async def main():
        async with rig(Follower()) as r:
            number = override(r.journal, **{"value": 0.5, **body})
            await r.turn()
            outcome = r.journal.outcome(number)
            assert not outcome.done
            assert message in outcome.message
            assert r.journal.overrides() == []

    within(10, main())


def test_orders_that_make_no_sense_are_answered():
    async def main():
        async with rig(Follower()) as r:
            numbers = {
                "known: override, cancel": order(r.journal, "dance"),
                "lacks 'mode'": order(r.journal, "mode"),
                "unknown mode 'manual'": order(r.journal, "mode", mode="manual"),
                "no override of 'pump.y' to cancel; in force: none": order(r.journal, "cancel", signal="pump.y"),
                "min ago, when no loop ran": r.journal.add_order(time.time() - 3600.0, "anna", "mode", {"mode": "off"}),
            }
            await r.turn()
            for message, number in numbers.items():
                assert message in r.journal.outcome(number).message
            assert r.runtime.mode is Mode.AUTO

    within(10, main())


def test_modes_change_without_a_bump_and_only_what_they_allow_is_written():
    async def main():
        controller = Follower()
        controller.y = 0.4
        async with rig(controller, slow(), mode="shadow") as r:
            await r.emulator.start()
            await r.until("running")
            await r.turn(30)
            assert y(r) == pytest.approx(0.8)
            order(r.journal, "mode", mode="advisory", reason="trial")
            await r.turn(5)
            assert y(r) == pytest.approx(0.8)
            assert r.journal.writes("pump.y")[-1].status == "advised"
            override(r.journal, 0.75)
            await r.turn(10)
            assert y(r) == pytest.approx(0.75, abs=0.005)
            assert r.emulator.simulator.get("cooler.T_set") == pytest.approx(303.15)  # nobody's hand is on it
            order(r.journal, "cancel", signal="pump.y")
            order(r.journal, "mode", mode="auto")
            seen = await steps_of(r, 40)
            assert steepest(seen) <= 2.0 * RATE + 0.006
            assert seen[-1] == pytest.approx(0.4, abs=0.005)
            order(r.journal, "mode", mode="off")
            await r.turn()
            decisions, writes = r.runtime.counts.decisions, len(r.journal.writes())
            await r.turn(8)
            assert (r.runtime.counts.decisions, len(r.journal.writes())) == (decisions, writes)
            assert r.journal.kept("mode")[1] == "off"
            await r.turn(8)
            assert r.emulator.devices["pump"].fallbacks == 1  # left to its own watchdog

    within(40, main())


def test_a_restart_has_the_mode_the_overrides_and_the_alarms_of_before(tmp_path):
    async def main():
        path = tmp_path / "j.sqlite"
        with Journal(path) as journal:
            async with rig(Follower(), journal=journal) as r:
                await r.emulator.start()
                await r.until("running")
                override(journal, 0.5, seconds=300.0)
                order(journal, "mode", mode="advisory")
                order(journal, "acknowledge", alarm="all")
                await r.turn(4)
        with Journal(path) as journal:
            async with rig(Follower(), journal=journal) as r:
                assert r.runtime.mode is Mode.ADVISORY
                await r.emulator.start()
                await r.until("running")
                await r.turn(4)
                assert y(r) == pytest.approx(0.5, abs=0.005)
                assert r.runtime.desk.overrides.in_force()[0].reason == "flushing"

    within(30, main())


def test_a_controller_that_fails_again_and_again_is_replaced_until_it_is_back():
    async def main():
        controller, spare = Follower(), Follower()
        spare.name, spare.y = "sequences", 0.6
        controller.y = 0.9
        async with rig(controller, fallback=spare, misses=2) as r:
            await r.emulator.start()
            await r.until("running")
            await r.turn(2)
            assert y(r) == pytest.approx(0.9)
            assert r.runtime.envelope.free == set()
            good, controller.step = controller.step, lambda *_: 1 / 0
            await r.turn(6)
            assert y(r) == pytest.approx(0.9)  # one miss: nothing changes
            await r.turn(6)
            assert y(r) == pytest.approx(0.6)
            last = [w for w in r.journal.writes("pump.y") if w.status == "written"][-1]
            assert (last.who, last.rank) == ("sequences", "fallback")
            assert r.runtime.envelope.free == {"pump.y", "cooler.T_set"}  # it need not keep 5 K in 15 min
            controller.step = good
            await r.turn(6)
            assert y(r) == pytest.approx(0.9)
            assert "controller" not in r.runtime.alarms

    within(30, main())


def test_a_set_point_of_no_number_leaves_the_last_one():
    async def main():
        controller = Follower()
        controller.y = 0.6
        async with rig(controller) as r:
            await r.emulator.start()
            await r.until("running")
            await r.turn(2)
            controller.y = math.nan
            await r.turn(6)
            assert "wants no number for pump.y" in r.runtime.alarms["controller.value"]
            assert y(r) == pytest.approx(0.6)

    within(20, main())


def test_a_memory_that_wears_gets_its_refreshes_and_few_changes():
    async def main():
        controller = Follower(interval=2.0)
        policies = {"pump.y": WritePolicy(0.2, 1.0, refresh=8.0, budget=1 / 7.0, deadband=0.005)}
        async with rig(controller, policies=policies) as r:
            await r.emulator.start()
            await r.until("running")
            for turn in range(250):
                controller.y = 0.5 + 0.2 * (turn % 2)
                await r.turn()
            assert r.emulator.devices["pump"].fallbacks == 0  # its watchdog was fed all the time
            out = [w for w in r.journal.writes("pump.y") if w.went_out]
            elapsed = out[-1].time - out[0].time
            assert len(out) <= 50 + elapsed / 7.0 + 1
            assert "bears no more writes now" in r.runtime.alarms["budget.pump.y"]
            kept = [w for w in r.journal.writes("pump.y") if w.status == "suppressed"]
            assert "write budget" in {w.message for w in kept}
            assert r.runtime.counts.suppressed >= len(kept) > 0

    within(40, main())


def careful_devices(port):
    """The pump's map states how fast and how often it may be written, and the cooler's flow is read once a minute."""
    y = {**toy.PUMP_MAP["points"]["y"], "rate_limit": "1 percent/s", "write_interval": "5 s"}
    pump_map = {**toy.PUMP_MAP, "points": {**toy.PUMP_MAP["points"], "y": y}}
    heat = {**toy.COOLER_MAP["points"]["Q_flow"], "poll": "slow"}
    cooler_map = {
        **toy.COOLER_MAP, "poll": {"slow": "60 s"}, "points": {**toy.COOLER_MAP["points"], "Q_flow": heat},
    }  # fmt: skip
    return tuple(
        bind(bound.device, toy.VOCABULARY, RegisterMap.model_validate(spec, context={"require_units": True}))
        for bound, spec in zip(toy.devices(port), (pump_map, cooler_map), strict=True)
    )


def test_rate_and_least_interval_of_the_register_map_are_kept():
    """The emulated pump answers "busy" to a change that comes too soon."""

    async def main():
        controller = Follower(interval=2.0)
        policies = {s: policy_of(p) for bound in careful_devices(1) for s, p in bound.writable.items()}
        async with rig(controller, devices=careful_devices, policies=policies) as r:
            await r.emulator.start()
            await r.until("running")
            for turn in range(60):
                controller.y = 0.9 if turn // 20 % 2 else 0.4
                await r.turn()
            out = [w for w in r.journal.writes("pump.y") if w.went_out]
            assert len(out) > 8
            for first, second in pairwise(out):
                if second.status == "written":
                    assert second.time - first.time >= 5.0
                    assert abs(second.new - first.new) <= 0.01 * (second.time - first.time) + 1e-9
            assert {w.status for w in r.journal.writes("pump.y")} <= {"written", "refreshed", "suppressed"}
            assert "least write interval" in {w.message for w in r.journal.writes("pump.y")}
            assert r.emulator.devices["pump"].refused == 0
            assert r.emulator.devices["pump"].fallbacks == 0

    within(40, main())


def late_devices(port):
    """The cooler shows within 15 s what it was given."""
    T_set = {**toy.COOLER_MAP["points"]["T_set"], "settle": "15 s", "deadband": "0.1 K"}
    cooler = {**toy.COOLER_MAP, "points": {**toy.COOLER_MAP["points"], "T_set": T_set}}
    pump, other = toy.devices(port)
    return pump, bind(other.device, toy.VOCABULARY, RegisterMap.model_validate(cooler, context={"require_units": True}))


class Wanderer(Follower):
    """Moves the cooler's set-point, by ``rate`` more often than it settles, from ``T``."""

    T, rate = 300.15, 0.0

    def step(self, time, measurements, forecast):
        decision = super().step(time, measurements, forecast)
        return Decision({**decision.setpoints, "cooler.T_set": self.T + self.rate * (time - START)}, self.name)


@pytest.mark.parametrize("rate", [0.0, 0.02])
def test_a_slow_setpoint_that_is_not_taken_is_an_alarm_until_it_is(rate):
    async def main():
        controller = Wanderer(interval=4.0)
        controller.rate = rate
        async with rig(controller, devices=late_devices) as r:
            await r.emulator.start()
            await r.until("running")
            await r.turn(20)
            assert r.runtime.alarms == {}
            cooler, alarm = r.emulator.devices["cooler"], "write.cooler.T_set"
            cooler._take, take = (lambda item: False), cooler._take
            controller.T += 2.0
            for _ in range(25):
                await r.turn()
                if alarm in r.runtime.alarms:
                    break
            assert r.runtime.alarms[alarm].startswith("mismatch: wrote ")
            for _ in range(20):  # that it is written again is no proof
                await r.turn()
                assert alarm in r.runtime.alarms
            told = [w for w in r.journal.writes("cooler.T_set") if w.status == "mismatch"]
            assert [w.who for w in told] == ["equipment"]
            cooler._take = take
            for _ in range(25):
                await r.turn()
            assert alarm not in r.runtime.alarms
            assert len([e for e in r.journal.events() if e.source == alarm]) == 2

    within(40, main())


REMOTE = 20


def local_or_remote(port, restart=None):
    """The pump is delivered in local operation; ``restart`` is what shows that it has restarted."""
    remote = {"address": REMOTE, "table": "holding", "type": "uint16", "access": "rw", "kind": "setting"}
    pump_map = {
        **toy.PUMP_MAP, "permissions": {"remote": 1}, "watchdog": {"timeout": "1 h"},
        "points": {**toy.PUMP_MAP["points"], "remote": remote},
    }  # fmt: skip
    if restart is not None:
        pump_map["restart"] = restart
        signs = {
            "up": {"address": REMOTE + 1, "table": "holding", "type": "uint32", "unit": "s"},
            "starts": {"address": REMOTE + 3, "table": "holding", "type": "uint16"},
        }
        pump_map["points"] |= {name: point for name, point in signs.items() if name in restart.values()}
    pump, cooler = toy.devices(port)
    spec = RegisterMap.model_validate(pump_map, context={"require_units": True})
    return bind(pump.device, toy.VOCABULARY, spec), cooler


def test_local_operation_is_an_alarm_and_stays_until_the_loop_is_told_to_take_over():
    async def main():
        async with rig(Follower(), devices=local_or_remote, beating=True) as r:
            await r.emulator.start()
            await r.until("running")
            await r.turn(20)
            pump = r.emulator.devices["pump"]
            assert pump.permitted
            assert "heartbeat.pump" not in r.runtime.alarms
            pump.write(Table.HOLDING, REMOTE, [0])  # somebody at the pump
            await r.turn(20)
            assert "local operation" in r.runtime.alarms["heartbeat.pump"]
            await r.stop_plant()
            await r.until("holding", plant=False)
            await r.emulator.start()
            await r.until("running")  # a gap is no take-over
            await r.turn(20)
            assert not pump.permitted
            order(r.journal, "mode", mode="off")
            await r.turn(2)
            order(r.journal, "mode", mode="auto")
            await r.turn(20)
            assert pump.permitted
            assert "heartbeat.pump" not in r.runtime.alarms
            assert not pump.fallen_back

    within(40, main())


@pytest.mark.parametrize("sign", [{"uptime": "up"}, {"count": "starts"}, {"safe_values": True}])
def test_a_restart_between_two_scans_is_no_local_operation_and_what_it_took_is_given_again(sign):
    async def main():
        devices = lambda port: local_or_remote(port, sign)  # noqa: E731
        controller = Follower()
        controller.y = 0.5
        async with rig(controller, slow(), devices=devices, beating=True) as r:
            await r.emulator.start()
            await r.until("running")
            pump = r.emulator.devices["pump"]
            while y(r) > 0.5:
                await r.turn()
            await r.turn(20)  # past the next look at permissions
            pump.restart()
            assert not pump.permitted
            seen = [y(r)]
            for _ in range(60):
                await r.turn()
                seen.append(y(r))
                assert not [name for name in r.runtime.alarms if name.startswith(("heartbeat", "write"))]
            assert pump.permitted
            assert seen[1] == pytest.approx(0.9)  # its safe value, and from there at its own rate
            assert steepest(seen[1:]) <= 2.0 * RATE + 1e-9
            assert seen[-1] == pytest.approx(0.5, abs=0.006)
            events = [e.message for e in r.journal.events() if e.source == "device.pump" and e.kind == "info"]
            assert events == ["it has restarted: its permissions and set-points are given anew"]
            pump.write(Table.HOLDING, REMOTE, [0])  # somebody at the pump: that is another matter
            await r.turn(20)
            assert "local operation; it is left so" in r.runtime.alarms["heartbeat.pump"]
            pump.restart()  # it was theirs, and still is
            await r.turn(20)
            assert not pump.permitted

    within(40, main())


def test_without_a_sign_a_restart_looks_like_local_operation():
    async def main():
        async with rig(Follower(), devices=local_or_remote, beating=True) as r:
            await r.emulator.start()
            await r.until("running")
            await r.turn(20)
            pump = r.emulator.devices["pump"]
            pump.restart()
            await r.turn(20)
            assert "local operation, or a restart; it is left so" in r.runtime.alarms["heartbeat.pump"]
            assert not pump.permitted

    within(40, main())


def test_what_is_read_once_a_minute_is_not_missing_in_between():
    async def main():
        controller = Follower(interval=2.0)
        async with rig(controller, devices=careful_devices, grace=5.0) as r:
            await r.emulator.start()
            await r.until("running")
            before = r.runtime.counts.bad_scans  # those before the plant was there
            await r.turn(60)
            assert r.runtime.state == "running"
            assert all("cooler.Q_flow" in measurements for _, measurements, _ in controller.seen[1:])
            times = {round(time) for time, _, _ in controller.seen}
            assert len(times) > 50
            assert r.runtime.counts.bad_scans == before

    within(40, main())


def test_small_changes_are_kept_at_home_and_journaled_once():
    async def main():
        controller = Follower()
        controller.y = 0.6
        async with rig(controller) as r:
            await r.emulator.start()
            await r.until("running")
            await r.turn(2)
            controller.y = 0.603  # the pump's deadband is 0.005
            await r.turn(12)
            kept = [w for w in r.journal.writes("pump.y") if w.status == "suppressed"]
            assert [(w.new, w.message) for w in kept] == [(0.603, "deadband")]
            written = [w.new for w in r.journal.writes("pump.y") if w.status == "written"]
            assert written == [0.6]  # 0.603 went along with the next refresh

    within(20, main())


def test_nothing_is_written_before_the_check_is_passed():
    async def main():
        wrong = [CheckFinding("pump", "identity", "fail", "reads 7, expected 3")]

        async def check(samples):
            assert all(isinstance(sample, Sample) for sample in samples.values())
            return wrong

        async with rig(Follower(), commission=check) as r:
            await r.emulator.start()
            for _ in range(20):
                await asyncio.sleep(0.01)
                await r.turn(2)
            assert r.runtime.state == "waiting"
            assert "pump: identity: reads 7, expected 3" in r.runtime.alarms["commissioning"]
            assert r.journal.writes() == []
            wrong.clear()
            await r.turn(20)
            assert r.runtime.state == "running"
            assert "commissioning" not in r.runtime.alarms
            assert r.journal.writes() != []

    within(30, main())


def test_a_controller_goes_on_from_its_state_if_that_is_fresh():
    class Counting(Follower):
        steps = 0

        def step(self, *arguments):
            self.steps += 1
            return super().step(*arguments)

        def snapshot(self):
            return {"steps": self.steps}

        def restore(self, snapshot):
            self.steps = snapshot["steps"]

    async def main():
        with Journal(":memory:") as journal:
            async with rig(Counting(), journal=journal) as r:
                await r.emulator.start()
                await r.until("running")
                await r.turn(8)
                before = r.runtime.controller.steps
                assert before >= 2
            async with rig(Counting(), journal=journal, start=START + 60.0) as r:
                await r.emulator.start()
                await r.until("running")
                await r.turn()
                assert r.runtime.controller.steps > before

    within(30, main())


def test_what_somebody_else_changed_while_the_loop_was_away_is_found_and_not_jumped_from():
    async def main():
        controller = Follower()
        controller.y = 0.5
        with Journal(":memory:") as journal:
            async with rig(controller, slow(), journal=journal) as r:
                await r.emulator.start()
                await r.until("running")
                await r.turn(40)
            async with rig(controller, slow(), journal=journal) as r:  # the plant is at 0.8 again
                await r.emulator.start()
                await r.until("running")
                seen = await steps_of(r, 20)
                assert steepest([0.8, *seen]) <= 2.0 * RATE + 0.006
                found = [w for w in journal.writes("pump.y") if w.status == "found"]
                assert [(w.who, w.old, w.new) for w in found] == [
                    ("equipment", pytest.approx(0.5, abs=0.005), pytest.approx(0.8))
                ]

    within(30, main())


def test_a_decision_of_nothing_keeps_what_is_there_alive():
    class Idle(Follower):
        def step(self, *arguments):
            return Decision({}, self.name)

    async def main():
        async with rig(Idle()) as r:
            await r.emulator.start()
            await r.until("running")
            await r.turn(30)
            assert y(r) == pytest.approx(0.8)
            assert [d.fallbacks for d in r.emulator.devices.values()] == [0, 0]
            assert r.journal.writes("pump.y")[0].rank == "default"

    within(20, main())
