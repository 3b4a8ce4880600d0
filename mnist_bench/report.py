"""`python -m mnist_bench.report`: the same as `mnist-bench report`."""

import sys

from mnist_bench import cli

if __name__ == "__main__":
    sys.exit(cli.module("mnist_bench.report", "report"))
