"""`python -m mnist_bench`: the same as `mnist-bench`."""

import sys

from mnist_bench import cli

if __name__ == "__main__":
    sys.exit(cli.module("mnist_bench"))
