"""The hand-off kit: which files, what is filled in, what the checklist says, and that no secret is in it."""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from passport.config import Settings
from passport.kit.folder import CONFIG, PROJECT, SOURCE, KitBroken
from passport.kit.making import Kit, UnknownApp, make_kit
from passport.kit.writing import FolderRefused, write_folder, zipped

APPID, OTHER = "wx4f4bc4dec97d474b", "wx0123456789abcdef"
SECRET, OTHER_SECRET = "5f0c1e9ad8b7426e93d1c0a4b7e8f625", "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
PUSH = {"token": "pushtokenofours", "encoding_aes_key": "kWxPd93jrTqLmZy5cVbN0sHgF7aUeIoR2wQ4tY6uJ8x"}
EXPORTS = "module.exports = {\n  baseUrl: 'https://x.example',\n  appid: 'wx0',\n  login: \"code\",\n}\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A small mini-program, with what a developer's tools leave in it."""
    folder = tmp_path / "miniprogram"
    for name, text in {
        "config.js": "// appid: 'wx1'\n/** @type {{ login: 'code' }} */\n" + EXPORTS,
        "project.config.json": '{"appid": "wx0", "projectname": "x", "setting": {"es6": true}}',
        "app.js": "App({})",
        "pages/index/index.wxml": '<button open-type="chooseAvatar">选择头像</button>',
        "project.private.config.json": "{}",
        "node_modules/left/pad.js": "",
        "miniprogram_npm/left/pad.js": "",
        ".eslintrc.js": "",
        ".idea/workspace.xml": "",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "link.js").symlink_to("/etc/hostname")
    return folder


def settings(public_url: str | None = "https://login.example.com", **app: Any) -> Settings:
    apps = [{"appid": APPID, "secret": SECRET, "name": "茶馆", "push": PUSH} | app]
    return Settings.model_validate({"wechat": {"apps": apps}, "server": {"public_url": public_url}})


def values(kit: Kit) -> dict[str, str]:
    """What config.js exports."""
    exported = kit.files[CONFIG].decode().partition("module.exports")[2]
    return dict(re.findall(r"^ *(\w+): '((?:[^'\\]|\\.)*)'", exported, re.MULTILINE))


def sheet(kit: Kit, language: str = "en") -> dict[str, dict[str, str | None]]:
    """The checklist: what stands in each field, by step."""
    return {
        step.name: {entry.field.of(language): entry.value for entry in step.entries}
        for step in kit.checklist.steps
    }


# The files


def test_the_kit_has_the_mini_programs_own_files_and_no_others(source: Path) -> None:
    kit = make_kit(settings(), source=source)
    own = {"app.js", "config.js", "pages/index/index.wxml", "project.config.json"}
    assert kit.files.keys() == own | {"CHECKLIST.md"}
    assert kit.files["app.js"] == b"App({})"


def test_the_real_mini_program_differs_in_two_files_alone() -> None:
    files = make_kit(settings()).files
    del files["CHECKLIST.md"]
    assert {name for name in files if files[name] != (SOURCE / name).read_bytes()} == {CONFIG, PROJECT}


@pytest.mark.parametrize("folder", ["source", None], ids=["a small one", "the real one"])
def test_address_appid_and_way_of_signing_in_are_filled_in(
    folder: str | None, request: pytest.FixtureRequest
) -> None:
    where = request.getfixturevalue(folder) if folder else SOURCE
    kit = make_kit(settings(login="code"), source=where)
    assert values(kit) == {"baseUrl": "https://login.example.com", "appid": APPID, "login": "code"}
    project = json.loads(kit.files[PROJECT])
    assert (project["appid"], project["projectname"]) == (APPID, "茶馆")
    assert project["setting"].items() >= {"es6": True, "urlCheck": True}.items()


def test_what_is_filled_in_stays_a_text_whatever_it_holds(source: Path) -> None:
    kit = make_kit(settings("https://a.example/'+alert(1)+'\\\u2028"), source=source)
    assert r"baseUrl: 'https://a.example/\'+alert(1)+\'\\\u2028'," in kit.files[CONFIG].decode()


