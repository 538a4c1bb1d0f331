"""What the playground's scripts say, in the page's language: English where it stands, Chinese from `locale/`."""

from __future__ import annotations

from collections.abc import Callable

from handlers.language import Language
from handlers.translations import translations


def words(language: Language) -> dict[str, str]:
    """The texts by the names that the scripts call them; `{…}` in one is filled in there."""
    _: Callable[[str], str] = translations(language).gettext
    return {
        # Lanes
        "phone": _("Mini-program"),
        "server": "wxpassport",
        "wechat": _("WeChat"),
        # State of a run
        "idle": _("Ready"),
        "running": _("Running"),
        "done": _("Done"),
        "failed": _("Refused"),
        "arrows": _("{count} arrows"),
        "milliseconds": _("{count} ms"),
        "seconds": _("{count} s"),
        "says_step": _("Step {number}: {from} to {to}, {label}"),
        "says_note": _("Note: {label}"),
        # The phone
        "signed_out": _("Not signed in"),
        "signed_in": _("Signed in as"),
        "background": _("To background"),
        "foreground": _("Back to the app"),
        "in_background": _("In the background. After five seconds WeChat interrupts what is under way."),
        # Notes between the arrows
        "note_tap": _("Second tap: shares the login under way"),
        "note_expired_key": _("A second device logs in: WeChat replaces the session_key"),
        "note_slow": _("WeChat takes two seconds for its next answer"),
        "note_down": _("WeChat answers 503 once"),
        "note_banned": _("An operator bans the account"),
        "note_aged": _("An hour passes: the access_token expires"),
        "note_ended": _("An operator ends all sessions of the account"),
        "note_before": _("Signed in first ({count} arrows left out)"),
        "note_wait": _("Waits {count} s, as Retry-After says"),
        "note_hidden": _("The app goes to the background"),
        "note_shown": _("The app is back"),
        # What a run came to
        "result_login_new": _("Signed in. A new account, and the whole first visit on one code."),
        "result_login_known": _("Signed in. The account was there already."),
        "result_call": _("GET /accounts/me answered 200."),
        "result_ten": _("All ten answered 200."),
        "result_logout": _("Signed out: the session has ended, here and on the server."),
        "result_logout_nobody": _("Nobody was signed in, so there was nothing to end."),
        "result_slow": _("Signed in. The user waited, and nothing broke."),
        "result_down": _("Signed in at the second attempt: the client waited as long as Retry-After said."),
        "result_aged": _("Ten answers of 401, one refresh, ten answers of 200."),
        "result_ended": _("The refresh token was dead, so the client signed in anew and repeated the call."),
        "client": _("What the mini-program gets"),
        "operator": _("What the operator sees"),
        "operator_nothing": _("Nothing: no request was refused."),
        "operator_link": _("Open in the dashboard"),
        "success": _("Success"),
        # The inspector
        "request": _("Request"),
        "answer": _("Answer"),
        "arguments": _("Arguments"),
        "result": _("Result"),
        "headers": _("Headers"),
        "no_body": _("No body"),
        "no_answer": _("No answer yet"),
        "show_all": _("show all {count}"),
        "which": _("{number} of {count}"),
        "previous": _("Previous call"),
        "next": _("Next call"),
        "key_stays": _(
            "The session_key stays on the server. It was taken out before this page heard of the answer, as was "
            "the AppSecret, and the mini-program never gets it."
        ),
        "aged_sent": _("Sent as it will be once its time is up: this is the expired token."),
        # The token
        "claim_iss": _("who issued it"),
        "claim_sub": _("the account_id"),
        "claim_aud": _("for whom it is"),
        "claim_client_id": _("the mini-program"),
        "claim_iat": _("issued"),
        "claim_exp": _("expires"),
        "claim_jti": _("this very token"),
        "claim_sid": _("the session"),
        "claim_alg": _("signature algorithm"),
        "claim_typ": _("type (RFC 9068)"),
        "claim_kid": _("the key, in jwks.json"),
    }
