import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.registers import csv_cells as cells
from hil.registers.check import check_file
from hil.registers.files import load_map
from hil.registers.from_csv import CsvOptions, read_csv, to_yaml
from hil.registers.parts import Table
from hil.registers.schema import MapError

HEAD = "address,name,table,type,unit,scale\n"


def table(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "manual.csv"
    path.write_bytes(text.encode(encoding))
    return path


def imported(tmp_path, text, encoding="utf-8", **options):
    return read_csv(table(tmp_path, text, encoding), CsvOptions(**options)).points


@pytest.mark.parametrize(
    ("row", "options", "expected"),
    [
        ("40001,y,,uint16,%,0.01", {"numbering": "modicon"}, ("holding", 0)),
        ("400101,y,,uint16,%,0.01", {"numbering": "modicon"}, ("holding", 100)),
        ("30011,y,,uint16,%,0.01", {"numbering": "modicon"}, ("input", 10)),
        ("40000,y,,uint16,%,0.01", {"numbering": "modicon", "base": 0}, ("holding", 0)),
        ("10008,y,,,,", {"numbering": "modicon"}, ("discrete", 7)),
        ("00001,y,,,,", {"numbering": "modicon"}, ("coil", 0)),
        ("40001,y,holding,uint16,%,0.01", {}, ("holding", 40001)),
        ("101,y,3/6/16,uint16,%,0.01", {"base": 1}, ("holding", 100)),
        ("0xD010,y,4,uint16,%,0.01", {}, ("input", 0xD010)),
        ("D010h,y,4,uint16,%,0.01", {}, ("input", 0xD010)),
        ("1000,y,4,uint16,%,0.01", {"hexadecimal": True}, ("input", 0x1000)),
        ("7,y,,uint16,%,0.01", {"table": Table.INPUT}, ("input", 7)),
    ],
)
def test_numbering_is_stated_and_never_guessed(tmp_path, row, options, expected):
    (spec,) = imported(tmp_path, HEAD + row + "\n", **options).values()
    assert (spec["table"], spec["address"]) == expected


@pytest.mark.parametrize(
    ("row", "options", "message"),
    [
        (
            "40001,y,input,uint16,%,1",
            {"numbering": "modicon"},
            "is a holding register, the column",
        ),
        ("101,y,,uint16,%,1", {"numbering": "modicon"}, "not numbered as 40001"),
        ("40000,y,,uint16,%,1", {"numbering": "modicon"}, "would be -1 in the telegram; is --base 1 right?"),
        ("0,y,3,uint16,%,1", {"base": 1}, "would be -1"),
        ("D010,y,3,uint16,%,1", {}, "say so with --hex"),
        ("x,y,3,uint16,%,1", {}, "address: 'x' is no address"),
        ("9-3,y,3,uint16,%,1", {}, "ends before it begins"),
        ("1,y,,uint16,%,1", {}, "table: not stated"),
        ("1,y,9,uint16,%,1", {}, "'9' is no table"),
        ("1,y,3,,%,1", {}, "type: not stated"),
        ("1,y,3,int24,%,1", {}, "unknown type 'int24'"),
        ("1,y,3,string,,", {}, "needs a length"),
        ("1-3,y,3,float32,,", {}, "takes 2 registers, the table says 3"),
        ("1,y,3,uint16,coded,1", {}, "unknown unit 'coded'; say what it is with --unit"),
        ("1,y,3,uint16,%,x10^-1", {}, "is no scale"),
        ("1,y,3,uint16,%,0", {}, "a scale of 0"),
        ("1,??,3,uint16,%,1", {}, "has no letters"),
    ],
)
def test_a_row_that_cannot_be_read_is_told_with_its_line(tmp_path, row, options, message):
    with pytest.raises(MapError) as error:
        imported(tmp_path, HEAD + "5,good,3,uint16,%,1\n" + row + "\n", **options)
    lines = [line for line in str(error.value).splitlines() if "manual.csv:3: " in line]
    assert len(lines) == 1
    assert message in lines[0]


def test_all_bad_rows_are_told_at_once(tmp_path):
    with pytest.raises(MapError) as error:
        imported(tmp_path, HEAD + "x,a,3,uint16,%,1\n2,b,3,uint16,%,1\n3,c,3,int24,%,1\n")
    assert [line.split(": ")[0].rpartition(":")[2] for line in str(error.value).splitlines()] == ["2", "4"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (1, 0)), ("0.1", (0.1, 0)), ("0,1", (0.1, 0)), ("/10", (0.1, 0)), ("1/10", (0.1, 0)), ("x*0.1", (0.1, 0)),
        ("raw/10", (0.1, 0)), ("100/16384", (100 / 16384, 0)), ("raw-3000", (1, -3000)), ("1e-3", (1e-3, 0)),
        ("(raw-3000)*0.1", (0.1, -300)),
    ],
)  # fmt: skip
def test_scales_as_manuals_write_them(text, expected):
    assert cells.scaling(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("40001", (40001, None, None)), ("40001-40002", (40001, 2, None)), ("40001/2", (40001, 2, None)),
     ("100..103", (100, 4, None)), ("100.3", (100, None, 3)), ("0x10", (16, None, None))],
)  # fmt: skip
def test_addresses_as_manuals_write_them(text, expected):
    assert cells.address(text) == expected


