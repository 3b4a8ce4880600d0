"""The console command `mnist-bench`.

Plain syntax: a Python that is too old must get as far as the check that says so.
"""

import sys

from mnist_bench import requirements


def main(argv=None):
    """Run a subcommand and return its exit code: 0 all measured, 1 some failed, 2 bad request."""
    requirements.exit_if_unfit()
    from bench.app.main import run_command

    return run_command(sys.argv[1:] if argv is None else argv)
