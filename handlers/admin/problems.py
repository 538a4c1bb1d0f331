"""What is said beside a field of the forms about operators, when what was typed is not taken."""

from __future__ import annotations

from handlers.translations import N_

PROBLEMS: dict[str, str] = {
    "name": N_("Use 1 to 40 letters or digits; spaces and . _ - ' @ may stand between them."),
    "name_taken": N_("Another operator has this name."),
    "too_short": N_("Use at least 15 characters. Four unrelated words are easy to remember."),
    "too_long": N_("Use at most 128 characters."),
    "unprintable": N_("Use characters that can be seen."),
    "easily_guessed": N_(
        "This is among the first that would be guessed. Use words that have nothing to do with each other."
    ),
    "different": N_("This is not the same as the password above."),
    "wrong_password": N_(
        "This is not your password, or there were too many tries. Wait a moment after several."
    ),
    "wrong_code": N_(
        "This code is wrong or was used already. Wait for the next one; the phone's clock must be right."
    ),
    "wrong_recovery": N_("There is no such code, or it was used already."),
    "locked_code": N_("Too many wrong codes. Wait 15 minutes, or use a recovery code."),
    "locked_recovery": N_("Too many wrong codes. Wait 15 minutes, then try again."),
}
# The name is among the fields; all others are about the password.
_FIELDS = {"name": "name", "name_taken": "name"}


def field_of(problem: str) -> str:
    """Beside which field it is said."""
    return _FIELDS.get(problem, "password")
