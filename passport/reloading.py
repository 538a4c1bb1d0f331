"""What another configuration can change while the server runs, and what it cannot."""

from __future__ import annotations

import logging
from collections.abc import Callable

from passport.config import Settings
from passport.config_sources import ConfigError, secret_key_of

log = logging.getLogger("wxpassport.workers")

_BOUND = ("host", "port")
_EMBEDDED = ("uri", "data_dir", "binary", "cache_mb")


def read_again(load: Callable[[], Settings], *, configured: Settings, running: Settings) -> Settings | None:
    """The settings to go on with; None, and every fault in the log, when the configuration has some.

    Args:
        load: reads the configuration as it is now.
        configured: as at the start.
        running: what came of it, with the port that was found.
    """
    try:
        settings, fixed = reloaded(load(), configured=configured, running=running)
        secret_key_of(settings)
    except ConfigError as error:
        log.error("the new configuration is refused, the old goes on", extra={"faults": error.faults})
        return None
    except Exception:
        # Whatever it is, it is no reason to end a server that serves.
        log.exception("the new configuration cannot be read, the old goes on")
        return None
    if fixed:
        log.warning("only a restart changes these settings", extra={"settings": fixed})
    return settings


def reloaded(new: Settings, *, configured: Settings, running: Settings) -> tuple[Settings, tuple[str, ...]]:
    """The settings to go on with, out of those that are `new`, and the names of those that only a restart changes."""
    kept = [("server", name) for name in _BOUND]
    if configured.mongodb.embedded or new.mongodb.embedded:
        kept += [("mongodb", name) for name in _EMBEDDED]
    changed = tuple(
        f"{section}.{name}"
        for section, name in kept
        if getattr(getattr(new, section), name) != getattr(getattr(configured, section), name)
    )
    sections = {
        section: getattr(new, section).model_copy(
            update={name: getattr(getattr(running, section), name) for of, name in kept if of == section}
        )
        for section in {section for section, _ in kept}
    }
    return new.model_copy(update=sections), changed