def test_a_german_spreadsheet(tmp_path):
    text = (
        "Modbus-Handbuch;;;;;\n"
        "Adresse;Bezeichnung;Datentyp;Faktor;Einheit;Zugriff;Bereich\n"
        ";Heizkreis 1;;;;;\n"
        "5.0;Vorlauf (°C);INT16;0,1;;R;-20..120\n"
        "6.0;Durchfluss;UINT32;0,001;m³/h;R;\n"
        "\n"
        "8.0;Drehzahl;word;1;U/min;R/W;0..3000\n"
    )
    path = table(tmp_path, text, encoding="cp1252")
    found = read_csv(path, CsvOptions(table=Table.HOLDING))
    assert found.points["Vorlauf"] == {
        "address": 5, "table": "holding", "type": "int16", "unit": "degC", "scale": 0.1,
        "range": ["-20 degC", "120 degC"], "description": "Vorlauf (°C)",
    }  # fmt: skip
    assert found.points["Durchfluss"]["unit"] == "m^3/h"
    assert found.points["Drehzahl"]["kind"] == "setting"
    assert any("'Heizkreis 1'" in note and ":3:" in note for note in found.notes)
    assert any("1 writable points are settings" in note for note in found.notes)


def test_what_the_columns_of_other_tables_say(tmp_path):
    text = (
        "# a title\nRegister,Name,FC,Words,Format,Signed,Scale,Unit,Access,Enum,Flags,Word order,Sentinel,Notes\n"
        "10,Flow,3,1,FLOAT,False,0.1,LPM,R,,,,0xFFFF,\n"
        "11,Level,3,1,FLOAT,True,0.1,%,R,,,,,signed\n"
        "12,Energy,3,2,INTEGER,False,1,kWh,R,,,little,,\n"
        "14,Mode,3/6,1,INTEGER,False,1,,RW(inferred),0=off; 1=on,,,,\n"
        "15,Alarm,3,1,FLAGS,False,1,,R,,b0=hot;b1=low flow,,,\n"
        "16,Model,3,8,STRING,False,1,,R,,,,,\n"
        "15.4,Leak,3,,BOOL,,,,R,,,,,\n"
        "14,Mode,3,1,INTEGER,False,1,,R,,,,,again\n"
        "30,Order,3,2,REAL,,1,kW,R,,,device,,\n"
    )
    found = read_csv(table(tmp_path, text), CsvOptions())
    points = found.points
    assert points["Flow"]["type"] == "uint16"
    assert points["Flow"]["sentinels"] == [0xFFFF]
    assert points["Level"]["type"] == "int16"
    assert points["Energy"]["type"] == "uint32"
    assert points["Energy"]["word_order"] == "little"
    assert points["Mode"]["enum"] == {0: "off", 1: "on"}
    assert points["Mode"]["inferred"]
    assert points["Alarm"]["flags"] == {0: "hot", 1: "low_flow"}
    assert points["Model"]["count"] == 8
    assert (points["Leak"]["type"], points["Leak"]["bits"]) == ("bit", 4)
    assert points["Mode_14"]["alias_of"] == "Mode"
    assert points["Order"]["inferred"]


def test_what_is_made_is_a_map(tmp_path):
    text = HEAD + "1,flow,3,float32,l/s,\n3,T_in,3,int16,°C,(raw-3000)*0.1\n4,valve,3/6,uint16,%,0.01\n"
    path = tmp_path / "made.yaml"
    points = imported(tmp_path, text, base=1)
    path.write_text(to_yaml("made", "a device", "a manual", points), encoding="utf-8")
    assert check_file(path) == []
    map_ = load_map(path)
    assert map_["T_in"].from_raw(3365) == pytest.approx(273.15 + 36.5)
    assert map_["flow"].address == 0
    assert not map_["valve"].is_setpoint


def test_ranges_in_raw_numbers(tmp_path):
    text = "address,name,fc,type,scale,unit,min,max\n1,y,3,uint16,0.01,%,0,10000\n"
    assert imported(tmp_path, text, raw_ranges=True)["y"]["range"] == ["0 percent", "100 percent"]


def test_units_that_the_user_explains(tmp_path):
    text = HEAD + "1,T,3,int16,temp,0.1\n"
    assert imported(tmp_path, text, units={"temp": "degC"})["T"]["unit"] == "degC"


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", HEAD])
def test_a_file_that_is_no_table(tmp_path, text):
    with pytest.raises(MapError, match=r"no header|no row"):
        imported(tmp_path, text)


CELL = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["1", "0x10", "40001", "3/6", "uint16", "float", "degC", "%", "0..5", "RW", "0=a", "b1=x", "-", "1.5", '"']
    ),
)


@settings(deadline=None)
@given(st.lists(st.lists(CELL, max_size=9), max_size=5), st.sampled_from(",;\t"), st.booleans())
def test_whatever_a_table_holds_it_is_read_or_refused(tmp_path_factory, rows, mark, modicon):
    header = mark.join(("address", "name", "fc", "type", "unit", "scale", "access", "range", "flags"))
    path = tmp_path_factory.mktemp("csv") / "any.csv"
    path.write_text("\n".join([header, *map(mark.join, rows)]), encoding="utf-8", errors="replace")
    try:
        found = read_csv(path, CsvOptions(numbering="modicon" if modicon else "plain"))
    except MapError:
        return
    made = path.with_suffix(".yaml")
    made.write_text(to_yaml("any", "x", "y", found.points), encoding="utf-8")
    told = ("overlaps", "means", "flags", "beyond")  # what only the whole map shows
    assert all(any(word in finding.text for word in told) for finding in check_file(made))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("csv") / "any.csv"
    path.write_bytes(data)
    with pytest.raises(MapError):
        read_csv(path, CsvOptions())
