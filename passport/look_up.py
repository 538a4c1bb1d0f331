"""Explain whatever was pasted: a token, an id, a number. Changes nothing, logs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace

from passport.explained import Explained, Finding, Found
from passport.models import Identity, User
from passport.pasted import Form, Pasted, recognised
from passport.refusals import Refusals
from passport.sessions import Sessions
from passport.store.users import UserStore
from passport.token_look_up import TokenLookUp

_REFUSALS_TOLD = 10


class LookUp:
    """Explains.

    Args:
        tokens: explains those.
        sessions, users: what ids are of.
        refusals: what was refused.
        appids: the configured apps.
    """

    def __init__(
        self,
        *,
        tokens: TokenLookUp,
        sessions: Sessions,
        users: UserStore,
        refusals: Refusals,
        appids: Collection[str],
    ) -> None:
        self._tokens, self._sessions, self._users = tokens, sessions, users
        self._refusals, self._appids = refusals, appids

    async def explain(self, text: str) -> Explained:
        """What the text is, and what is known of it.

        Raises:
            StoreUnavailable: MongoDB does not answer.
        """
        pasted = recognised(text)
        explained = await self._explain(pasted)
        return replace(explained, alone=pasted.alone)

    async def _explain(self, pasted: Pasted) -> Explained:
        text = pasted.text
        match pasted.form:
            case Form.JWT:
                return await self._tokens.access_token(text)
            case Form.REFRESH_TOKEN:
                return await self._tokens.refresh_token(text)
            case Form.REQUEST_ID | Form.RID:
                return await self._request(pasted)
            case Form.OBJECT_ID:
                return await self._object(text)
            case Form.WECHAT_ID:
                return await self._wechat_user(text)
            case Form.APPID:
                known = Finding.CONFIGURED if text in self._appids else Finding.NOT_CONFIGURED
                return Explained(pasted.form, (Found(known),), pasted=text)
            case Form.ERRCODE:
                return Explained(pasted.form, (Found(Finding.ERRCODE),), pasted=text)
            case Form.PHONE:
                return Explained(pasted.form, (Found(Finding.ELSEWHERE),), pasted=text)
            case Form.UNKNOWN:
                return Explained(pasted.form, (Found(Finding.ELSEWHERE),))
        return Explained(pasted.form, (Found(Finding.NOTHING),))

    # Ids

    async def _request(self, pasted: Pasted) -> Explained:
        by_rid = pasted.form is Form.RID
        find = self._refusals.find_by_rid if by_rid else self._refusals.find_by_request_id
        refusal = await find(pasted.text)
        if refusal is None:
            return Explained(pasted.form, (Found(Finding.NOT_FOUND),), pasted=pasted.text)
        return Explained(
            pasted.form, (Found(Finding.REFUSED, refusal.at),), pasted=pasted.text, refusals=(refusal,)
        )

    async def _object(self, text: str) -> Explained:
        """The id of an account or of a session."""
        user, session = await asyncio.gather(self._users.find(text), self._sessions.find(text))
        if session is not None and user is None:
            session, user, found = await self._tokens.whose(text, None, None)
            return Explained(
                Form.OBJECT_ID,
                tuple(found) or (Found(Finding.VALID),),
                pasted=text,
                session=session,
                user=user,
            )
        found = await self._tokens.of_the_user(text, user)
        if user is not None:
            refusals = tuple(await self._refusals.of_person(user, limit=_REFUSALS_TOLD))
            found.append(Found(Finding.ACCOUNT, user.created_at))
            return Explained(Form.OBJECT_ID, tuple(found), pasted=text, user=user, refusals=refusals)
        unknown = found[0].finding is Finding.NO_ACCOUNT
        return Explained(
            Form.OBJECT_ID, (Found(Finding.NOT_FOUND),) if unknown else tuple(found), pasted=text
        )

    async def _wechat_user(self, text: str) -> Explained:
        """An openid of one of the apps, or a unionid."""
        for appid in self._appids:
            user = await self._users.find_by_identity(Identity(appid, text))
            if user is not None:
                return await self._person(user)
        user = await self._users.find_by_unionid(text)
        if user is not None:
            return await self._person(user)
        for appid in self._appids:
            refusals = await self._refusals.of_wechat_user(appid, text, limit=_REFUSALS_TOLD)
            if refusals:
                return Explained(
                    Form.WECHAT_ID,
                    (Found(Finding.UNREGISTERED, refusals[0].at),),
                    refusals=tuple(refusals),
                    who=self._refusals.digest(appid, text).hex(),
                )
        return Explained(Form.WECHAT_ID, (Found(Finding.NOT_FOUND),))

    async def _person(self, user: User) -> Explained:
        found = await self._tokens.of_the_user(user.user_id, user)
        refusals = tuple(await self._refusals.of_person(user, limit=_REFUSALS_TOLD))
        return Explained(
            Form.WECHAT_ID,
            (*found, Found(Finding.ACCOUNT, user.created_at)),
            user=user,
            refusals=refusals,
        )
