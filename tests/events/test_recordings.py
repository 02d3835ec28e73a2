"""Recordings are read as independent writers wrote them; damaged ones are refused by the byte."""

import struct

import numpy as np
import pytest
from encoders import aedat2, aedat3, evt3, packet

from spikecuda.errors import SpikecudaError, SpikecudaValueError
from spikecuda.events import Events, read_events


def some(seed, width, height, n=400, begin=0):
    """Return sorted events of random pixels, with rows of neighbours at one time."""
    random = np.random.default_rng(seed)
    found, t = [], begin
    while len(found) < n:
        t += int(random.choice([1, 3, 700, 5000]))
        y, on = int(random.integers(height)), int(random.integers(2))
        count = int(random.choice([1, 1, 2, 9, 40]))
        columns = sorted({int(c) for c in random.integers(0, width, count)})
        if count > 2:
            first = int(random.integers(0, width - 30))
            columns = sorted({first + int(c) for c in random.integers(0, 30, count)})
        found += [(x, y, on, t) for x in columns]
    return found


def check(events, written, period=None):
    got = list(
        zip(
            events.x.tolist(), events.y.tolist(), events.polarity.astype(int).tolist(),
            np.rint(1e3 * events.time).astype(np.int64).tolist(), strict=True,
        )
    )  # fmt: skip
    assert got == written


def test_aedat2(tmp_path):
    path = tmp_path / "a.aedat"
    for chip, width, height in (("davis", 346, 260), ("dvs128", 128, 128)):
        written = some(1, width, height, begin=2**32 - 90_000)
        # An address that begins with #, as header lines do.
        written.insert(0, (5, 141, 1, 2**32 - 100_000) if chip == "davis" else (5, 1, 1, 2**31 + 7))
        extra = [1 << 31 | 5 << 12, 1 << 10] if chip == "davis" else [1 << 15]
        data = aedat2(written, chip, extra)
        path.write_bytes(data)
        events = read_events(path)
        check(events, written)
        assert sum(events.skipped.values()) == len(extra)
        path.write_bytes(data.replace(b"AEChip", b"Unsaid"))
        with pytest.raises(SpikecudaValueError, match="chip must be given"):
            read_events(path)
        check(read_events(path, chip=chip), written)
        path.write_bytes(data[:-3])
        with pytest.raises(SpikecudaValueError, match=f"at byte {len(data) - 8:,} there must be 8"):
            read_events(path)
    begin = len(aedat2([], "dvs128"))
    path.write_bytes(aedat2([(1, 1, 1, 5)] * 3, "dvs128", [1 << 20]))
    with pytest.raises(SpikecudaValueError, match=f"byte {begin + 24} .* 0x00100000"):
        read_events(path)


def test_aedat3(tmp_path):
    path = tmp_path / "a.aedat"
    written = some(2, 640, 480, begin=2**31 - 300_000)
    data = aedat3(written)
    path.write_bytes(data)
    events = read_events(path)
    check(events, written)
    assert events.skipped == {"special": 1, "invalid": 1, "imu6": 2}
    begin = data.index(b"END-HEADER\r\n") + 12
    for cut in (begin + 5, len(data) - 1, begin + 40, begin - 3):
        path.write_bytes(data[:cut])
        with pytest.raises(SpikecudaValueError, match="at byte"):
            read_events(path)
    good = struct.pack("<II", 3, 1)
    for lie, message in (
        (packet(1, 0, [good, good], valid=3), f"byte {begin} .* a packet"),
        (packet(1, 0, [good, good], valid=1), f"byte {begin + 28} .* 1 valid events"),
        (packet(1, 0, [good], size=2**31 - 1), f"byte {begin + 28} there must be 1 events"),
        (packet(1, 0, [good], size=0), f"byte {begin} "),
        (packet(1, 0, [good], size=16), "events"),
        (packet(1, 0, [struct.pack("<Ii", 3, -1)]), f"byte {begin + 32} .* time stamp >= 0"),
        (packet(1, 0, [good]) + packet(1, 1, [good]), "one camera"),
    ):
        path.write_bytes(data[:begin] + lie)
        with pytest.raises(SpikecudaValueError, match=message):
            read_events(path)


def test_evt3(tmp_path):
    path = tmp_path / "a.raw"
    written = some(3, 1280, 720, n=3000, begin=2**24 - 300_000)
    first = written[0][3] >> 24 << 24  # the wrap is seen, what came before the recording is not
    assert written[-1][3] > 2**24
    data = evt3(written)
    path.write_bytes(data)
    events = read_events(path)
    check(events, [(x, y, on, t - first) for x, y, on, t in written])
    assert events.skipped == {
        "before the first time, row or base": 1, "triggers": 1, "others": 1,
    }  # fmt: skip
    begin = data.index(b"% end\n") + 6
    path.write_bytes(data[:-1])
    with pytest.raises(SpikecudaValueError, match=f"byte {len(data) - 2:,} there must be 2 bytes"):
        read_events(path)
    for word, message in ((0x9000, "known type .*0x9000"), (0x2000 | 1300, "pixel of 1280 x 720")):
        words = struct.pack("<4H", 0x8001, 0x6001, 0x0001, word)
        path.write_bytes(data[:begin] + words)
        with pytest.raises(SpikecudaValueError, match=f"byte {begin + 6} .*{message}"):
            read_events(path)
    path.write_bytes(data.replace(b"evt 3.0", b"evt 2.1"))
    with pytest.raises(SpikecudaValueError, match=r"% evt 3\.0"):
        read_events(path)
    path.write_bytes(data[:begin])
    assert len(read_events(path)) == 0 and repr(read_events(path)) == "<Events: none>"


