"""What a pasted text looks like, however it was copied."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport.pasted import Form, recognised

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI2NmYwIn0.c2lnbmF0dXJl"
REFRESH = "wpr_" + "A" * 86
REQUEST, OBJECT = "0123456789abcdef", "66f0c1e9ad8b7426e93d1c0a"
RID = "652d44d0-1d0af18b-5b069232"
OPENID = "oGZUI0egBJY1zhBYw2KhdUfwVJJE"


@pytest.mark.parametrize(
    ("text", "form", "kept"),
    [
        (JWT, Form.JWT, JWT),
        (f"  Bearer {JWT}\n", Form.JWT, JWT),
        (f"Authorization: bearer {JWT}", Form.JWT, JWT),
        (f'"{JWT}"', Form.JWT, JWT),
        (f"{JWT[:20]}\n{JWT[20:]}", Form.JWT, JWT),
        (REFRESH, Form.REFRESH_TOKEN, REFRESH),
        ("wpr_short", Form.REFRESH_TOKEN, "wpr_short"),
        (REQUEST, Form.REQUEST_ID, REQUEST),
        (OBJECT, Form.OBJECT_ID, OBJECT),
        (RID, Form.RID, RID),
        (OPENID, Form.WECHAT_ID, OPENID),
        ("wx4f4bc4dec97d474b", Form.APPID, "wx4f4bc4dec97d474b"),
        ("13900000001", Form.PHONE, "13900000001"),
        ("+86 139 0000 0001", Form.PHONE, "+8613900000001"),
        ("139-0000-0001", Form.PHONE, "13900000001"),
        ("40029", Form.ERRCODE, "40029"),
        ("-1", Form.ERRCODE, "-1"),
        ("小美", Form.UNKNOWN, "小美"),
        (" \n\t", Form.NOTHING, ""),
    ],
)
def test_a_text_alone_is_recognised(text: str, form: Form, kept: str) -> None:
    pasted = recognised(text)
    assert (pasted.form, pasted.text, pasted.alone) == (form, kept, True)


@pytest.mark.parametrize(
    ("text", "form", "kept"),
    [
        (f'{{"access_token":"{JWT}","token_type":"Bearer"}}', Form.JWT, JWT),
        (f'{{"refresh_token": "{REFRESH}"}}', Form.REFRESH_TOKEN, REFRESH),
        (f'{{"error":"invalid_code","request_id":"{REQUEST}"}}', Form.REQUEST_ID, REQUEST),
        (f"X-Request-Id: {REQUEST}", Form.REQUEST_ID, REQUEST),
        (f"invalid code, rid: {RID}", Form.RID, RID),
        (f'{{"account_id":"{OBJECT}"}}', Form.OBJECT_ID, OBJECT),
        (f"用户说登录失败，编号 {REQUEST}，请看一下", Form.REQUEST_ID, REQUEST),
        ('{"errcode":40029,"errmsg":"invalid code"}', Form.ERRCODE, "40029"),
        (f"openid={OPENID}", Form.WECHAT_ID, OPENID),
    ],
)
def test_what_matters_is_found_in_a_longer_text(text: str, form: Form, kept: str) -> None:
    pasted = recognised(text)
    assert (pasted.form, pasted.text, pasted.alone) == (form, kept, False)


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=300))
def test_any_text_is_taken(text: str) -> None:
    assert recognised(text).form in Form


def test_a_huge_text_takes_no_time() -> None:
    for text in ("a." * 1_000_000, "wpr_" * 1_000_000, "0123456789abcdef" * 100_000, "eyJ." * 1_000_000):
        recognised(text)


def test_a_pasted_token_is_in_no_repr() -> None:
    assert JWT not in repr(recognised(JWT))
