"""Visual input of the Brain Modeling Toolkit's FilterNet: movies, filters, rates, spikes."""
