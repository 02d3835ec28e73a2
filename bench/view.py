"""What a view costs: pairs of runs of the microcircuit, with a page that looks on and without.

python bench/view.py [SCALE] [MS] [PAIRS]

The page is a WebSocket client in another process, which acknowledges each frame as a browser does.
Bits are compared before anything is timed.
"""

import json
import statistics
import subprocess
import sys
import time

import numpy as np

from spikecuda.examples import microcircuit

PAGE = """
import json, sys
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
points = 0
with connect(sys.argv[1], max_size=None, proxy=None) as socket:
    try:
        for data in socket:
            if isinstance(data, bytes):
                points += json.loads(data[4 : 4 + int.from_bytes(data[:4], "little")])["points"]
                socket.send(json.dumps({"kind": "ack", "seconds": 0.01}))
    except ConnectionClosed:
        pass
print(points)
"""


def main() -> None:
    scale, duration, pairs = (
        kind(text)
        for kind, text in zip(
            (float, float, int), [*sys.argv[1:], *("0.1", "500", "60")[len(sys.argv) - 1 :]],
            strict=True,
        )
    )  # fmt: skip
    plain, viewed = (
        microcircuit.network(scale=scale, seed=1, threads=1, devices="cpu") for _ in range(2)
    )
    with plain, viewed:
        for net in (plain, viewed):
            net.run(100.0)
        view = viewed.view()
        page = subprocess.Popen(
            [sys.executable, "-c", PAGE, view.url.replace("http", "ws") + "socket"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        view.wait()
        ratios, works, seconds, spikes = [], [], [], 0
        for pair in range(pairs):
            spent, worked, results = {}, {}, {}
            for net in (plain, viewed) if pair % 2 else (viewed, plain):
                begin, own = time.perf_counter(), time.thread_time()
                results[net] = net.run(duration)
                spent[net] = time.perf_counter() - begin
                worked[net] = time.thread_time() - own
            for name, other in results[plain].spikes.items():
                mine = results[viewed].spikes[name]
                assert np.array_equal(mine.step, other.step), name
                assert np.array_equal(mine.neuron, other.neuron), name
            spikes += results[viewed].num_spikes
            ratios.append(spent[viewed] / spent[plain])
            works.append(worked[viewed] / worked[plain])
            seconds.append((spent[plain], spent[viewed]))
        view.close()
        received = int(page.communicate(timeout=30)[0])
        # Others use the machine: the runs that they disturbed least.
        fast = [
            statistics.mean(sorted(s[i] for s in seconds)[: max(1, pairs // 10)]) for i in (0, 1)
        ]
        print(json.dumps({
            "pairs": pairs, "ms": duration, "median_ratio": round(statistics.median(ratios), 4),
            "median_ratio_of_processor_time": round(statistics.median(works), 4),
            "ratio_of_fastest_tenths": round(fast[1] / fast[0], 4),
            "seconds_of_fastest_tenths": [round(f, 4) for f in fast],
            "quartiles": [round(q, 4) for q in statistics.quantiles(ratios)],
            "spikes": spikes, "received": received,
        }))  # fmt: skip


if __name__ == "__main__":
    main()
