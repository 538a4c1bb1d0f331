"""What an operator is told once, on the page after an act: a key of this table and its parameters, in a cookie.

The texts are ours, and the parameters are escaped like everything else, so a forged cookie says nothing of its own.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

from handlers.translations import N_

COOKIE = "__Host-told"
_LONGEST_PARAMETER = 100

TOLD: dict[str, str] = {
    "preferences.saved": N_("Saved."),
    "key.published": N_("Key %(kid)s… is published. It signs from %(at)s on."),
    "key.withdrawn": N_("Key %(kid)s… is withdrawn."),
    "key.ended": N_("Key %(kid)s… is ended, and %(heir)s… signs now. All servers follow within a minute."),
    "audit.checking": N_("The check goes on. Reload the page in a moment to see what came of it."),
    "operator.password_set": N_("Your password is set. Sign in with it."),
    "operator.password_changed": N_("Your password is changed, and you are signed out everywhere else."),
    "operator.session_ended": N_("That device is signed out."),
    "operator.sessions_ended": N_("All other devices are signed out."),
    "operator.second_factor_off": N_("The second factor is off."),
    "operator.role_changed": N_("%(name)s has another role now, and signs in anew."),
    "operator.disabled": N_("%(name)s is disabled and signed out everywhere."),
    "operator.enabled": N_("%(name)s can sign in again."),
    "operator.second_factor_reset": N_(
        "%(name)s signs in by the password alone, until they turn the second factor on."
    ),
    "users.found_by_token": N_(
        "This is whom the token is about. It was not verified; look it up to know whether it counts."
    ),
    "users.token_of_nobody": N_(
        "The token is about no account here. It was not verified; look it up to know more."
    ),
    "users.secret": N_("That is a secret, which is not searched for. Look it up to know whose it is."),
    "users.token_in_address": N_(
        "A token does not belong in an address. Paste it into the search box, and end its session if others may have "
        "seen it."
    ),
    "user.banned": N_("%(name)s is banned. Every session has ended."),
    "user.unbanned": N_("%(name)s is no longer banned and can sign in again."),
    "user.undone": N_("Undone. %(name)s is as before."),
    "user.undone_ban": N_(
        "Undone. The sessions that the ban ended stay ended; %(name)s has to sign in again."
    ),
    "user.noted": N_("The note on %(name)s is saved."),
    "user.tagged": N_("The tags of %(name)s are saved."),
    "user.session_ended": N_("%(name)s is signed out on that device."),
    "user.session_over": N_("That session of %(name)s was over already."),
    "user.sessions_ended": N_("%(name)s is signed out everywhere."),
    "user.removed_nickname": N_("The nickname is removed. This account is now called %(name)s."),
    "user.removed_picture": N_("The picture of %(name)s is removed."),
    "user.erased": N_("The account is erased. No token of it counts any more."),
    "user.pair_settled": N_("Settled: the two accounts are no longer shown as possibly one person."),
    "user.pair_reopened": N_("The notice is back on both accounts."),
    "user.unionid_taken": N_("%(name)s has the new unionid."),
    "user.unionid_kept": N_("The unionid of %(name)s stays as it is."),
}


def encode_told(key: str, parameters: Mapping[str, str]) -> str:
    """The cookie's value."""
    assert key in TOLD, f"add {key} to TOLD"
    clipped = {name: value[:_LONGEST_PARAMETER] for name, value in parameters.items()}
    return urlsafe_b64encode(json.dumps([key, clipped]).encode()).decode()


def decode_told(cookie: str) -> tuple[str, dict[str, str]] | None:
    """The key and the parameters; None for what is not ours."""
    try:
        key, parameters = json.loads(urlsafe_b64decode(cookie.encode()))
        clean = {str(name): str(value) for name, value in parameters.items()}
        _ = TOLD[key] % clean
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return key, clean
