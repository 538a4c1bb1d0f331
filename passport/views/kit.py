"""What the page of the hand-off kit shows: the checklist of one mini-program, in the page's language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from passport.config import App
from passport.kit.checklist import Checklist, Step, fault_words


@dataclass(frozen=True)
class AppChoice:
    """A mini-program that the page can show."""

    appid: str
    name: str
    chosen: bool


@dataclass(frozen=True)
class EntryRow:
    """One thing to do; `anchor` is the id of the value, which a button copies."""

    anchor: str
    field: str
    value: str | None
    why: str


@dataclass(frozen=True)
class StepCard:
    """What is done in one place of the console; `place` is the console's own words, or empty."""

    name: str
    number: int
    title: str
    place: str
    rows: tuple[EntryRow, ...]


@dataclass(frozen=True)
class KitView:
    """The page.

    Args:
        apps: all of them.
        appid: of the one shown.
        base_url: what config.js says.
        faults: why it cannot be released, each a sentence or two.
        steps: what to do.
        problem: whether the kit cannot be made; then there are no steps.
    """

    apps: tuple[AppChoice, ...]
    appid: str
    base_url: str = ""
    faults: tuple[str, ...] = ()
    steps: tuple[StepCard, ...] = ()
    problem: bool = False


def app_choices(apps: Sequence[App], appid: str) -> tuple[AppChoice, ...]:
    """The mini-programs, and which one is shown."""
    return tuple(AppChoice(app.appid, app.name or "", app.appid == appid) for app in apps)


def kit_view(checklist: Checklist, apps: tuple[AppChoice, ...], language: str) -> KitView:
    """The page of this checklist."""
    address = checklist.base_url
    return KitView(
        apps=apps,
        appid=checklist.appid,
        base_url=address,
        faults=tuple(fault_words(fault, address).of(language) for fault in checklist.faults),
        steps=tuple(_card(step, number, language) for number, step in enumerate(checklist.steps, 1)),
    )


def _card(step: Step, number: int, language: str) -> StepCard:
    rows = (
        EntryRow(f"{step.name}-{index}", entry.field.of(language), entry.value, entry.why.of(language))
        for index, entry in enumerate(step.entries, 1)
    )
    return StepCard(step.name, number, step.title.of(language), step.place.of(language), tuple(rows))
