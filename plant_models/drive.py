"""Electricity of a variable-speed drive: motor and frequency converter, from the shaft power that the machine takes.

    P_el = P_shaft + P_rated (1/eta - 1) (0.49 n + 0.51 (P_shaft/P_rated)^2/n)         n drives that share P_shaft

At rated load the stated efficiency is met; below it about half of the losses stay: magnetising current, control,
switching and ventilation while a drive runs at all, however slowly. The rest grows with the square of the load. The
power is monotone and convex in shaft power and never below it.

Sources: converters, U.S. Department of Energy, Motor Systems Tip Sheet 11 (2012), table 1; motors, Washington State
Energy Office, Energy-Efficient Electric Motor Selection Handbook (1993), part-load curves relative to full load. The
two shares are a least-squares fit to the losses of their product for 15..150 kW (20..200 hp) at 1.6..100 % of load,
within 0.03 of the efficiency from 25 % of load on (63 % of speed of a pump or fan), 0.1 at 12.5 % (50 % of speed), and
0.13 at 1.6 % (25 % of speed), where the efficiency is 0.15..0.4. Smaller drives keep more of their losses, larger ones
less. M. A. Bernier, B. Bourret, Pumping energy and variable frequency drives, ASHRAE Journal 41(12), 1999, give more
losses below a quarter of the load than these tables.

A drive has a lowest speed: pumps about 0.3 (cooling of the motor, bearings), fans 0.2..0.25 (EVAPCO: 25 % for
towers). What needs less runs fewer machines at that speed, or the same ones a share of the time: :func:`staged`.
"""

from __future__ import annotations

from typing import Any

from plant_models.smooth import at_least

FIXED, QUADRATIC = 0.49, 0.51
"""shares of the losses at rated load"""
RUNNING_SMALL = 0.01
"""drives: fewer than this share a load as if they were as many"""
SPEED_WIDTH = 0.05
"""speed over which the lowest one is rounded off"""


def electric_power(P_shaft: Any, P_rated: float, eta: float, running: Any = 1.0) -> Any:
    """Electric power, W, of ``running`` equal drives (any real number >= 0) that give ``P_shaft`` (W) all together.

    ``P_rated`` (W, > 0) is the shaft power of one at full load and speed, ``eta`` (0..1) the efficiency of motor and
    converter there. A drive that is off takes nothing.
    """
    loss = 1.0 / eta - 1.0
    share = at_least(running, RUNNING_SMALL, 0.2 * RUNNING_SMALL)
    return P_shaft + loss * (FIXED * P_rated * running + QUADRATIC * P_shaft * P_shaft / (P_rated * share))


def staged(y: Any, y_min: float) -> tuple[Any, Any]:
    """Share of the machines that run and their speed, where all of them running would need the speed y (0..1).

    All at y from the lowest speed ``y_min`` (0..1, > 0) on; below it fewer at y_min: share times speed is always y.
    """
    speed = at_least(y, y_min, SPEED_WIDTH)
    return y / speed, speed
