"""Writers of recordings, word by word from the specifications: they share no code with readers.

Events are tuples (x, y, on, µs).
"""

import struct


def aedat2(events, chip="davis", extra=()):
    name = {"davis": "Davis346BMono", "dvs128": "DVS128"}[chip]
    data = b"#!AER-DAT2.0\r\n# This is a raw AE data file - do not edit\r\n# AEChip: x." + (
        name.encode() + b"\r\n"
    )
    for x, y, on, t in events:
        address = (
            (y << 22) + (x << 12) + (on << 11) if chip == "davis" else (y << 8) + (x << 1) + on
        )
        data += struct.pack(">II", address, t % 2**32)
    return data + b"".join(struct.pack(">II", address, 7) for address in extra)


def packet(kind, source, events, size=8, overflow=0, valid=None):
    number = len(events)
    valid = number if valid is None else valid
    head = struct.pack("<HHIIIIII", kind, source, size, 4, overflow, number, number, valid)
    return head + b"".join(events)


def aedat3(events, per_packet=50):
    data = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 0: DVS128\r\n"
    data += b"#Start-Time: 2026-11-29 10:00:00 (TZ+0000)\r\n#!END-HEADER\r\n"
    data += packet(0, 0, [struct.pack("<II", 5, 1)])
    group, over = [], 0
    for x, y, on, t in [*events, (0, 0, 0, None)]:
        if t is None or len(group) == per_packet or t >> 31 != over:
            data += packet(1, 0, group, overflow=over)
            group, over = [], over if t is None else t >> 31
        if t is not None:
            group.append(struct.pack("<II", (x << 17) + (y << 2) + (on << 1) + 1, t & 0x7FFFFFFF))
    bad = struct.pack("<II", 0, 9)
    return data + packet(1, 0, [bad], valid=0) + packet(3, 0, [b"\0" * 36] * 2, size=36)


def evt3(events, geometry=(1280, 720)):
    """Write events; those of a row and time that lie close together as vectors."""
    words, high, low, row = [0x2000 | 3, 0xE000 | 5], None, None, None
    at = 0
    while at < len(events):
        x, y, on, t = events[at]
        now = t >> 12 & 0xFFF
        if now != high:
            high, low = now, None
            words += [0x8000 | high, 0x8000 | high]  # cameras repeat it
        if t & 0xFFF != low:
            low = t & 0xFFF
            words.append(0x6000 | low)
        if y != row:
            row = y
            words.append(y)
        run = [at]
        while (
            run[-1] + 1 < len(events)
            and events[run[-1] + 1][1:] == (y, on, t)
            and 0 < events[run[-1] + 1][0] - events[run[-1]][0] < 12
        ):
            run.append(run[-1] + 1)
        if len(run) == 1:
            words.append(0x2000 | on << 11 | x)
        else:
            words.append(0x3000 | on << 11 | x)
            columns, begin, short = {events[n][0] for n in run}, x, False
            while begin <= max(columns):
                width = 8 if short else 12
                mask = sum(1 << k for k in range(width) if begin + k in columns)
                words.append((0x5000 if short else 0x4000) | mask)
                begin, short = begin + width, not short
        at = run[-1] + 1
    words.append(0xA001)
    head = f"% date 2026-11-29 10:00:00\n% evt 3.0\n% geometry {geometry[0]}x{geometry[1]}\n% end\n"
    return head.encode() + struct.pack(f"<{len(words)}H", *words)
