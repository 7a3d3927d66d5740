"""The small loops that live in the machines themselves: PI with anti-windup, actuators with a stroke time, switches.

A stroke moves at full speed and settles within its last 5 %; a lag has no end; a switch has hysteresis and runs, and
stands, for its least times.

Anti-windup by back-calculation: the integral is drawn to where the clipped command is reached. Source: K. J. Åström,
T. Hägglund, Advanced PID Control (ISA, 2006), section 3.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from plant_models.mathx import clip, tanh
from plant_models.smooth import smoothstep

CLOCK_END = 0.02
"""share of a switch's least times over which its clock comes to rest: by so much it may switch early"""


@dataclass(frozen=True, slots=True)
class Pi:
    """u = clip(gain * e + integral), with e in any unit and u in 0..1 or its own bounds.

    ``gain`` (1 per unit of e), ``reset`` (s) is the integral time.
    """

    gain: float
    reset: float
    lower: float = 0.0
    upper: float = 1.0

    def command(self, error: Any, integral: Any) -> Any:
        """The clipped command."""
        return clip(self.gain * error + integral, self.lower, self.upper)

    def rate(self, error: Any, integral: Any) -> Any:
        """d integral / dt, 1/s."""
        wanted = self.gain * error + integral
        excess = wanted - clip(wanted, self.lower, self.upper)
        return (self.gain * error - excess) / self.reset


def stroke_rate(command: Any, position: Any, stroke: float) -> Any:
    """Rate of an actuator (1/s) that follows its command and needs ``stroke`` seconds from end to end.

    Full speed where it is far off, smooth within about 5 % of the way: tanh(20 (command - position))/stroke.
    """
    return tanh(20.0 * (command - position)) / stroke


def lag_rate(target: Any, value: Any, time_constant: float) -> Any:
    """First-order lag, unit of ``value`` per second."""
    return (target - value) / time_constant


@dataclass(frozen=True, slots=True)
class Switch:
    """On above ``on``, off below ``off`` (both in the unit of what is measured), never for less than its least times.

    Two states, both 0..1: ``y``, whether it is on, and ``clock``, which runs up to 1 within ``run_min`` seconds while
    it is on and back to 0 within ``stop_min`` seconds while it is off. It may stop when the clock is up and start when
    the clock is back. All is smooth, so that Newton's method passes: y follows within a few times ``delay`` (s), and
    both levels are rounded over ``width``, the share of the band between them by which a level may be passed before it
    switches. Where ``off`` is above ``on``, it is on below and off above: for cooling turned to heating.
    """

    on: float
    off: float
    run_min: float
    stop_min: float
    delay: float = 10.0
    width: float = 0.05

    def __post_init__(self) -> None:
        if self.on == self.off:
            raise ValueError(f"a switch needs two levels, found on = off = {self.on:g}")
        if min(self.run_min, self.stop_min, self.delay, self.width) <= 0.0 or self.width > 0.25:
            raise ValueError("a switch needs run_min, stop_min and delay above 0 s, and a width above 0 up to 0.25")

    def rates(self, measured: Any, y: Any, clock: Any) -> tuple[Any, Any]:
        """d y / dt and d clock / dt, 1/s."""
        level = (measured - self.off) / (self.on - self.off)  # 0 where it goes off, 1 where it goes on
        start, stay = smoothstep((level - 1.0) / self.width), smoothstep(level / self.width + 1.0)
        may_start, may_stop = smoothstep(1.0 - clock / CLOCK_END), smoothstep((clock - 1.0) / CLOCK_END + 1.0)
        running = smoothstep(4.0 * y - 1.5)
        wanted = running * (1.0 - may_stop * (1.0 - stay)) + (1.0 - running) * may_start * start
        up, back = tanh((1.0 - clock) / CLOCK_END) / self.run_min, tanh(clock / CLOCK_END) / self.stop_min
        return (wanted - y) / self.delay, running * up - (1.0 - running) * back
