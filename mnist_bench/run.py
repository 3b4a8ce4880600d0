"""`python -m mnist_bench.run`: the same as `mnist-bench run`."""

import sys

from mnist_bench import cli

if __name__ == "__main__":
    sys.exit(cli.module("mnist_bench.run", "run"))
