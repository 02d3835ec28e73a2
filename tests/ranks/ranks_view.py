"""A network over processes is viewed: one serves the page, and all do what the page asks for."""

import numpy as np
from ranks_saves import learning

from spikecuda import SpikecudaError


def bits(net, result):
    found = result.spikes["e"].step, result.spikes["e"].neuron, net["e"].state["v"]
    return [values.tobytes() for values in (*found, net.projections[0].weights)]


def view(job):
    """A page changes a parameter, traces a neuron, looks at weights and ends a run."""
    one, many = learning("cpu"), learning("mpi")
    with many.view() as page:
        assert len(set(job.each(page.url))) == 1 and page.url.startswith("http")
        assert many.view() is page
        feed, told = page._feed, {}
        publish = feed._publish
        feed._publish = lambda kind, values: (told.update({kind: values}), publish(kind, values))

        def look(net, piece):
            """Ask as the thread of a page does, in the process that serves it alone."""
            if job.rank:
                return
            feed.pages, feed.weights_wanted = 1, True
            if 9.0 < net.time < 11.0:
                feed.ask("population/e/tau_m", 12.0)
            if 19.0 < net.time < 21.0:
                feed.watch("e", 290, "v")
            if net.time > 29.0:
                feed.ask_stop()

        result = many.run(100.0, every=2.0, call=look)
        assert 29.0 < result.stop < 100.0 and len(set(job.each(result.stop))) == 1
        assert [(what, value) for _, what, value in page.changes] == [("e tau_m", 12.0)]
        assert len(set(job.each(page.changes))) == 1
        seen(job, feed, many, told)
        at = round(page.changes[0][0], 6)
        parts = [one.run(at)]
        one["e"].params["tau_m"] = 12.0
        parts.append(one.run(round(result.stop - at, 6)))
        assert bits(one, sum(parts)) == bits(many, result)
        # One process does not close the page of the others, which also keep their own parts.
        if job.rank:
            page.close()
        mine = many.run(5.0, gather=False)
        assert mine.part.rank == job.rank and bits(one, one.run(5.0)) == bits(many, mine.gather())
    one.run(5.0)
    many.run(5.0)
    busy = learning("mpi")
    try:
        busy.view(port=1 if job.rank else 70_000)
    except SpikecudaError as error:
        assert "port must be" in str(error), error
    else:
        raise AssertionError("not refused")


def seen(job, feed, net, told):
    """The page has been told of all spikes, the trace, and the weights of all processes."""
    weights = net.projections[0].weights  # of all processes, which read them together
    assert not [note for note in feed._notes if "failed" in note], feed._notes
    assert feed._spikes == (0 if job.rank else net.result.num_spikes)
    assert job.rank or [w["neuron"] for w in told["watched"]["found"]] == [290]
    (found,) = told["weights"]["found"]
    assert sum(found["counts"]) == weights.size
    assert np.isclose(found["mean"], weights.mean(), rtol=0.2)
