"""The WeChat stand-in: a real HTTP server that answers mini-program logins the way WeChat does.

`python server.py --demo`, the tests and the benchmarks all run this one. It imports nothing from
`passport/` or `handlers/`, so its encryption is an independent check of ours.

What it promises to imitate, each from WeChat's own pages or from recorded answers:

- `GET /sns/jscode2session`: parameters, the order of the checks, errcode and errmsg with a rid, success
  without errcode, `Content-Type: text/plain`, HTTP 200 for refusals too (WeChat: auth.code2Session)
- a code lives five minutes, works once and belongs to one appid (WeChat: wx.login)
- a wx.login replaces the session_key, so data fetched before it no longer decrypts (WeChat: wx.checkSession)
- encryptedData, iv, rawData and signature as a mini-program gets them (WeChat: signature and encryption)
- `POST /cgi-bin/stable_token`: one token for repeated calls, its renewal, its voiding by force_refresh
- `POST /wxa/business/getuserphonenumber`: a code of the phone button, once, after the access_token is checked
- today's anonymous profile, 微信用户 with the grey avatar (WeChat: announcement on user profiles, 2022)
- pushes about users, plain and encrypted, XML and JSON (WeChat: message push, authorised user information changes)

What it does not: quotas but those of force_refresh (errcodes 45009 and 45011 come by request only), the IP
whitelist, how often WeChat really renews a session_key, what a code returns after a later wx.login (here: the
session_key of its own wx.login), and anything about the client but the fields it sends.

Files: `people` `credentials` `phones` the state · `payloads` `pushes` `identities` what is made from it ·
`code2session` `stable_token` `phone_number` one WeChat call each · `errcodes` · `faults` what shall go wrong, `wire`
how it goes wrong · `control` the API under /sandbox/ · `calls` what was asked, `exchanges`
the same with questions and answers · `server` the `StandIn` that owns them.
"""

from sandbox.people import People
from sandbox.server import StandIn

__all__ = ["People", "StandIn"]