def test_tables(tmp_path):
    written = some(4, 300, 200)
    table = np.array(written)
    np.save(tmp_path / "a.npy", table)
    named = np.zeros(len(written), [("ts", "i8"), ("x", "u2"), ("y", "u2"), ("p", "i1")])
    named["x"], named["y"], named["p"], named["ts"] = *table.T[:2], 2 * table.T[2] - 1, table.T[3]
    np.save(tmp_path / "b.npy", named)
    lines = [f"{x},{y},{on},{t}" for x, y, on, t in written]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    swapped = [f"{t}, {on}, {x}, {y}" for x, y, on, t in written]
    (tmp_path / "b.csv").write_bytes("\r\n".join(["t,p,x,y", *swapped, "", ""]).encode())
    for name in ("a.npy", "b.npy", "a.csv", "b.csv"):
        check(read_events(tmp_path / name), written)
    lines[7] = "1,2,x,3"
    (tmp_path / "a.csv").write_text("\n".join(lines))
    at = len("\n".join(lines[:7])) + 1
    with pytest.raises(SpikecudaValueError, match=rf"byte {at} .*'1,2,x,3' in line 8"):
        read_events(tmp_path / "a.csv")
    for line, message in (
        ("1,2,3,4", "polarity must .*line 8"), ("-1,2,1,4", "x must"), ("1.5,2,1,4", "x must"),
        ("1,2,1,nan", "time must be finite"), ("1,2,1", "line 8"), ("1,2,1,4,5", "line 8"),
    ):  # fmt: skip
        lines[7] = line
        (tmp_path / "a.csv").write_text("\n".join(lines))
        with pytest.raises(SpikecudaValueError, match=message):
            read_events(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text("x,y,t\n1,2,3\n")
    with pytest.raises(SpikecudaValueError, match="must have one column called polarity"):
        read_events(tmp_path / "a.csv")
    data = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(data[:-8])
    with pytest.raises(SpikecudaValueError, match=r"array of numbers \(npy\)"):
        read_events(tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", np.zeros((4, 3)))
    with pytest.raises(SpikecudaValueError, match=r"array \(events, 4\)"):
        read_events(tmp_path / "a.npy")


def test_tables_that_could_be_read_in_two_ways_are_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfx,y,p,t\r\n1,2,1,100\r\n")  # as Windows' programs write it
    assert read_events(path).time.tolist() == [0.1]
    path.write_text("1,2,1,1e3\n")
    assert read_events(path).time.tolist() == [1.0]
    for text, message in (
        ("1,2,1,4,5\n", "must have four columns"), ("1,2,1\n", "got 3 columns without names"),
        ("x,y,p,t,x\n1,2,1,4,5\n", "one column called x"), ("1,2,1,inf\n", "time must be finite"),
    ):  # fmt: skip
        path.write_text(text)
        with pytest.raises(SpikecudaValueError, match=message):
            read_events(path)
    path = tmp_path / "a.npy"
    for x, time, name in (("U4", "i8", "x"), (("i4", (2,)), "i8", "x"), ("i4", "M8[ms]", "time")):
        shape = x if isinstance(x, tuple) else (x,)
        np.save(path, np.zeros(3, [("x", *shape), ("y", "i4"), ("p", "i1"), ("t", time)]))
        with pytest.raises(SpikecudaValueError, match=f"{name} must be a field of one number"):
            read_events(path)


def test_what_is_damaged_anywhere_is_read_or_refused(tmp_path):
    random = np.random.default_rng(5)
    small = some(5, 128, 128, n=40)
    path = tmp_path / "a"
    np.save(tmp_path / "a.npy", np.array(small))
    kinds = (
        ("aedat2", aedat2(small, "dvs128")), ("aedat3", aedat3(small)), ("evt3", evt3(small)),
        ("npy", (tmp_path / "a.npy").read_bytes()),
        ("csv", "\n".join(",".join(map(str, event)) for event in small).encode()),
    )  # fmt: skip
    refused = 0
    for kind, data in kinds:
        for _ in range(150):
            bad = bytearray(data)
            for at in random.integers(0, len(data), int(random.integers(1, 4))):
                bad[at] = int(random.integers(256))
            path.write_bytes(bad[: int(random.integers(1, len(bad) + 1))])
            try:
                assert isinstance(read_events(path, format=kind), Events)
            except SpikecudaError as error:
                assert str(path) in str(error)
                refused += 1
    assert refused > 200
    for data in (b"", b"%", b"#!AER-DAT4.0\r\n", b"PK\3\4"):
        path.write_bytes(data)
        with pytest.raises(SpikecudaValueError, match="at byte"):
            read_events(path)
    for options, message in (
        ({"format": "dat"}, "format must be one of"), ({"chip": "x"}, "chip must be one of"),
        ({"format": "evt3", "chip": "davis"}, "chip must be None"),
        ({"format": "aedat3"}, r"#!AER-DAT3\.1"),
    ):  # fmt: skip
        with pytest.raises(SpikecudaValueError, match=message):
            read_events(path, **options)
