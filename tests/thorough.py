"""Products of models, schemes, precisions and architectures: all of them, or representatives.

All of them under ``--hypothesis-profile=thorough``, or ``HYPOTHESIS_PROFILE=thorough``; else enough
that each member of each list is there, since the code of a product comes from one template.
"""

from hypothesis import settings


def thorough():
    """Whether all of a product is wanted."""
    return settings.default is settings.get_profile("thorough")


def extra(*options):
    """Return options that only all of a product has."""
    return options if thorough() else ()


def in_turn(items, key, count=1):
    """Return of the items with the same key ``count``, others from one key to the next; or all."""
    items = list(items)
    if thorough():
        return items
    groups = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    kept = set()
    for number, group in enumerate(groups.values()):
        many = min(count, len(group))
        # Evenly spread, so that of architectures in order there are old and new ones.
        kept |= {group[(number + i * len(group) // many) % len(group)] for i in range(many)}
    return [item for item in items if item in kept]


def each_with_one(items, options, key):
    """Return pairs of an item and an option, from one key to the next another one; or all pairs.

    Items with the same key have the same option: of what they need one kernel is compiled.
    """
    if thorough():
        return [(item, option) for item in items for option in options]
    keys = list(dict.fromkeys(map(key, items)))
    return [(item, options[keys.index(key(item)) % len(options)]) for item in items]
