from pathlib import Path

import pytest

from hil.registers.check import check_bindings, check_file, check_files
from hil.registers.files import load_map, shipped_maps
from hil.registers.schema import MapError
from tests.hil.test_binding import cooler
from tests.hil.toy_plant import VOCABULARY

AT = "  z: {address: "
HEAD = "id: valve\ndescription: a valve\n"
Y_SET = (
    "  y_set: {address: 0, table: holding, type: uint16, unit: percent, scale: 0.01, access: rw, range: [0, 1],\n"
    "          safe: 0.5, refresh: 40 s, on_lost: hold}\n"
)
LAG = "  lag: {address: 8, table: holding, type: uint16, unit: s}\n"
STORE = "  store: {address: 9, table: holding, type: uint16, enum: {0: volatile, 1: stored}}\n"
GUARD = "watchdog: {timeout: 120 s, settings: {lag: 100 s}}\n"


def written(tmp_path, text) -> Path:
    path = tmp_path / "valve.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", shipped_maps().values(), ids=lambda path: path.stem)
def test_shipped_maps_have_no_finding(path):
    assert check_file(path) == []


def test_shipped_maps_have_ids_of_their_own():
    assert check_files(shipped_maps().values()) == []


def test_a_sound_map_has_no_finding(tmp_path):
    assert check_file(written(tmp_path, HEAD + GUARD + "points:\n" + Y_SET + LAG)) == []


@pytest.mark.parametrize(
    ("text", "line", "message", "advice"),
    [
        (HEAD + "points:\n" + Y_SET + AT + "0, table: holding, type: int16}\n", 6, "z overlaps y_set", "alias_of"),
        (HEAD + "points:\n" + Y_SET + AT + "65534, table: input, type: float64}\n", 6, "beyond 65535", "address"),
        (HEAD + "longest_read: 8\npoints:\n  z: {address: 1, table: input, type: string, count: 9}\n", 5,
         "takes 9 registers, the longest read is 8", "longest_read"),
        (HEAD + "points:\n" + AT + "1, table: input, type: string, count: 126}\n", 4, "less than or equal to 125", ""),
        (HEAD + "forbidden: [[holding, 0, 3]]\npoints:\n" + Y_SET, 5, "forbidden range holding 0..3", "the range"),
        (HEAD + "points:\n" + Y_SET + Y_SET, 6, "'y_set' stands twice", "rename"),
        (HEAD + "points:\n" + Y_SET.replace("0.5", "0.33333"), 4, "lies between two register steps", ""),
        (HEAD + "points:\n" + Y_SET.replace("hold}", "hold, deadband: 0.00001}"), 4, "finer than the register", ""),
        (HEAD + "points:\n" + Y_SET.replace("safe: 0.5, ", "").replace(", on_lost: hold", ""), 4, "a safe value", ""),
        (HEAD + "points:\n" + Y_SET.replace("refresh: 40 s, ", ""), 4, "without a refresh time", "how often"),
        (HEAD + "points:\n" + Y_SET.replace("access: rw", "access: w"), 4, "never read back", "read_back"),
        (HEAD + "watchdog: {timeout: 120 s}\npoints:\n" + Y_SET, 3, "without its parameter points", "always_on"),
        (HEAD + "points:\n  T: {address: 0, table: input, type: int16, unit: kPa}\n", 4, "the name means K", "correct"),
        (HEAD + "points:\n" + Y_SET.replace("hold}", "hold, nonvolatile: true, write_budget: 100000}"), 5,
         "every 40 s, for 0.13 years", "write at most every 3156 s"),
        (HEAD + "points:\n" + AT + "1, tabel: input, type: int16}\n", 4, "tabel: unknown key; did you mean table?", ""),
        (HEAD + "points:\n  z: 3\n", 4, "expected a mapping, found 3", ""),
        (HEAD + "point:\n  z: {address: 1, table: input, type: int16}\n", None, "expected a mapping of names", ""),
        (HEAD.replace("id: valve", "ident: valve") + "points:\n" + Y_SET, 1, "ident: unknown key; did you mean id", ""),
        ("[1, 2", None, "not YAML", "docs"),
    ],
)  # fmt: skip
def test_each_mistake_with_its_line_and_what_to_do(tmp_path, text, line, message, advice):
    found = check_file(written(tmp_path, text))
    (finding,) = [f for f in found if message in f.text]
    assert finding.severity == "error"
    assert finding.line == line
    assert advice in finding.advice
    assert finding.place == (f"{tmp_path}/valve.yaml" if line is None else f"{tmp_path}/valve.yaml:{line}")


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path):
    text = HEAD + "points:\n" + Y_SET + LAG.replace("8", "0") + "  a: {address: 1, table: input}\n  b: {address: x}\n"
    found = check_file(written(tmp_path, text))
    assert [f.line for f in found] == [6, 7, 8, 8, 8]


@pytest.mark.parametrize("required", ["", "settings: {store: stored}\n"])
def test_wear_unless_the_setting_that_does_not_store_is_required(tmp_path, required):
    worn = "hold, nonvolatile: true, write_budget: 100000, volatile_if: {store: volatile}}"
    text = GUARD + "points:\n" + Y_SET.replace("hold}", worn) + LAG + STORE
    assert [f.key for f in check_file(written(tmp_path, HEAD + required + text))] == ["points.y_set.write_budget"]
    assert check_file(written(tmp_path, HEAD + "settings: {store: volatile}\n" + text)) == []


def test_safe_values_that_no_watchdog_brings_are_a_warning(tmp_path):
    (finding,) = check_file(written(tmp_path, HEAD + "points:\n" + Y_SET.replace(", on_lost: hold", "")))
    assert finding.severity == "warning"


def test_an_id_twice(tmp_path):
    text = HEAD + GUARD + "points:\n" + Y_SET + LAG
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text(text, encoding="utf-8")
    two.write_text(text, encoding="utf-8")
    (finding,) = check_files([one, two])
    assert (finding.file, finding.line) == (str(two), 1)
    assert "id 'valve' is that of" in finding.text


def test_what_is_an_error_of_the_schema_is_not_loaded_either(tmp_path):
    path = written(tmp_path, HEAD + "points:\n" + Y_SET + "  z: {address: 0, table: holding, type: int16}\n")
    with pytest.raises(MapError, match=r"valve\.yaml:6: z overlaps y_set at holding 0"):
        load_map(path)


def test_a_unit_that_is_not_the_signals(tmp_path):
    path = written(
        tmp_path, HEAD + "partial: true\npoints:\n  warm: {address: 0, table: input, type: int16, unit: bar}\n"
    )
    assert check_file(path) == []
    (finding,) = check_bindings([path], [cooler(map=str(path), signals={"warm": "cooler.T"})], VOCABULARY)
    assert "unit 'bar' is not a unit of 'K'" in finding.text
    assert check_bindings([tmp_path / "other.yaml"], [cooler(map=str(path), signals={"warm": "x"})], VOCABULARY) == []
