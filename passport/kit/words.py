"""A text in both languages of the kit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """The same in Chinese and in English. Without English it is a text that the console has in Chinese only."""

    zh: str
    en: str = ""

    def of(self, language: str) -> str:
        """The text in this language, `zh` or `en`."""
        return self.zh if language == "zh" else self.en or self.zh
