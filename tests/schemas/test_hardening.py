"""Which policies can be trained further, told by their cards."""

import pytest

from saddlepoint.errors import UnsupportedArchitecture
from saddlepoint.schemas.hardening import check_hardenable
from saddlepoint.schemas.policies import Head, InputDescription
from tests.schemas.test_compatibility import card


@pytest.mark.parametrize("head", ["logits", "q_values", "gaussian"])
def test_what_gives_probabilities_can_be_trained(head: Head) -> None:
    check_hardenable(card(head))


def test_what_gives_the_action_itself_is_refused() -> None:
    with pytest.raises(UnsupportedArchitecture, match=r"gives the action itself\. Export 'mean' and 'log_std'"):
        check_hardenable(card("action"))


def test_what_has_a_memory_is_refused() -> None:
    with pytest.raises(UnsupportedArchitecture, match="carries 1 states from step to step"):
        check_hardenable(card("logits", states=[InputDescription(shape=(8,))]))
