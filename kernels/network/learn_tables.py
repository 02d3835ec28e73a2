"""The tables of synapses that learn on a CUDA device: int32, one row a thing.

Histories are arrays of lines, one a neuron: entries of a step and the values of traces after it,
newest first.
"""

# Synapses from one population to one page of neurons.
PAIR = 24
(
    PAIR_ROWS,  # where its rows begin in the table of rows
    PAIR_FIRST,  # number of the first neuron of the source population
    PAIR_SOURCES,  # neurons of the source population
    PAIR_PRE,  # line of the first source in the sources' histories
    PAIR_POST,  # line of the page's neuron 0 in the targets' histories; may lie before all of them
    PAIR_CELL,  # cell of the page's neuron 0 in the first slot of the accumulator
    PAIR_SLOPE,  # a spike of a target, at step s, is at a synapse of delay d for spikes of its
    PAIR_SHIFT,  # source from step s + slope d + shift on
    PAIR_MARK,  # events up to this step are in the weights, or have none
    PAIR_FROZEN,  # whether the weights stay as they are
    PAIR_CONSTANT,  # of weights that stay, integers: whether they are all the same,
    PAIR_VALUE,  # which they are then,
    PAIR_PLACE,  # and else: where they are, less the pair's place among all synapses
    PAIR_KEY0,  # the key of the random numbers of the projection's synapses
    PAIR_KEY1,
    PAIR_NEURON,  # number of the target, within its population, that would have cell 0
    PAIR_PAGE,  # place on the device of the page's neuron 0
    PAIR_MODULATOR,  # which modulator, of rules that have one
    PAIR_SINCE,  # variables have decayed up to this step, or begin there; ``layout.LEARNING_SINCE``
) = range(19)

# 32 neurons whose spikes a history keeps, found by their bits.
KEPT = 8
(
    KEPT_TARGETS,  # whether it is a history of targets; else of sources
    KEPT_LINE,  # line of the first neuron
    KEPT_WORD,  # which word of a step's bits
    KEPT_REALS,  # where the constants are in the table of reals
    KEPT_SPAN,  # steps until a spike has arrived at all synapses
    KEPT_PAIR,  # a pair of the history
) = range(6)

# A history of sources whose spikes come in a list.
LISTED = 3
(
    LISTED_FIRST,  # number of the population's first neuron
    LISTED_LINE,  # line of that neuron
    LISTED_REALS,  # as KEPT_REALS
) = range(3)

# A modulator: whose spikes, and where its level and its integral are.
MODULATOR = 12
(
    MODULATOR_FIRST,  # number of the population's first neuron
    MODULATOR_SIZE,  # neurons of the population
    MODULATOR_CHOSEN,  # where the bits begin that say which of them count
    MODULATOR_DELAY,  # steps from a spike to its effect
    MODULATOR_COUNTS,  # where the ring of spikes that arrive in each step begins
    MODULATOR_AHEAD,  # its steps less one
    MODULATOR_INTEGRAL,  # where the ring of integrals begins
    MODULATOR_WRAP,  # its steps less one
    MODULATOR_EPOCH,  # steps of an epoch, a power of two
    MODULATOR_FILLED,  # the last step whose integral is known
    MODULATOR_FLOWN,  # all weights have been brought to this end of an epoch at least
) = range(11)
# Its level and what becomes of it, float64; see ``network.synapses.modulated``.
LEVEL = 8
(
    LEVEL_NOW,  # after the step that is filled, its spikes included
    LEVEL_SUM,  # the integral up to it, since its epoch began
    LEVEL_FACTOR,  # what is left in it of an eligibility of the epoch's beginning
    LEVEL_JUMP,  # of the level at a spike
    LEVEL_DECAY,  # of the level in a step
    LEVEL_FADE,  # of an eligibility in a step
    LEVEL_GAIN,  # what a level of 1 adds to the integral in an epoch's first step
    LEVEL_LOSS,  # what the baseline takes off it
) = range(8)

# What a device says about its histories.
(
    STATE_SWEPT,  # spikes up to this step have acted on all synapses that they have arrived at
    STATE_FULL,  # whether a line is nearly full: the weights are to be swept
) = range(2)
