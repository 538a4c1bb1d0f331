"""What the acts in the audit log are called. One without a name here is shown by its kind."""

from __future__ import annotations

from collections.abc import Callable

from handlers.translations import N_

NAMES: dict[str, str] = {
    "user.banned": N_("Banned a user"),
    "user.unbanned": N_("Lifted a ban"),
    "user.undone": N_("Undid an act"),
    "user.noted": N_("Changed a note"),
    "user.tagged": N_("Changed tags"),
    "user.revealed": N_("Revealed what is masked"),
    "user.exported": N_("Exported a user's data"),
    "user.erased": N_("Erased a user"),
    "user.profile_removed": N_("Removed a part of a profile"),
    "user.session_ended": N_("Ended a session of a user"),
    "user.sessions_ended": N_("Ended all sessions of a user"),
    "user.pair_settled": N_("Settled a possible duplicate"),
    "user.pair_reopened": N_("Reopened a possible duplicate"),
    "user.unionid_taken": N_("Took a new unionid for a user"),
    "user.unionid_kept": N_("Kept the unionid of a user"),
    "users.exported": N_("Exported users"),
    "job.started": N_("Started a job"),
    "job.stop_asked": N_("Asked a job to stop"),
    "job.undo_asked": N_("Asked to undo a job"),
    "job.done": N_("A job was done"),
    "job.stopped": N_("A job stopped early"),
    "job.undone": N_("A job was undone"),
    "operator.added": N_("Added an operator"),
    "operator.enabled": N_("Enabled an operator"),
    "operator.disabled": N_("Disabled an operator"),
    "operator.role_changed": N_("Changed a role"),
    "operator.signed_in": N_("Signed in"),
    "operator.signed_out": N_("Signed out"),
    "operator.refused": N_("Was refused at sign-in"),
    "operator.code_refused": N_("Entered a wrong code"),
    "operator.confirmed": N_("Confirmed who they are"),
    "operator.password_set": N_("Set a password"),
    "operator.password_changed": N_("Changed their password"),
    "operator.password_reset": N_("Reset a password"),
    "operator.recovery_codes_renewed": N_("Renewed recovery codes"),
    "operator.second_factor_on": N_("Turned the second factor on"),
    "operator.second_factor_off": N_("Turned the second factor off"),
    "operator.second_factor_reset": N_("Reset a second factor"),
    "operator.session_ended": N_("Ended a session of their own"),
    "operator.sessions_ended": N_("Signed out everywhere"),
    "key.rotate": N_("Published the next signing key"),
    "key.retire": N_("Withdrew a signing key"),
    "key.revoke": N_("Ended a signing key at once"),
    "audit.verified": N_("Verified the audit log"),
    "audit.exported": N_("Exported the audit log"),
}
# The fields of what an act changed, and the values that are words of ours.
FIELDS: dict[str, str] = {
    "status": N_("status"),
    "reason": N_("reason"),
    "until": N_("until"),
    "shown": N_("shown to the user"),
    "note": N_("note"),
    "tags": N_("tags"),
    "field": N_("field"),
    "role": N_("role"),
    "disabled": N_("disabled"),
    "second_factor": N_("second factor"),
    "session": N_("session"),
    "sessions": N_("sessions"),
    "count": N_("number"),
    "format": N_("format"),
    "sound": N_("unaltered"),
    "entries": N_("entries checked"),
    "entry": N_("first bad entry"),
    "fault": N_("what is wrong"),
    "operator": N_("operator's name"),
    "other": N_("other account"),
    "undone": N_("what was undone"),
    "action": N_("what to do"),
    "filter": N_("to whom"),
    "matched": N_("how many matched"),
    "done": N_("looked at"),
    "changed": N_("changed"),
    "skipped": N_("were so already"),
    "failed": N_("failed"),
    "why": N_("why it stopped"),
    "tag": N_("tag"),
}
VALUES: dict[str, dict[str, str]] = {
    "action": {
        "ban": N_("Ban"),
        "unban": N_("Lift the ban"),
        "tag": N_("Add a tag"),
        "untag": N_("Remove a tag"),
        "end_sessions": N_("End sessions"),
    },
    "status": {"active": N_("Active"), "banned": N_("Banned")},
    "role": {"viewer": N_("Viewer"), "operator": N_("Operator"), "admin": N_("Admin")},
    "field": {"phone": N_("Phone"), "nickname": N_("Nickname"), "picture": N_("Picture")},
}
FAILED = ".failed"


def name_of(kind: str, translate: Callable[[str], str]) -> str:
    """The name in the page's language; a kind that nobody named is told as it is."""
    known = NAMES.get(kind.removesuffix(FAILED))
    if known is None:
        return kind
    name = translate(known)
    return translate(N_("%(act)s: failed")) % {"act": name} if kind.endswith(FAILED) else name


def field_of(name: str, translate: Callable[[str], str]) -> str:
    """The name of a field in the page's language; one that is not named here is told as it is."""
    known = FIELDS.get(name.rpartition(".")[2])
    return translate(known) if known else name


def value_of(name: str, value: str, translate: Callable[[str], str]) -> str:
    """The value in the page's language when it is a word of ours. What somebody typed never is."""
    field = name.rpartition(".")[2]
    if field == "field":
        # Of several openids it is the app beside it that tells which, not the number.
        value = value.partition(".")[0]
    known = VALUES.get(field, {}).get(value)
    return translate(known) if known else value
