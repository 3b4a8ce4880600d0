"""`python -m mnist_bench.run`: the same as `mnist-bench run`.

Plain syntax: a Python that is too old must get as far as the check that says so.
"""

import sys

from mnist_bench import cli

if __name__ == "__main__":
    sys.exit(cli.main(["run"] + sys.argv[1:]))
