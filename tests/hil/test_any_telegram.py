"""Whatever is asked of an emulated machine, in any order: an answer or an exception, and never a wrong set-point."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from hil.binding import bind_all
from hil.emulated_device import EmulatedDevice
from hil.modbus.server import Refusal
from hil.registers.schema import Table
from plant_models.devices import expand
from plant_models.plant import Plant
from plant_models.site import load_site

PLANT = Plant(load_site("bench_loop"))
DEVICES = bind_all(expand(PLANT.site.devices, list(PLANT.components), [n.name for n in PLANT.nodes]), PLANT.vocabulary)
DEFAULTS = {s.name: s.default if math.isfinite(s.default) else 1.0 for s in PLANT.vocabulary.values()}


def places(bound):
    """Addresses in and around the points of a device."""
    there = sorted({a + d for p in bound.map.points for a in p.span for d in (-1, 0, 1) if 0 <= a + d <= 65535})
    return st.sampled_from(there)


@st.composite
def days(draw):
    """A device and what happens to it: telegrams, time that passes, and what its switches feel."""
    bound = draw(st.sampled_from(DEVICES))
    table, address = st.sampled_from(list(Table)), places(bound)
    words = st.lists(st.one_of(st.integers(0, 3), st.integers(0, 65535)), min_size=1, max_size=4)
    told = [(p.table, p.address) for p in bound.map.points if p.writable]
    aimed = st.tuples(st.just("write"), st.sampled_from(told), words) if told else st.nothing()
    event = st.one_of(
        aimed,
        st.tuples(st.just("write"), st.tuples(table, address), words),
        st.tuples(st.just("read"), st.tuples(table, address), st.integers(1, 12)),
        st.tuples(st.just("pass"), st.floats(0.0, 200.0), st.sampled_from((0.0, 1.0, 200.0, 400.0))),
    )
    return bound, draw(st.lists(event, max_size=40))


@settings(deadline=None, max_examples=150)
@given(days())
def test_no_telegram_makes_a_machine_do_what_it_must_not(day):
    bound, events = day
    now = [0.0]
    device = EmulatedDevice(bound, lambda: now[0])
    device.publish({signal: DEFAULTS[signal] for signal in bound.points})
    refused: set[int] = set()
    safe = {s: p.safe for s, p in bound.writable.items()}
    for kind, what, how in events:
        obeyed = device.permitted
        try:
            if kind == "write":
                device.write(*what, [w & 1 for w in how] if what[0].is_bits else how)
            elif kind == "read":
                words = device.read(*what, how)
                assert len(words) == how
                assert all(0 <= w <= (1 if what[0].is_bits else 0xFFFF) for w in words)
            else:
                now[0] += what
                device.live(dict.fromkeys(device.felt, how), what)
        except Refusal as refusal:
            refused.add(refusal.code)
        for signal, value in device.take_setpoints().items():
            point = bound.writable[signal]
            assert obeyed or device.permitted or value == safe[signal]
            assert point.range[0] - point.step <= value <= point.range[1] + point.step
        assert set(device.wired.forced) <= device.wired.forceable
        if bound.map.trips is not None:
            assert set(device.wired.thrown) <= set(bound.trips)
    assert refused <= {2, 3, 4, 6}
