"""Every index, in one table. Unique ones are rules that the code relies on, not conveniences."""

from __future__ import annotations

from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError, OperationFailure

from passport.errors import StartupError

_AT_THE_TIME_ITSELF = 0
# As long as the login history: 190 days.
_RECEIPTS_LAST = 190 * 86400
# What went wrong last may be a while ago; the process that met it is gone by then.
_REPORTS_LAST = 7 * 86400

# What the dashboard lists users by: see benchmarks/README.md. Behind what each is ordered by stands what else a page is
# filtered by, so that whoever is not meant is left out by their key, and no document is read for it. Whoever is of two
# apps has two keys. A login changes its keys in two of them, and in two more of whoever has a tag; the others
# change with a registration, a new name, a ban, a phone number or a tag.
_BANNED = {"status": "banned"}
# Of any value: with a type beside it the planner would read each document to see which of the tags had it.
_TAGGED = {"tags": {"$exists": True}}
_SEEN = ("last_seen_at", "_id", "created_at", "sign_ins")
_SIGNED_IN = ("sign_ins", "created_at", "_id", "last_seen_at")
_OF_BANNED = ("ban.until", "identities.appid")


def _index(name: str, *fields: str, only: dict[str, Any] | None = None) -> IndexModel:
    options = {"partialFilterExpression": only} if only else {}
    return IndexModel([(field, ASCENDING) for field in fields], name=name, **options)


DIRECTORY_INDEXES = [
    _index("users_created_at", "created_at", "_id"),
    _index("users_seen", *_SEEN, "identities.appid"),
    # Half of the users signed in once, and are told apart by when they registered, which can be skipped to.
    _index("users_signed_in", *_SIGNED_IN, "identities.appid"),
    # Ordered by time behind each piece of a name, so that those of a common piece need not be sorted.
    _index("users_search", "search", "created_at", "_id"),
    _index("users_appid", "identities.appid", "created_at", "_id"),
    # The banned sign in no more, so these cost no login anything.
    _index("users_banned", "status", "created_at", "_id", *_OF_BANNED, only=_BANNED),
    _index("users_banned_seen", "status", *_SEEN, *_OF_BANNED, only=_BANNED),
    _index("users_banned_signed_in", "status", *_SIGNED_IN, *_OF_BANNED, only=_BANNED),
    _index("users_phone", "phone.number", only={"phone.number": {"$type": "string"}}),
    _index("users_tagged", "tags", "created_at", "_id", only=_TAGGED),
    _index("users_tagged_seen", "tags", *_SEEN, only=_TAGGED),
    _index("users_tagged_signed_in", "tags", *_SIGNED_IN, only=_TAGGED),
]

# What an earlier version made, and others took the place of. A name is never used again for another index.
RETIRED = {
    "users": (
        "users_last_seen_at",
        "users_sign_ins",
        "users_banned_created_at",
        "users_banned_last_seen_at",
        "users_banned_sign_ins",
        "users_tags",
    ),
}