def test_no_secret_is_in_the_kit(source: Path) -> None:
    kit = make_kit(settings(), source=source)
    everything = b"".join(kit.files.values()) + repr(kit.checklist).encode()
    for secret in (SECRET, PUSH["token"], PUSH["encoding_aes_key"]):
        assert secret.encode() not in everything


def test_who_stands_before_the_host_is_nobodys_business(source: Path) -> None:
    kit = make_kit(settings("https://me:hunter2@login.example.com/a"), source=source)
    assert values(kit)["baseUrl"] == "https://login.example.com/a"
    assert b"hunter2" not in b"".join(kit.files.values())


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("config.js", None, "config.js: no such file"),
        ("project.config.json", None, "project.config.json: no such file"),
        ("config.js", EXPORTS.replace("appid", "id"), "config.js: appid has 0 places"),
        ("config.js", EXPORTS.replace("appid: 'wx0'", "appid: 'wx0',\n  appid: 'wx0'"), "appid has 2 places"),
        ("project.config.json", "[]", "not the JSON object"),
        ("project.config.json", "{", "not the JSON object"),
    ],
)
def test_a_folder_that_is_not_whole_is_told_by_the_file(
    source: Path, name: str, text: str | None, told: str
) -> None:
    (source / name).unlink()
    if text is not None:
        (source / name).write_text(text)
    with pytest.raises(KitBroken, match=re.escape(told)):
        make_kit(settings(), source=source)


# Which app


def test_an_app_must_be_named_only_when_there_are_several(source: Path) -> None:
    other = {"appid": OTHER, "secret": OTHER_SECRET}
    two = Settings.model_validate({"wechat": {"apps": [{"appid": APPID, "secret": SECRET}, other]}})
    assert make_kit(settings(), source=source).checklist.appid == APPID
    assert make_kit(two, OTHER, source=source).checklist.appid == OTHER
    with pytest.raises(UnknownApp, match=f"several mini-programs; choose one with --appid: {APPID}, {OTHER}"):
        make_kit(two, source=source)
    with pytest.raises(UnknownApp, match=f"wx1: no such mini-program.*: {APPID}$"):
        make_kit(settings(), "wx1", source=source)


# The checklist


def test_the_console_gets_the_exact_values(source: Path) -> None:
    told = sheet(make_kit(settings("https://login.example.com:8443/wx"), source=source))
    assert set(told["domains"].values()) == {"https://login.example.com:8443"}
    assert list(told["domains"]) == ["request合法域名", "uploadFile合法域名", "downloadFile合法域名"]
    assert told["pushes"]["URL"] == f"https://login.example.com:8443/wx/wechat/events/{APPID}"
    assert told["pushes"]["消息加密方式"] == "安全模式"
    assert told["verify"]["The server is ready"] == "curl -fsS https://login.example.com:8443/wx/readyz"


def test_what_is_not_configured_is_said_instead_of_a_value(source: Path) -> None:
    told = sheet(make_kit(settings(push=None), source=source))
    assert told["pushes"] == {"wechat.apps[].push": None}


def test_the_privacy_declarations_follow_what_the_files_call(source: Path) -> None:
    def declared() -> list[str]:
        return [field.split(" ")[0] for field in sheet(make_kit(settings(), source=source))["privacy"]]

    assert declared() == ["微信昵称、头像", "设备信息", "操作日志", "存储期限"]
    (source / "app.js").write_text("wx.setClipboardData({}); // getPhoneNumber")
    assert declared() == ["微信昵称、头像", "手机号", "剪切板", "设备信息", "操作日志", "存储期限"]


