"""Servers to compare with: three ways to sign returning users in that are written in an afternoon.

Each is one process and does per login what ours does: parse the JSON body (code, encryptedData, iv), ask jscode2session
over TLS, decrypt, check the watermark's appid, find the user by openid, write last-seen and one session document, both
w: majority and j: true, and answer a JWT signed with ES256. The libraries are used as their first page shows, with one
client for all requests; no knob is turned either way, except that none logs each request.

None of them does the rest: no registration, no refresh token, no code remembered (each is sent to WeChat again), no
watermark's age or openid checked, no limits, no request ids, no refusal but a 500, no deadline, no metrics.
"""
