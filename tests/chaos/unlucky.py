"""`python -m tests.chaos.unlucky MODULE ...` runs a module that never gives work up for having died too often.

What kills its process again and again is given up by design, and that has tests of its own. Here the nemesis kills, and
strikes the same shard or training several times in a row by chance.
"""

import runpy
import sys

import trainer.attempts
import worker.attempts

if __name__ == "__main__":
    trainer.attempts.MAX_ATTEMPTS = worker.attempts.MAX_ATTEMPTS = 1000
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
