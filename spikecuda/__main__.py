"""``python -m spikecuda``: the command line."""

from spikecuda.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
