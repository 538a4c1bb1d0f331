"""The stand-in's state: who is who, which key is valid, which code still works."""

import base64
import hashlib
import json
import re

import pytest
from Crypto.Cipher import AES
from Crypto.Util.Padding import unpad

from sandbox import people as people_module
from sandbox.code2session import code2session
from sandbox.faults import MODES, Faults
from sandbox.identities import CODE_ALPHABET
from sandbox.payloads import ANONYMOUS
from sandbox.people import People, payload_for
from sandbox.recent import Recent
from sandbox.wire import FAULTS

APPID, SECRET = "wx00000000000000aa", "secret-a"
OTHER_APPID = "wx00000000000000bb"


class Clock:
    """A clock that stands still until told otherwise."""

    def __init__(self, at: float = 1_700_000_000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def people(clock):
    return People({APPID: SECRET, OTHER_APPID: "secret-b"}, now=clock)


def call(people, code, **changes):
    query = {"appid": APPID, "secret": SECRET, "js_code": code, "grant_type": "authorization_code"}
    return code2session(query | changes, people)


def decrypt(fields, session_key):
    cipher = AES.new(base64.b64decode(session_key), AES.MODE_CBC, base64.b64decode(fields["iv"]))
    return unpad(cipher.decrypt(base64.b64decode(fields["encryptedData"])), 16).decode()


def test_everything_wechat_gives_out_has_wechats_shape(people):
    login = people.login("mei")
    session = call(people, login["code"])
    assert list(login) == ["code", "encryptedData", "iv", "rawData", "signature"]
    assert len(login["code"]) == 32
    assert set(login["code"]) <= set(CODE_ALPHABET)
    assert re.fullmatch(r"o[A-Za-z0-9_-]{27}", session["openid"])
    assert re.fullmatch(r"[A-Za-z0-9_-]{28}", session["unionid"])
    assert len(base64.b64decode(session["session_key"], validate=True)) == 16
    assert "errcode" not in session


def test_a_person_is_the_same_in_every_login_and_after_a_restart(people):
    first, second = (call(people, people.login("bo")["code"]) for _ in range(2))
    restarted = People({APPID: SECRET})
    assert first["openid"] == second["openid"] == restarted.openid("bo")
    assert first["unionid"] == second["unionid"] == restarted.unionid("bo")


def test_openids_differ_between_apps_and_the_unionid_does_not(people):
    assert people.openid("bo", APPID) != people.openid("bo", OTHER_APPID)
    assert people.unionid("bo", APPID) == people.unionid("bo", OTHER_APPID)


def test_nobody_in_particular_is_a_new_visitor_each_time(people):
    openids = {call(people, people.login()["code"])["openid"] for _ in range(5)}
    assert len(openids) == 5


def test_an_unbound_app_gives_no_unionid_until_it_is_bound(people):
    people.unbind(APPID)
    login = people.login("mei")
    session = call(people, login["code"])
    assert "unionid" not in session
    assert "unionId" not in decrypt(login, session["session_key"])
    people.bind(APPID)
    assert call(people, people.login("mei")["code"])["unionid"] == people.unionid("mei")


def test_a_code_works_once(people):
    code = people.login("mei")["code"]
    assert "openid" in call(people, code)
    assert call(people, code)["errcode"] == 40163


def test_a_code_expires_after_five_minutes(people, clock):
    early, late = people.login("mei")["code"], people.login("mei")["code"]
    clock.at += 299
    assert "openid" in call(people, early)
    clock.at += 1
    assert call(people, late)["errcode"] == 40029


def test_a_code_of_another_app_is_invalid_and_stays_unused(people):
    code = people.login("mei", OTHER_APPID)["code"]
    assert call(people, code)["errcode"] == 40029
    assert "openid" in call(people, code, appid=OTHER_APPID, secret="secret-b")


def test_wx_login_replaces_the_session_key_unless_told_to_keep_it(people):
    keys = [call(people, people.login("mei")["code"])["session_key"] for _ in range(2)]
    kept = call(people, people.login("mei", rotate=False)["code"])["session_key"]
    assert keys[0] != keys[1]
    assert kept == keys[1] == people.session_key("mei")


def test_data_fetched_before_wx_login_does_not_decrypt_with_the_new_key(people):
    key_before = people.session_key("mei")
    login = people.login("mei", order="wrong")
    session_key = call(people, login["code"])["session_key"]
    assert session_key != key_before
    assert json.loads(decrypt(login, key_before))["openId"] == people.openid("mei")
    with pytest.raises(ValueError, match=r"adding|decode|Expecting|Extra|Invalid"):
        json.loads(decrypt(login, session_key))


def test_the_two_calls_of_the_phone_decrypt_together_in_one_order_alone(people):
    before = people.get_user_info("mei")
    code = people.wx_login("mei")
    key = people.redeem(code, APPID)["session_key"]
    assert key == people.session_key("mei")
    assert json.loads(decrypt(people.get_user_info("mei"), key))["openId"] == people.openid("mei")
    with pytest.raises(ValueError, match=r"adding|decode|Expecting|Extra|Invalid"):
        json.loads(decrypt(before, key))


def test_check_session_holds_from_a_wx_login_until_the_key_is_replaced(people):
    assert not people.check_session("mei")
    people.wx_login("mei")
    assert people.check_session("mei")
    people.expire_session_key("mei")
    assert not people.check_session("mei")


def test_a_code_has_an_owner(people):
    assert people.owner(people.wx_login("mei")) == "mei"
    assert people.owner(people.phone_code("bo")) == "bo"
    assert people.owner("nobody's") is None


def test_data_fetched_before_a_wx_login_that_keeps_the_key_decrypts(people):
    login = people.login("mei", order="wrong", rotate=False)
    assert "openId" in decrypt(login, call(people, login["code"])["session_key"])


def test_the_payload_is_todays_anonymous_profile_in_wechats_order(people, clock):
    login = people.login("bo")
    assert json.loads(decrypt(login, people.session_key("bo"))) == {
        "openId": people.openid("bo"),
        **ANONYMOUS,
        "unionId": people.unionid("bo"),
        "watermark": {"timestamp": int(clock.at), "appid": APPID},
    }
    assert list(json.loads(decrypt(login, people.session_key("bo")))) == [
        *("openId", "nickName", "gender", "language", "city", "province", "country", "avatarUrl"),
        *("unionId", "watermark"),
    ]


def test_emoji_and_chinese_are_raw_utf_8_in_payload_and_raw_data(people):
    nickname = "🐲👩‍👧‍👦🇨🇳é 𠮷野家"
    login = people.login("bo", profile={"nickName": nickname})
    assert f'"nickName":"{nickname}"' in decrypt(login, people.session_key("bo"))
    assert login["rawData"].startswith(f'{{"nickName":"{nickname}","gender":0,')


def test_raw_data_names_nobody_and_its_signature_is_sha1_with_the_key(people):
    login = people.login("mei")
    assert not {"openId", "unionId", "watermark"} & set(json.loads(login["rawData"]))
    assert json.loads(login["rawData"])["nickName"] == "小美🌸"
    signed = (login["rawData"] + people.session_key("mei")).encode()
    assert login["signature"] == hashlib.sha1(signed, usedforsecurity=False).hexdigest()


def test_user_profile_payloads_carry_no_identity(people):
    data = json.loads(decrypt(people.login("bo", with_openid=False), people.session_key("bo")))
    assert not {"openId", "unionId"} & set(data)


def test_a_profile_can_forge_what_wechat_would_never_send(people):
    forged = {"openId": "o" * 28, "watermark": {"timestamp": 1, "appid": "wx"}, "demo": True}
    data = json.loads(decrypt(people.login("bo", profile=forged), people.session_key("bo")))
    assert data.items() >= forged.items()


def test_the_watermark_may_be_given(people):
    login = people.login("bo", timestamp=1477314187)
    assert json.loads(decrypt(login, people.session_key("bo")))["watermark"]["timestamp"] == 1477314187


@pytest.mark.parametrize(
    "wrong",
    [{"person": "no spaces"}, {"person": ""}, {"appid": "wx1"}, {"order": "left"}, {"person": "x" * 65}],
)
def test_a_login_that_cannot_be_is_refused(people, wrong):
    with pytest.raises(ValueError, match=r"name|appid|order"):
        people.login(**wrong)


def test_a_scripted_code_burns_unless_reusable_and_never_expires(people, clock):
    people.script("once", openid="oA", session_key="kA")
    people.script("often", openid="oB", session_key="kB", unionid="uB", reusable=True)
    clock.at += 10_000
    assert call(people, "once") == {"session_key": "kA", "openid": "oA"}
    assert call(people, "once")["errcode"] == 40163
    for _ in range(2):
        assert call(people, "often") == {"session_key": "kB", "openid": "oB", "unionid": "uB"}


def test_old_codes_are_forgotten_so_that_memory_is_bounded(people, monkeypatch):
    monkeypatch.setattr(people, "_codes", Recent(3))
    codes = [people.login()["code"] for _ in range(4)]
    assert call(people, codes[0])["errcode"] == 40029
    assert "openid" in call(people, codes[1])
    assert people_module.MAX_CODES <= 100_000


def test_auto_codes_need_no_minting_and_match_their_payload(clock):
    people = People({APPID: SECRET}, now=clock, auto_codes=True)
    first, again = call(people, "bench-7-x"), call(people, "bench-7-y")
    assert first == again
    assert call(people, "bench-8-x")["openid"] != first["openid"]
    for fields in (people.payload_for(7), payload_for(7, int(clock.at), APPID)):
        data = json.loads(decrypt(fields, first["session_key"]))
        assert (data["openId"], data["unionId"]) == (first["openid"], first["unionid"])
        assert data["watermark"] == {"timestamp": int(clock.at), "appid": APPID}


def test_auto_codes_are_unknown_by_default(people):
    assert call(people, "bench-7-x")["errcode"] == 40029


def test_faults_come_in_order_and_as_often_as_asked():
    faults = Faults()
    faults.set("errcode", errcode=-1, times=2)
    faults.then("ok", times=1)
    faults.then("reset", burns=True)
    seen = [faults.take() for _ in range(5)]
    assert [fault and fault.mode for fault in seen] == ["errcode", "errcode", None, "reset", "reset"]
    assert seen[4].burns
    assert faults.describe()[0]["times"] is None
    faults.clear()
    assert faults.take() is None
    assert faults.describe() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "explode"},
        {"mode": "reset", "times": 0},
        {"mode": "slow", "delay": -1},
        {"mode": "slow", "speed": 1},
        {"mode": "redirect", "location": "http://example.com/"},
        {"mode": "redirect", "location": "http://localhost/"},
        {"mode": "redirect", "location": "file:///etc/passwd"},
        {"mode": "redirect", "location": "http://[::1"},
    ],
)
def test_a_fault_that_cannot_be_is_refused_and_changes_nothing(wrong):
    faults = Faults()
    faults.set("hang")
    with pytest.raises(ValueError, match="validation error"):
        faults.set(**wrong)
    assert faults.take().mode == "hang"


def test_a_fault_for_one_person_is_for_nobody_else_and_can_be_taken_back():
    faults = Faults()
    faults.set("hang", user="mei")
    assert faults.take("/sns/jscode2session", "bo") is None
    assert faults.take("/cgi-bin/stable_token") is None
    assert faults.take("/sns/jscode2session", "mei").mode == "hang"
    faults.spare("bo")
    assert faults.take("/sns/jscode2session", "mei")
    faults.spare("mei")
    assert faults.describe() == []


def test_every_mode_can_be_played():
    assert {"ok", *FAULTS} == set(MODES)
