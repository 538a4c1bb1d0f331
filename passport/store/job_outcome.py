"""What one batch of a job comes to, collected user by user, before it is written in one go."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bson import ObjectId
from pymongo import UpdateOne

from passport.jobs.model import Why
from passport.store.job_acts import Change, Unable

log = logging.getLogger("wxpassport.jobs")

Document = dict[str, Any]


@dataclass(slots=True)
class Outcome:
    """What is to be written, collected user by user."""

    users: list[ObjectId] = field(default_factory=list)
    writes: list[UpdateOne] = field(default_factory=list)
    notes: list[Document] = field(default_factory=list)
    failures: list[Document] = field(default_factory=list)
    unmarked: list[Document] = field(default_factory=list)
    skipped: int = 0
    failed: int = 0

    def add(self, user: ObjectId, found: Change | None) -> bool:
        """Take the change in; False, and one more skipped, when there is none."""
        if found is None:
            self.skipped += 1
            return False
        self.users.append(user)
        self.writes.append(UpdateOne({"_id": user}, found.update))
        if found.epoch is not None:
            self.unmarked.append({"user_id": user, "epoch": found.epoch})
        return True

    @contextmanager
    def unless_it_fails(self, user: ObjectId) -> Iterator[None]:
        """Decide about one user, and note it when that cannot be done; the others go on."""
        try:
            yield
        except Unable as error:
            self.fail(user, error.why)
        except (TypeError, ValueError, KeyError):
            # The document is not of our form, and the log says which.
            log.warning("a user's document is not as we write it", extra={"account_id": str(user)})
            self.fail(user, Why.REFUSED)

    def fail(self, user: ObjectId, why: Why) -> None:
        """Note a user that could not be acted on."""
        self.failed += 1
        self.tell(user, why)

    def tell(self, user: ObjectId, why: Why) -> None:
        """Name a user in the result."""
        self.failures.append({"user_id": user, "why": why.value})

    def counts(self, name: str) -> Document:
        """What to add to the job's numbers of this name."""
        changed = len(self.writes)
        done = changed + self.skipped + self.failed
        parts = {"done": done, "changed": changed, "skipped": self.skipped, "failed": self.failed}
        return {f"{name}.{part}": count for part, count in parts.items()}
