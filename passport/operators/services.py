"""Put together what signs operators in and looks after them, for the dashboard and for the command line."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from passport.clock import Now
from passport.config import Settings
from passport.limits import Limiter
from passport.operators.account import OwnAccount
from passport.operators.guessing import CODE, PASSWORD, Guessing
from passport.operators.known_devices import KnownDevices
from passport.operators.links import Links
from passport.operators.passwords import Passwords
from passport.operators.second_factor import SecondFactors
from passport.operators.sessions import OperatorSessions
from passport.operators.sign_in import SignIn
from passport.operators.team import Team
from passport.sealing import Sealer
from passport.store import Store


@dataclass(frozen=True)
class OperatorServices:
    """Who gets in, who there is, and what each does with their own way in."""

    sign_in: SignIn
    team: Team
    account: OwnAccount
    passwords: Passwords

    def close(self) -> None:
        """Hash nothing more."""
        self.passwords.close()


def make_operator_services(
    settings: Settings, *, store: Store, sessions: OperatorSessions, secret_key: bytes, now: Now
) -> OperatorServices:
    """The services, connected to nothing yet.

    Args:
        settings: the configuration.
        store: the database.
        sessions: of the operators.
        secret_key: seals what is secret in the database.
        now: the clock.
    """
    guessed_at = Sealer(secret_key, "operator-guesses")
    passwords = Passwords()
    second_factors = SecondFactors(Sealer(secret_key, "operator-second-factors"))
    sign_in = SignIn(
        members=store.members,
        passwords=passwords,
        password_guesses=Guessing(PASSWORD, store=store.operator_guesses, sealer=guessed_at, now=now),
        code_guesses=Guessing(CODE, store=store.operator_guesses, sealer=guessed_at, now=now),
        second_factors=second_factors,
        devices=KnownDevices(Sealer(secret_key, "operator-devices"), now),
        limits=Limiter(
            settings.limits,
            counters=store.limit_counters,
            sealer=Sealer(secret_key, "limits"),
            now=now,
            processes=settings.server.processes,
        ),
        sealer=Sealer(secret_key, "operator-sign-in"),
        now=now,
    )
    team = Team(
        members=store.members,
        sessions=sessions,
        links=Links(store=store.operator_links, members=store.members, now=now),
        passwords=passwords,
        context=_context(settings),
        now=now,
    )
    account = OwnAccount(members=store.members, second_factors=second_factors, now=now)
    return OperatorServices(sign_in, team, account, passwords)


def _context(settings: Settings) -> list[str]:
    """What a guesser knows of this deployment."""
    host = urlsplit(settings.server.public_url or "").hostname or ""
    return [host, *(app.name or "" for app in settings.wechat.apps)]
