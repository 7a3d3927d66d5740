"""Plants and runs that the tests of inputs share."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from twin.inputs.context import Context, PlantFacts

START = datetime(2024, 1, 15, tzinfo=UTC)
SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"


def plant(cdus=4, district="district", nominal=1e6):
    names = tuple(f"cdu.{number:02d}" for number in range(1, cdus + 1))
    return PlantFacts(names, dict.fromkeys(names, nominal), district, 75 * 3.6e12)


def run(folder=None, *, start=START, days=2.0, seed=1, cdus=4, district="district", before=86400.0, after=86400.0):
    return Context(start, start + timedelta(days=days), seed, plant(cdus, district), folder, before, after)
