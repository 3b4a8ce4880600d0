"""`python -m mnist_bench.report`: the same as `mnist-bench report`.

Plain syntax: a Python that is too old must get as far as the check that says so.
"""

import sys

from mnist_bench import cli

if __name__ == "__main__":
    sys.exit(cli.main(["report"] + sys.argv[1:]))
