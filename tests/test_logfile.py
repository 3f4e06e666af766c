"""Files of every container to numbered records; a fault is a value with its line, never an exception."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import sqlite3

import pytest
import zstandard

from router_audit.errors import InputError
from router_audit.logfile import Bad, Source, find, record, records

LINES = b'{"a": 1}\n\n{"a": 2}\n'


def _read(path):
    return list(records(Source(str(path))))


def _good(found):
    return [(line, one) for line, one in found if not isinstance(one, Bad)]


def _bad(found):
    return [(line, one.reason) for line, one in found if isinstance(one, Bad)]


@pytest.fixture
def file(tmp_path):
    def write(data, name="log.jsonl"):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write


@pytest.mark.parametrize(
    "pack",
    [bytes, gzip.compress, bz2.compress, zstandard.ZstdCompressor().compress],
    ids=["plain", "gz", "bz2", "zst"],
)
def test_lines_are_numbered_whatever_packs_them(file, pack):
    assert _read(file(pack(LINES), "log.anything")) == [(1, {"a": 1}), (3, {"a": 2})]


def test_several_gzip_members_are_one_stream(file):
    assert len(_read(file(gzip.compress(LINES) + gzip.compress(LINES)))) == 4


@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, zstandard.ZstdCompressor().compress], ids=["gz", "bz2", "zst"]
)
def test_a_truncated_file_gives_its_lines_and_one_fault(file, pack):
    lines = "".join(f'{{"number": {n}, "text": "{hash((n, 1)):x}{hash((n, 2)):x}"}}\n' for n in range(60_000))
    packed = pack(lines.encode())
    found = _read(file(packed[: len(packed) // 2]))

    good, bad = _good(found), _bad(found)
    assert [one["number"] for _, one in good] == list(range(len(good)))
    assert len(bad) == 1
    assert "breaks off" in bad[0][1] or "damaged" in bad[0][1]
    if pack is not bz2.compress:  # its blocks are of 900 kB
        assert good


def test_a_small_truncated_gzip_keeps_what_came(file):
    packed = gzip.compress(b"".join(b'{"n": %d}\n' % n for n in range(3000)))
    found = _read(file(packed[:-200]))

    assert len(_good(found)) > 1000
    assert len(_bad(found)) == 1


def test_bad_lines_keep_their_number_and_reason(file):
    found = _read(file(b'{"a": 1}\nnot json\n{"a": "\xff"}\n{"a": "b\x00"}\n[1]\n7\n{"a": 2}\n'))

    assert _good(found) == [(1, {"a": 1}), (7, {"a": 2})]
    assert [line for line, _ in _bad(found)] == [2, 3, 4, 5, 6]
    assert _bad(found)[1][1] == "not UTF-8 text"
    assert _bad(found)[2][1] == "not JSON: NUL bytes in the line"


def test_a_first_line_that_is_broken_does_not_hide_the_rest(file):
    found = _read(file(b'{"a": \n{"a": 2}\n{"a": 3}\n'))

    assert _good(found) == [(2, {"a": 2}), (3, {"a": 3})]
    assert len(_bad(found)) == 1


@pytest.mark.parametrize("layout", [None, 2])
def test_an_array_gives_its_elements(file, layout):
    text = json.dumps([{"a": 1, "b": 'x]}\\" [{'}, {"a": {"c": [1, {}]}}], indent=layout)
    found = _good(_read(file(text)))

    assert [one["a"] for _, one in found] == [1, {"c": [1, {}]}]
    if layout:
        assert [line for line, _ in found] == [2, 6]


def test_values_without_line_breaks_between_them(file):
    assert [one for _, one in _read(file('{"a":1}{"a":2} {"a":3}'))] == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_an_array_larger_than_a_block_is_read_piece_by_piece(file):
    elements = [{"n": n, "text": 'é\\"' * 50} for n in range(5000)]

    assert [one for _, one in _read(file(json.dumps(elements, indent=1)))] == elements


def test_an_array_with_strangers_in_it_counts_them(file):
    found = _read(file('[\n{"a": 1},\n3,\n"x",\n{"a": 2}\n]'))

    assert [one["a"] for _, one in _good(found)] == [1, 2]
    assert [line for line, _ in _bad(found)] == [3, 4]


def test_a_document_cut_short_is_one_fault(file):
    found = _read(file('{\n "a": {\n "b": 1'))

    assert len(found) == 1
    assert _bad(found)


def test_nan_and_lone_surrogates_of_pythons_json_are_mended(file):
    assert _read(file(b'{"a": NaN, "b": "\\ud83d", "c": Infinity}\n')) == [
        (1, {"a": None, "b": "?", "c": None})
    ]


def test_a_number_beyond_all_numbers_is_null(file):
    assert _read(file(b'{"a": 1e999, "b": -1e999, "c": ' + b"9" * 5000 + b', "d": 1e300}\n')) == [
        (1, {"a": None, "b": None, "c": None, "d": 1e300})
    ]


def test_ten_megabytes_on_one_line(file):
    text = "x" * 10_000_000
    found = _read(file(json.dumps({"a": text}) + "\n" + '{"a": 2}\n'))

    assert [len(str(one["a"])) for _, one in found] == [10_000_000, 1]


def test_a_line_without_end_is_refused_and_the_next_is_read(file):
    endless = b'{"a": "' + b"x" * (record.MAX_RECORD + 10) + b'"}\n'
    found = _read(file(b'{"a": 1}\n' + endless + b'{"a": 2}\n'))

    assert [line for line, _ in _good(found)] == [1, 3]
    assert _bad(found) == [(2, "line longer than 64 MB")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_other_encodings(file, encoding):
    mark = b"\xff\xfe" if encoding == "utf-16-le" else b""

    assert _read(file(mark + '{"a": "é"}\n{"a": "ü"}\n'.encode(encoding))) == [
        (1, {"a": "é"}),
        (2, {"a": "ü"}),
    ]


def test_csv_rows_are_texts_by_name(file):
    found = _read(file('id,model,text\n1,m,"two\nlines"\n2,m\n3,m,x\n', "rows.csv"))

    assert _good(found) == [
        (3, {"id": "1", "model": "m", "text": "two\nlines"}),
        (5, {"id": "3", "model": "m", "text": "x"}),
    ]
    assert _bad(found) == [(4, "2 columns where the header has 3")]


def test_a_stream_of_events_gives_its_data(file):
    found = _read(
        file('event: a\ndata: {"a": 1}\n\n: comment\ndata: {"a": 2}\n\ndata: [DONE]\n', "stream.txt")
    )

    assert found == [(2, {"a": 1}), (5, {"a": 2})]


def test_text_is_one_record(file):
    assert _read(file("TO LLM 2024\nUSER hello, you\n", "x.history")) == [
        (1, {"text": "TO LLM 2024\nUSER hello, you\n"})
    ]


def test_parquet_rows_have_structs_as_json_has_them(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"messages": [[{"role": "user", "content": "hi"}]], "n": [1]}), path)

    assert _read(path) == [(1, {"messages": [{"role": "user", "content": "hi"}], "n": 1})]


def test_sqlite_is_named_with_its_tables_and_not_written_to(tmp_path):
    path = tmp_path / "logs.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE responses (id TEXT)")
    connection.close()
    before = path.read_bytes()

    assert _read(path) == [(1, {"sqlite": str(path), "tables": ["responses"]})]
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["logs.db"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\x00\x01\x02\x03" * 50, "a binary file, not a log"),
        (b"PAR1 and then nothing", "not readable as Parquet"),
        (b"SQLite format 3\x00 and then nothing", "not readable as SQLite"),
        (b"\x1f\x8bnot gzip at all", "the file is damaged"),
    ],
)
def test_a_file_that_is_no_log_is_one_fault(file, data, reason):
    ((line, bad),) = _read(file(data))

    assert line == 0
    assert isinstance(bad, Bad)
    assert bad.whole_file
    assert bad.reason.startswith(reason)


def test_a_file_that_vanished_is_one_fault(tmp_path):
    ((_, bad),) = _read(tmp_path / "gone.jsonl")

    assert isinstance(bad, Bad)
    assert bad.whole_file


def test_standard_input(monkeypatch):
    class Piped:
        buffer = io.BytesIO(gzip.compress(LINES))

    monkeypatch.setattr("sys.stdin", Piped())

    assert _read("-") == [(1, {"a": 1}), (3, {"a": 2})]


def test_an_excerpt_is_short_and_printable():
    assert record.printable(b"\x1b[31m" + b"x" * 1000) == " [31m" + "x" * 195


def test_paths_folders_and_globs_give_each_file_once(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name in ("b.jsonl", "a.jsonl", "deep/er/c.jsonl.gz", "README.md"):
        (tmp_path / name).write_bytes(b"{}")
    found = find([str(tmp_path), str(tmp_path / "*.jsonl"), str(tmp_path / "**" / "*.gz")])

    assert [source.path.removeprefix(f"{tmp_path}/") for source in found] == [
        "a.jsonl",
        "b.jsonl",
        "deep/er/c.jsonl.gz",
    ]


@pytest.mark.parametrize("path", ["nowhere.jsonl", "no*match", "empty"])
def test_a_path_that_leads_nowhere_is_an_error(tmp_path, path):
    (tmp_path / "empty").mkdir()

    with pytest.raises(InputError):
        find([str(tmp_path / path)])
