"""``spikecuda cache``: where compiled kernels are kept, what they take; clear and prune."""

import argparse
from typing import Any

from spikecuda.cli import values
from spikecuda.errors import SpikecudaValueError

DAYS = 30.0
ACTIONS = ("show", "clear", "prune")


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "cache",
        parents=[common],
        help="show, clear or prune the cache of compiled kernels",
        description="Show where compiled kernels are kept and how much they take. clear removes "
        "all of them; prune removes those not used for some days, or the least recently used "
        "until the rest fits a size. Kernels that are needed again are compiled again; what "
        "bench tune has measured stays.",
    )
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="show")
    parser.add_argument(
        "--days", type=float, metavar="N",
        help=f"prune: remove what was not used for N days (default {DAYS:g})",
    )  # fmt: skip
    parser.add_argument(
        "--size", metavar="BYTES",
        help="prune: remove the least recently used until the rest is below, such as 200M",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(execute=execute)


def execute(args: argparse.Namespace) -> int:
    """Show the cache, or remove from it and say what was removed."""
    from spikecuda.kernels.compile import cache, usage

    days, size = _limits(args)
    folders = cache.version_folders()
    removed: list[usage.Entry] = []
    if args.action == "clear":
        removed = usage.clear(folders)
    elif args.action == "prune":
        older = None if days is None else days * cache.DAY
        removed = usage.prune(folders, older_than=older, most=size)
    left = list(usage.entries(folders))
    kinds = {
        kind: {
            "bytes": sum(entry.size for entry in left if entry.kind == kind),
            "files": sum(entry.kind == kind for entry in left),
        }
        for kind in usage.KINDS
    }
    facts = {
        "folder": str(cache.cache_dir()),
        "bytes": sum(entry.size for entry in left),
        "files": len(left),
        "limit": cache.LIMIT,
        "kinds": kinds,
        "versions": [folder.name for folder in folders],
        "removed": {"bytes": sum(entry.size for entry in removed), "files": len(removed)},
    }
    if args.json:
        from spikecuda.cli.terminal import to_json

        print(to_json(facts))
    else:
        _print(args.action, facts)
    return 0


def _limits(args: argparse.Namespace) -> tuple[float | None, int | None]:
    """Return the days and the bytes to prune by; raise for options that do not belong."""
    if args.action != "prune":
        for option in ("days", "size"):
            if getattr(args, option) is not None:
                raise SpikecudaValueError(
                    f"--{option} is for prune (got it for {args.action}); "
                    f"use spikecuda cache prune --{option} {getattr(args, option)}"
                )
        return None, None
    if args.days is not None and not 0.0 <= args.days < 1e6:
        raise SpikecudaValueError(f"--days must be from 0 to 1,000,000 (got {args.days:g})")
    size = None if args.size is None else values.count(args.size, "--size")
    if args.days is None and size is None:
        return DAYS, None
    return args.days, size


def _print(action: str, about: dict[str, Any]) -> None:
    from spikecuda.cli.terminal import console, facts, human_bytes

    def amount(part: dict[str, int]) -> str:
        return f"{human_bytes(part['bytes'])} in {part['files']:,} files"

    rows: list[tuple[str, object]] = [("folder", about["folder"])]
    if len(about["versions"]) > 1:
        rows.append(("of", ", ".join(about["versions"])))
    if action != "show":
        rows.append(("removed", amount(about["removed"])))
    rows.append(("size", f"{amount(about)}; at most about {human_bytes(about['limit'])} are kept"))
    rows += [(f"  {kind}", amount(part)) for kind, part in about["kinds"].items() if part["files"]]
    console().print(facts("Cache of compiled kernels", rows))