# WeChat's table of interfaces that need a declaration, but for those that we declare when they are called.
UNDECLARED = (
    r"getLocation|startLocationUpdate|getFuzzyLocation|choosePoi|chooseLocation|chooseAddress|chooseInvoice"
    r"|chooseLicensePlate|chooseMessageFile|getWeRunData|startRecord|RecorderManager|createVKSession|joinVoIPChat"
    r"|<camera|<live-pusher|<voip-room|openBluetoothAdapter|createBLEPeripheralServer|saveImageToPhotosAlbum"
    r"|saveVideoToPhotosAlbum|addPhoneContact|addPhoneCalendar|addPhoneRepeatCalendar|startAccelerometer"
    r"|startCompass|startDeviceMotionListening|startGyroscope"
)


def test_the_mini_program_calls_nothing_that_its_declarations_would_leave_out() -> None:
    called = {
        name: found
        for name, content in make_kit(settings()).files.items()
        if name.endswith((".js", ".wxml")) and (found := re.findall(UNDECLARED, content.decode()))
    }
    assert called == {}


def test_the_mini_programs_readme_names_all_that_has_to_be_declared() -> None:
    kinds = [field.split(" ")[0] for field in sheet(make_kit(settings()))["privacy"]]
    chinese, english = (SOURCE / "README.md").read_text("utf-8").split("## English")
    missing = [kind for kind in kinds[:-1] if kind not in chinese or kind not in english]
    assert missing == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_document_holds_every_value_in_both_languages(source: Path, language: str) -> None:
    kit = make_kit(settings(), source=source)
    halves = dict(zip(("zh", "en"), kit.files["CHECKLIST.md"].decode().split("\n---\n"), strict=True))
    for fields in sheet(kit, language).values():
        for field, value in fields.items():
            assert f"**{field}**" in halves[language]
            assert value is None or value in halves[language]


# An address that WeChat would refuse


def test_without_a_public_url_the_kit_is_for_devtools(source: Path) -> None:
    kit = make_kit(settings(None), source=source)
    assert values(kit)["baseUrl"] == "http://127.0.0.1:8000"
    assert json.loads(kit.files[PROJECT])["setting"]["urlCheck"] is False
    assert [str(fault) for fault in kit.checklist.faults] == ["missing"]
    assert set(sheet(kit)["domains"].values()) == {None}
    assert sheet(kit)["pushes"]["URL"] is None
    document = kit.files["CHECKLIST.md"].decode()
    assert "还不能上线" in document
    assert "Set server.public_url to an https domain" in document


# Where it goes


def test_a_folder_is_written_whole(source: Path, tmp_path: Path) -> None:
    files, out = make_kit(settings(), source=source).files, tmp_path / "new" / "kit"
    write_folder(files, out)
    found = {each.relative_to(out).as_posix(): each.read_bytes() for each in out.rglob("*") if each.is_file()}
    assert found == files


def test_a_folder_that_holds_anything_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FolderRefused, match="not empty; nothing was written"):
        write_folder({"a.js": b""}, tmp_path)
    with pytest.raises(FolderRefused, match="not empty"):
        write_folder({"a.js": b""}, tmp_path / "mine.txt")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("mine.txt", "mine")]


def test_what_cannot_be_written_whole_is_taken_back(tmp_path: Path) -> None:
    out = tmp_path / "kit"
    for folder, left in ((out, []), (tmp_path, [])):
        with pytest.raises(FolderRefused, match="cannot be written"):
            write_folder({"a/b.js": b"", "c.js": b"", "c.js/d.js": b""}, folder)
        assert list(tmp_path.iterdir()) == left
    with pytest.raises(FolderRefused, match="cannot be written"):
        write_folder({"a.js": b""}, Path("/dev/null/kit"))


def test_the_zip_is_the_same_for_the_same_files_and_unpacks_into_one_folder(source: Path) -> None:
    files = make_kit(settings(), source=source).files
    archive = zipped(files, folder="tea")
    assert archive == zipped(dict(reversed(files.items())), folder="tea")
    with ZipFile(BytesIO(archive)) as opened:
        assert {entry.date_time for entry in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {name: opened.read(name) for name in opened.namelist()} == {
            f"tea/{name}": content for name, content in files.items()
        }
