"""The small loops that live in the machines themselves: PI with anti-windup, actuators with a stroke time.

Anti-windup by back-calculation: the integral is drawn to where the clipped command is reached. Source: K. J. Åström,
T. Hägglund, Advanced PID Control (ISA, 2006), section 3.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from plant_models.mathx import clip, tanh


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
