"""How long ago, and for how long, in the words of the page's language."""

from datetime import timedelta

import pytest

from handlers.templating import _ago
from passport.views.locales import in_one_unit


@pytest.mark.parametrize(
    ("distance", "english", "chinese"),
    [
        (timedelta(seconds=36), "36 seconds ago", "36 秒前"),
        (timedelta(minutes=5), "5 minutes ago", "5 分钟前"),
        (timedelta(hours=-7), "in 7 hours", "7 小时后"),
    ],
)
def test_a_near_time_is_told_as_a_distance(distance, english, chinese):
    assert (_ago(distance, "en"), _ago(distance, "zh")) == (english, chinese)


@pytest.mark.parametrize(
    ("duration", "told"),
    [
        (timedelta(days=90), (90, "day")),
        (timedelta(hours=36), (36, "hour")),
        (timedelta(minutes=10), (10, "minute")),
        (timedelta(seconds=90), (90, "second")),
        (timedelta(milliseconds=250), (250, "millisecond")),
    ],
)
def test_a_time_of_the_configuration_is_told_in_one_unit(duration, told):
    assert in_one_unit(duration) == told
