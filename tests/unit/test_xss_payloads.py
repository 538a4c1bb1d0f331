"""The corpus is what it says it is."""

from passport.profiles import NICKNAME_LIMIT
from tests.security.xss_payloads import PAYLOADS


def test_there_are_a_hundred_and_twenty_different_payloads_that_fit_a_nickname() -> None:
    assert len(PAYLOADS) == len(set(PAYLOADS)) == 120
    assert [each for each in PAYLOADS if len(each) > NICKNAME_LIMIT] == []
