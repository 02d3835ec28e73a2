"""``spikecuda kernels rules``: the rules by which synapses learn."""

import argparse
from typing import Any


def add(actions: Any, common: argparse.ArgumentParser) -> None:
    """Add the action to the parser."""
    parser = actions.add_parser(
        "rules",
        parents=[common],
        help="list the rules of synapses that learn, with parameters and bytes of a synapse",
        description="List the rules of Network.connect(..., plasticity=...).  Nothing is compiled.",
    )
    parser.add_argument(
        "rules", nargs="*", metavar="RULE", help="a rule such as stdp (default: all)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(execute=execute)


def execute(args: argparse.Namespace) -> int:
    """Print the list."""
    from spikecuda.cli.terminal import console, to_json
    from spikecuda.plasticity.registry import find, names

    rows = [describe(find(name)) for name in args.rules or names()]
    if args.json:
        print(to_json({"rules": rows}))
        return 0
    screen = console()
    for r in rows:
        screen.print(f"{r['class']}({r['parameters']})", style="bold", highlight=False)
        kept = f"{r['bytes']} B a synapse for {', '.join(['the weight', *r['variables']])}"
        screen.print(
            f"    {kept if r['bytes'] else 'weights stay as they are'}; {r['source']}",
            highlight=False,
        )
    screen.print("Bytes are those of float32 networks, beside 2 for the target.", style="dim")
    return 0


def describe(rule: Any) -> dict[str, Any]:
    """Return what the list has of a rule."""
    given = {name: p.default for name, p in rule.parameters.items()}
    bound = ["w_max"] if rule.learns else []
    return {
        "name": rule.name,
        "class": rule.__name__,
        "parameters": ", ".join([*bound, *(f"{k}={v:g}" for k, v in given.items())]),
        "defaults": given,
        "functions": list(rule.functions),
        "variables": list(rule.variables),
        "bytes": 4 * (1 + len(rule.variables)) if rule.learns else 0,
        "source": rule.source,
    }
