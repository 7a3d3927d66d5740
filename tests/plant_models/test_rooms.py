"""What stands in a room bears the room's highest set-point, or the site is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from plant_models.site import SiteError, list_sites, load_site

ROVALTAIN = list_sites()["rovaltain"]


def written(tmp_path: Path, old: str, new: str) -> Path:
    text = ROVALTAIN.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    path = tmp_path / "halls.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_racks_that_go_off_below_the_rooms_highest_set_point(tmp_path: Path) -> None:
    path = written(tmp_path, "rack: {", "rack: {T_air_throttle: 42 degC, ")
    with pytest.raises(SiteError) as caught:
        load_site(path)
    said = str(caught.value)
    assert "components.cdu: cdu.01: works undisturbed up to 315.15 K in hall.air.1" in said, said
    assert "which air_handler.1 may be set to hold at 318.15 K" in said
    assert "(and 69 more like this)" in said


def test_a_room_that_is_held_cooler_has_such_racks(tmp_path: Path) -> None:
    path = written(tmp_path, "rack: {", "rack: {T_air_throttle: 42 degC, ")
    load_site(path, {"components.air_handler.T_room_highest": "42 degC"})


def test_racks_without_air_mind_no_room(tmp_path: Path) -> None:
    path = written(tmp_path, "rack: {", "rack: {T_air_throttle: 42 degC, ")
    load_site(path, {"components.cdu.rack.liquid_fraction": "1"})
