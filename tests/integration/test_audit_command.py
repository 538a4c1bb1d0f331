"""What `audit verify` and `audit export` say, and that a command's own acts are in the log."""

from __future__ import annotations

import io
import json
from argparse import Namespace
from typing import Any

import pytest

from commands import audit, keys
from passport.services import Services, make_signing_keys
from passport.signing_keys import KeyRefusal
from tests.conftest import SECRET_KEY
from tests.integration.test_audit import filled

NOBODY = "k" * 43


async def verified(services: Services, head: Any = None) -> str:
    return await audit.verify(Namespace(head=head), services.admin.audit)


async def test_a_sound_log_is_said_to_be_and_held_against_what_was_anchored(services: Services) -> None:
    assert await verified(services) == (
        f"0 entries, all sound; the head is 0:{services.admin.audit._chain.start.mac.hex()}\n"
        "No head was anchored here, so a cut end would not show: give one with --head SEQ:MAC"
    )
    former, head = await filled(services, 2), await filled(services, 1)
    sound = f"3 entries, all sound; the head is {head}\nIt holds the anchored head"
    assert await verified(services, former) == f"{sound} {former}"
    await services.admin.aclose()
    assert await verified(services) == f"{sound} {head}"


async def test_the_first_bad_entry_is_named_and_how_far_all_is_well(
    services: Services, database: Any
) -> None:
    head = await filled(services, 3)
    database.audit_events.update_one({"_id": 2}, {"$set": {"ip": "192.0.2.8"}})
    with pytest.raises(audit.LogBroken) as broken:
        await verified(services, head)
    assert str(broken.value).splitlines()[0] == (
        "the audit log is not sound: entry 2 was altered, or was not written with this secret_key: "
        "its content does not match its MAC"
    )
    assert "1 entries before it are sound, up to the head 1:" in str(broken.value)


async def test_a_spoilt_anchor_is_told_with_its_cure(services: Services) -> None:
    await filled(services, 1)
    await services.admin.aclose()
    (services.settings.mongodb.data_dir / "audit-head").write_text("1:nonsense")
    with pytest.raises(audit.LogBroken, match="--head SEQ:MAC"):
        await verified(services)


async def test_every_act_is_exported_newest_first_over_many_batches(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passport.audit.service._BATCH", 2)
    await filled(services, 5)
    output = io.BytesIO()
    await audit.export(Namespace(format="jsonl"), services.admin.audit, output)
    lines = [json.loads(line) for line in output.getvalue().splitlines()]
    assert [each["seq"] for each in lines] == [5, 4, 3, 2, 1]
    assert lines[0]["after"] == {"count": 4}
    assert all(each["genuine"] for each in lines)


async def test_what_is_done_to_keys_by_command_is_in_the_log_and_what_failed_too(
    services: Services, database: Any
) -> None:
    signing = make_signing_keys(services.settings, store=services.store, secret_key=SECRET_KEY)
    options = {"now": False, "kid": NOBODY}
    await keys.run(Namespace(action="list", **options), signing, services.admin.audit)
    assert database.audit_events.count_documents({}) == 0
    await keys.run(Namespace(action="rotate", **options), signing, services.admin.audit)
    with pytest.raises(KeyRefusal):
        await keys.run(Namespace(action="retire", **options), signing, services.admin.audit)
    assert [(each["kind"], each["target_id"]) for each in database.audit_events.find().sort("_id")] == [
        ("key.rotate", ""),
        ("key.retire", NOBODY),
        ("key.retire.failed", NOBODY),
    ]
