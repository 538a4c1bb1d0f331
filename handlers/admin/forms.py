"""The fields of a form or a query, read without ever tripping over what a browser would not send."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import parse_qsl

from passport.errors.dashboard import InvalidForm

MOST_FIELDS = 2_000


class Form:
    """What was filled in. A field that is missing is empty.

    Args:
        encoded: application/x-www-form-urlencoded.

    Raises:
        InvalidForm: it is not, not in UTF-8, or has too many fields.
    """

    def __init__(self, encoded: bytes | str) -> None:
        try:
            text = encoded.decode("utf-8") if isinstance(encoded, bytes) else encoded
            self.pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
        except ValueError as error:
            raise InvalidForm from error

    def text(self, name: str, default: str = "", *, most: int = 200) -> str:
        """The last value of the field, stripped.

        Raises:
            InvalidForm: it is longer than the page lets anybody type, or holds a NUL.
        """
        values = self.all(name)
        value = values[-1].strip() if values else default
        if len(value) > most or "\0" in value:
            raise InvalidForm(f"The field {name} is too long or malformed.")
        return value

    def secret(self, name: str, *, most: int = 1_000) -> str:
        """The last value of the field to the letter: blanks are part of a password.

        Raises:
            InvalidForm: it is far longer than any password may be.
        """
        values = self.all(name)
        if values and len(values[-1]) > most:
            raise InvalidForm(f"The field {name} is too long.")
        return values[-1] if values else ""

    def all(self, name: str) -> list[str]:
        """Every value of the field, in order."""
        return [value for key, value in self.pairs if key == name]

    def flag(self, name: str) -> bool:
        """Whether the box is ticked."""
        return any(value not in ("", "0") for value in self.all(name))

    def choice(self, name: str, allowed: Collection[str], default: str) -> str:
        """The value when it is one of those offered, else the default."""
        values = self.all(name)
        return values[-1] if values and values[-1] in allowed else default
