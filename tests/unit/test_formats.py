"""Reading: both CSV readers agree, nothing shifts, and what can't be read is refused with its reason."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpn_registry.formats import Decoded, UnreadableError, decode, delimited, frame
from vpn_registry.model import Limits


@dataclass(frozen=True)
class Named:
    name: str
    required: bool = True
    is_identifier: bool = False
    is_day: bool = False


FEW = Limits(rows=100)
COLUMNS = (Named("a"), Named("b"), Named("c", required=False))


def read(text: str | bytes, max_rows: int = 100) -> Decoded:
    data = text if isinstance(text, bytes) else text.encode()
    return decode(data, "csv", COLUMNS, limits=Limits(rows=max_rows))


def refusal(text: str | bytes, ext: str = "csv", max_rows: int = 100) -> UnreadableError:
    with pytest.raises(UnreadableError) as raised:
        decode(text if isinstance(text, bytes) else text.encode(), ext, COLUMNS, limits=Limits(rows=max_rows))
    return raised.value


def cells(decoded: Decoded) -> list[list[object]]:
    return decoded.frame.to_numpy().tolist()


PLAIN = st.text(st.sampled_from("ab1 é۱,\xa0\t"), max_size=4)
LINES = st.lists(st.tuples(PLAIN, st.sampled_from(["\n", "\r\n", "\r", "\n\n"])), max_size=12)


@settings(deadline=None, max_examples=300)
@given(LINES, st.sampled_from(["a,b", "b,a,c", "a,x,b", " a , b"]))
def test_both_readers_give_the_same_frame(lines: list[tuple[str, str]], header: str) -> None:
    body = (header + "\n" + "".join(line + end for line, end in lines)).encode()
    columns = [Named(name) for name in "abc"]
    fast, slow = delimited._without_quotes(body, FEW), delimited._with_quotes(body, FEW)
    assert fast.header == slow.header
    first, first_blank = frame.canonical(fast, columns)
    second, second_blank = frame.canonical(slow, columns)
    pd.testing.assert_frame_equal(first, second)
    assert first_blank.tolist() == second_blank.tolist()


FIELD = st.text(st.sampled_from('ab ,"\n\ré'), max_size=5)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(FIELD, FIELD, FIELD), max_size=8))
def test_what_a_csv_writer_wrote_is_read_back(rows: list[tuple[str, str, str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("a", "b", "c"), *rows])
    kept = [[field.strip(" ") for field in row] for row in rows]
    assert read(text.getvalue()).frame[["a", "b", "c"]].to_numpy().tolist() == [row for row in kept if any(row)]


def test_a_file_is_read_without_limits() -> None:
    assert len(delimited._without_quotes(b"a,b\n1,2\n3\n", Limits(*[2**40] * 6)).line) == 2


def test_lines_keep_their_numbers_across_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "_PART_BYTES", 32)
    monkeypatch.setattr(delimited, "_SEARCHED_BYTES", 16)
    text = "a,b\r\n" + "".join(f"{n},x\r\n" + ("short\r\n" if n % 7 == 0 else "") for n in range(70))
    decoded = read(text)
    assert len(decoded.frame) == 80
    assert decoded.frame["a"].iloc[-1] == "69"
    assert decoded.frame["line"].tolist() == list(range(2, 82))


@pytest.mark.parametrize("long", ["éééé,1", "1,2,éééé", "éééé"])
def test_the_first_field_over_the_limit_is_told_by_both_readers(long: str) -> None:
    body = f"a,b\n1,2\n3\né,ééé\n5,6,7\n{long}\néééé,1,2\néééé,1\n".encode()
    limits = replace(FEW, characters=3)
    for reader in (delimited._without_quotes, delimited._with_quotes):
        with pytest.raises(UnreadableError) as refused:
            reader(body, limits)
        assert (refused.value.code, refused.value.facts) == ("F208", {"line": 6, "limit": 3})


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_ragged_row_keeps_its_place_and_shifts_nothing(quote: str) -> None:
    decoded = read(f"a,b\n1,2,3\n4\n{quote}5{quote},6\n")
    assert cells(decoded) == [["", "", "", 1, 2, 3], ["", "", "", 2, 3, 1], ["5", "6", "", 3, 4, 2]]


def test_blank_rows_are_skipped_and_remarked_once() -> None:
    decoded = read("a,b\n1,2\n\n , \n,,,,\n3,4\n")
    assert cells(decoded) == [["1", "2", "", 1, 2, 2], ["3", "4", "", 2, 6, 2]]
    assert decoded.blank_rows == 3
    assert [(remark.code, remark.facts) for remark in decoded.remarks] == [("F216", {"count": 3})]


def test_a_record_over_several_lines_keeps_the_line_where_it_starts() -> None:
    assert read('a,b\n"x\ny",2\n3,4\n').frame["line"].tolist() == [2, 4]


def test_values_stay_text() -> None:
    decoded = read("a,b,c\n0012345,NA,None\nnull,3.52E+12,nan\n")
    assert cells(decoded)[0][:3] == ["0012345", "NA", "None"]
    assert cells(decoded)[1][:3] == ["null", "3.52E+12", "nan"]


def test_values_are_trimmed_and_composed() -> None:
    decoded = read("a,b\n e\u0301 ,\u00a0x y\u3000\n")
    assert cells(decoded)[0][:2] == ["é", "x y"]


def test_a_byte_order_mark_is_tolerated() -> None:
    assert cells(read(b"\xef\xbb\xbfa,b\n1,2\n"))[0][:2] == ["1", "2"]


def test_a_header_alone_is_an_empty_frame() -> None:
    decoded = read("a,b")
    assert decoded.frame.empty
    assert str(decoded.frame["a"].dtype) == "str"
    assert str(decoded.frame["line"].dtype) == "int64"


def test_columns_stand_in_table_order_and_unknown_ones_are_remarked() -> None:
    decoded = read("x,b,a,\n1,2,3,4\n")
    assert cells(decoded)[0][:3] == ["3", "2", ""]
    assert decoded.remarks[0].facts == {"columns": "x, (no name)"}


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("Client name_2-b 34", "Client name_2-b 34"),
        ("نام", "نام"),
        ("35202-1234567-1", "column 3"),
        ("a12345", "column 3"),
        ("۳۵۲۰۲", "column 3"),
        ("it@indus.example", "column 3"),
        ("n" * 40, "n" * 40),
        ("n" * 41, "column 3"),
    ],
)
def test_an_unknown_header_cell_is_shown_only_when_it_is_surely_a_name(cell: str, shown: str) -> None:
    assert read(f"a,b,{cell}\n1,2,3\n").remarks[0].facts == {"columns": shown}


ALMOST = " Type the names of these columns anew, with _ and nothing invisible: 2."


@pytest.mark.parametrize(
    ("text", "code", "facts"),
    [
        (b"", "F201", {}),
        (b" \r\n\n", "F201", {}),
        (b"\xef\xbb\xbf", "F201", {}),
        ("a,b\n1,é\n".encode("latin-1"), "F202", {"line": 2}),
        ("a,b\n1,2\n".encode("utf-16"), "F202", {"line": 1}),
        (b"a,b\n1,2\n3,\0\n", "F206", {"line": 3}),
        (b"a\n1\n", "F203", {"columns": "b", "case": ""}),
        (b"a,B\n1,2\n", "F203", {"columns": "b", "case": " Names are lower case."}),
        (b"A,B\n1,2\n", "F203", {"columns": "a, b", "case": " Names are lower case."}),
        ("\ufeff\ufeffa,B\n1,2\n".encode(), "F203", {"columns": "a, b", "case": " Names are lower case."}),
        ("a,\u200bb\n1,2\n".encode(), "F203", {"columns": "b", "case": ALMOST}),
        (b"\na,b\n", "F218", {}),
        (b"35202-1234567-1,35202-1234567-1\n", "F218", {}),
        (b"a,b,a\n", "F204", {"columns": "a"}),
        (b"a,b,x,x\n", "F204", {"columns": "x"}),
        (b"a,b,35202-1234567-1,35202-1234567-1,b\n", "F204", {"columns": "b, column 3"}),
        (b"a;b\n1;2\n", "F217", {"separator": "semicolons"}),
        (b"a,b" + b",x" * 63 + b"\n", "F207", {"count": 65, "limit": 64}),
        (b"a,b\n1," + b"x" * 4001 + b"\n", "F208", {"line": 2, "limit": 4000}),
        (b'a,b\n1,2\n"1",' + b"x" * 4001 + b"\n", "F208", {"line": 3, "limit": 4000}),
        (b'a,b\n1,"' + b"x" * 200_000 + b'"\n', "F208", {"line": 2, "limit": 4000}),
        (b'a,b\n1,2\n3,"4\n5,6\n', "F210", {"line": 3, "limit": 4000}),
        (b'a,b\n1,"2"3\n', "F210", {"line": 2, "limit": 4000}),
    ],
)
def test_a_file_that_can_not_be_trusted_is_refused(text: bytes, code: str, facts: dict[str, object]) -> None:
    refused = refusal(text)
    assert (refused.code, refused.facts) == (code, facts)


@pytest.mark.parametrize("quote", [b"", b'"'])
def test_the_field_limit_counts_characters(quote: bytes) -> None:
    long = ("é" * 4000).encode()
    assert len(cells(read(b"a,b\n" + quote + b"1" + quote + b"," + long + b"\n"))) == 1


@pytest.mark.parametrize("quote", ["", '"'])
def test_the_row_limit_counts_data_rows_only(quote: str) -> None:
    assert len(read(f"a,b\n{quote}1{quote},2\n\n3,4\n", max_rows=2).frame) == 2
    assert refusal(f"a,b\n{quote}1{quote},2\n3,4\n5,6\n", max_rows=2).code == "F209"
    assert refusal(f"a,b\n{quote}1{quote},2\n" + "\n" * 2000, max_rows=2).code == "F209"


@pytest.mark.parametrize(("ext", "code"), [("xls", "F214"), ("xlsm", "F214"), ("tar.gz", "F214"), ("pdf", "F214")])
def test_other_formats_are_refused_by_name(ext: str, code: str) -> None:
    refused = refusal(b"PK", ext)
    assert (refused.code, refused.facts) == (code, {"ext": ext})


def test_a_refusal_says_no_value() -> None:
    assert str(refusal(b'a,b\n1,"3520200000013\n')) == "F210"
