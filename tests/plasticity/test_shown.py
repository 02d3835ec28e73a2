"""What a network says of projections that learn."""

from spikecuda import Network
from spikecuda.network import Delta
from spikecuda.plasticity import STDP


def test_summaries_and_representations_say_that_a_projection_learns():
    net = Network()
    net.population("E", 10, "lif", receptors={"in": Delta()})
    plain = net.connect("E", "E", "all_to_all", 0.1, 1.0)
    assert "learns by" not in net.summary() and "STDP" not in repr(plain)
    learned = net.connect("E", "E", "all_to_all", 0.1, 1.0, plasticity=STDP(w_max=1.0))
    assert "learns by" in net.summary() and "STDP" in net.summary()
    assert repr(learned).endswith(", STDP>")
    assert "STDP(w_max=1" in learned._repr_html_() and "STDP" in net._repr_html_()