INDEXES: dict[str, list[IndexModel]] = {
    "users": [
        # One account per WeChat identity: what makes simultaneous registrations one account.
        IndexModel([("identities", ASCENDING)], name="users_identities_unique", unique=True),
        # One account per person across the apps of one Open Platform account.
        IndexModel(
            [("unionid", ASCENDING)],
            name="users_unionid_unique",
            unique=True,
            partialFilterExpression={"unionid": {"$type": "string"}},
        ),
        *DIRECTORY_INDEXES,
    ],
    "avatars": [
        IndexModel([("user_id", ASCENDING)], name="avatars_user"),
    ],
    "sessions": [
        IndexModel([("user_id", ASCENDING), ("created_at", DESCENDING)], name="sessions_user_created_at"),
        IndexModel([("created_at", ASCENDING), ("appid", ASCENDING)], name="sessions_created_at_appid"),
        IndexModel([("expires_at", ASCENDING)], name="sessions_ttl", expireAfterSeconds=_AT_THE_TIME_ITSELF),
    ],
    "identity_conflicts": [
        IndexModel([("accounts", ASCENDING)], name="identity_conflicts_accounts"),
        IndexModel([("settled_at", ASCENDING)], name="identity_conflicts_settled_at"),
    ],
    "pending_logins": [
        IndexModel(
            [("expires_at", ASCENDING)], name="pending_logins_ttl", expireAfterSeconds=_AT_THE_TIME_ITSELF
        ),
    ],
    "push_signatures": [
        IndexModel(
            [("expires_at", ASCENDING)], name="push_signatures_ttl", expireAfterSeconds=_AT_THE_TIME_ITSELF
        ),
    ],
    "push_receipts": [
        IndexModel([("at", ASCENDING)], name="push_receipts_ttl", expireAfterSeconds=_RECEIPTS_LAST),
    ],
    "statistics": [
        IndexModel([("hour", ASCENDING), ("appid", ASCENDING)], name="statistics_hour_appid"),
    ],
    "wechat_health": [
        IndexModel([("at", ASCENDING)], name="wechat_health_ttl", expireAfterSeconds=_REPORTS_LAST),
    ],
    "refusals": [
        # Those that group by error or leave one out read no document, for what they need is in the index.
        IndexModel(
            [("at", DESCENDING), ("_id", DESCENDING), ("error", ASCENDING), ("weight", ASCENDING)],
            name="refusals_at",
        ),
        # Every combination of error, app, call and errcode, so that no filter reads what it does not show.
        IndexModel(
            [
                ("facets", ASCENDING),
                ("at", DESCENDING),
                ("_id", DESCENDING),
                ("error", ASCENDING),
                ("weight", ASCENDING),
            ],
            name="refusals_facets_at",
        ),
        IndexModel(
            [("account_id", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)],
            name="refusals_account_at",
            partialFilterExpression={"account_id": {"$type": "string"}},
        ),
        IndexModel(
            [("openid", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)],
            name="refusals_openid_at",
            partialFilterExpression={"openid": {"$type": "binData"}},
        ),
        IndexModel([("request_id", ASCENDING)], name="refusals_request_id"),
        IndexModel(
            [("rid", ASCENDING)],
            name="refusals_rid",
            partialFilterExpression={"rid": {"$type": "string"}},
        ),
        IndexModel([("expires_at", ASCENDING)], name="refusals_ttl", expireAfterSeconds=_AT_THE_TIME_ITSELF),
    ],
    # The library's name for its field.
    "limit_counters": [
        IndexModel(
            [("expireAt", ASCENDING)], name="limit_counters_ttl", expireAfterSeconds=_AT_THE_TIME_ITSELF
        ),
    ],
    # Kept for ever, so no TTL. The number is the _id; each filter of the audit page has an index in its order.
    "audit_events": [
        IndexModel([("at", DESCENDING), ("_id", DESCENDING)], name="audit_events_at"),
        IndexModel(
            [("actor_id", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)], name="audit_events_actor"
        ),
        IndexModel([("kind", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)], name="audit_events_kind"),
        IndexModel(
            [("target_id", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)], name="audit_events_target"
        ),
        IndexModel(
            [("actor_id", ASCENDING), ("kind", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)],
            name="audit_events_actor_kind",
        ),
    ],
    "operators": [
        IndexModel([("name_key", ASCENDING)], name="operators_name_unique", unique=True),
        # One first operator, however many one-time links are used at once.
        IndexModel(
            [("first", ASCENDING)],
            name="operators_first_unique",
            unique=True,
            partialFilterExpression={"first": True},
        ),
    ],
    "operator_links": [
        IndexModel([("operator_id", ASCENDING)], name="operator_links_operator"),
        IndexModel(
            [("expires_at", ASCENDING)], name="operator_links_ttl", expireAfterSeconds=_AT_THE_TIME_ITSELF
        ),
    ],
    "operator_guesses": [
        IndexModel(
            [("expires_at", ASCENDING)], name="operator_guesses_ttl", expireAfterSeconds=_AT_THE_TIME_ITSELF
        ),
    ],
    "operator_sessions": [
        IndexModel(
            [("operator_id", ASCENDING), ("created_at", DESCENDING)], name="operator_sessions_operator"
        ),
        IndexModel(
            [("ends_at", ASCENDING)], name="operator_sessions_ttl", expireAfterSeconds=_AT_THE_TIME_ITSELF
        ),
    ],
    "jobs": [
        # Each worker asks every two seconds whether there is one.
        IndexModel([("state", ASCENDING), ("created_at", ASCENDING)], name="jobs_state_created_at"),
        IndexModel([("expires_at", ASCENDING)], name="jobs_ttl", expireAfterSeconds=_AT_THE_TIME_ITSELF),
    ],
    "job_changes": [
        # One change a job and user; the way in which a job is undone.
        IndexModel(
            [("job", ASCENDING), ("user_id", ASCENDING)], name="job_changes_job_user_unique", unique=True
        ),
        IndexModel([("user_id", ASCENDING), ("at", DESCENDING)], name="job_changes_user_at"),
        IndexModel(
            [("expires_at", ASCENDING)], name="job_changes_ttl", expireAfterSeconds=_AT_THE_TIME_ITSELF
        ),
    ],
    "signing_keys": [
        # Processes that start together agree on one first key.
        IndexModel([("generation", ASCENDING)], name="signing_keys_generation_unique", unique=True),
    ],
}

_INDEX_NOT_FOUND = 27
_DUPLICATE_KEY = 11000


async def make_indexes(database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
    """Make the indexes that are missing, then drop the retired ones; a collection costs one round trip.

    Raises:
        StartupError: existing documents break a unique index, or an index differs from ours.
    """
    for collection, indexes in INDEXES.items():
        try:
            await database[collection].create_indexes(indexes)
        except OperationFailure as error:
            if error.code == _DUPLICATE_KEY or isinstance(error, DuplicateKeyError):
                raise StartupError(_duplicates(collection, error)) from error
            if error.code in (85, 86):  # IndexOptionsConflict, IndexKeySpecsConflict
                cure = "an index differs from ours; drop it, and it is made anew"
                raise StartupError(f"collection {collection}: {cure} ({error})") from error
            raise
        await _drop_retired(database, collection)


async def _drop_retired(database: AsyncIOMotorDatabase[dict[str, Any]], collection: str) -> None:
    """After those that replace them were made, so that no list is ever without an index."""
    retired = RETIRED.get(collection, ())
    there = await database[collection].index_information() if retired else {}
    for name in there.keys() & set(retired):
        try:
            await database[collection].drop_index(name)
        except OperationFailure as error:
            # Another process, which starts at the same time, was first.
            if error.code != _INDEX_NOT_FOUND:
                raise


def _duplicates(collection: str, error: OperationFailure) -> str:
    # The key is an openid or a unionid, so only the index is named.
    index = next(
        (i.document["name"] for i in INDEXES[collection] if i.document["name"] in str(error)), "unique"
    )
    return (
        f"collection {collection} holds documents that break the index {index}: two of them share a key that must be "
        "unique. Merge or remove the duplicates; the server waits and starts serving by itself"
    )
