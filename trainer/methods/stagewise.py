"""StageWise (Kos and Song 2017, as the ATPA paper's section 5 describes it): clean first, attacked afterwards.

The paper does not name the attack of the second stage, nor why its beta should start again: it is the policy attack
on all states here, and one schedule over both stages.
"""

from trainer.methods.atpa import Atpa


class Stagewise(Atpa):
    """`standard` for the first third of the updates, then `atpa`; an epsilon ramp starts with the second stage."""

    begins = 1 / 3
