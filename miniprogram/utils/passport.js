/**
 * The login client of wxpassport: one file, no dependencies, for any WeChat mini-program (native, uni-app, Taro).
 *
 *   const { createPassport } = require('./utils/passport.js')
 *   const passport = createPassport({ baseUrl: 'https://login.example.com', appid: 'wx…' })
 *   await passport.login()                                     // from the tap on a button; registers who is new
 *   const { data } = await passport.request({ url: '/accounts/me' })
 *
 * It needs ES2017 (async functions: iOS 10.3, any Android) and nothing new of the base library; from 2.21.3 on tokens
 * are stored encrypted. wx.checkSession is never asked: the server needs no session_key once somebody is signed in.
 */

/**
 * @typedef {object} Options
 * @property {string} baseUrl where the server is, such as https://login.example.com
 * @property {string} [appid] the mini-program's; required where the server has several
 * @property {'code+userinfo' | 'code'} [login] as the server's config.yaml has it for this app
 * @property {string[]} [origins] other servers that verify our tokens; only they and baseUrl are ever sent one
 * @property {number} [patience] for how many seconds, all in all, a call waits when the server says Retry-After
 * @property {string} [storageKey] where the tokens are kept
 * @property {(reason: PassportError | null) => void} [onSignedOut] the session is over; null: by logout()
 * @property {WechatMiniprogram.Wx} [wx] in place of the global
 *
 * @typedef {object} LoginOptions
 * @property {boolean} [register] false: whoever has no account is refused (`unregistered`) instead of registered
 * @property {string} [consentVersion] the privacy policy agreed to: details.policy_version of `consent_required`
 *
 * @typedef {object} CallOptions
 * @property {string} url of the server's, such as /accounts/me, or a whole one of `origins`
 * @property {boolean} [retry] whether it may be sent twice; by default what HTTP calls idempotent (RFC 9110, 9.2.2)
 *   when WeChat cut it off, and anything when the server said Retry-After
 *
 * @typedef {{accountId: string, isNew: boolean}} Login
 * @typedef {{statusCode: number, data: any, header: Record<string, any>}} Reply
 * @typedef {{account_id: string, access_token: string, refresh_token: string, renew_at: number}} Tokens
 */

const MOST_REPEATS = 2
const TOKEN_TIMEOUT = 20000
const MARGIN = 60
// Another code may do better: this one was too old, or another wx.login came in between and replaced the session_key.
const STALE = ['invalid_code', 'code_used', 'decrypt_failed', 'signature_mismatch']
// The person cannot go on here. Whatever else goes wrong (no network, 429, 5xx) leaves them signed in.
const OVER = ['unregistered', 'account_disabled', 'user_blocked']
/** What the server cannot tell, since it was not asked. @type {Record<string, {zh: string, en: string}>} */
const HINTS = {
  network: { zh: '网络连接失败，请检查网络后重试。', en: 'No connection to the server. Check the network and try again.' },
  interrupted: { zh: '小程序切到后台，请求已中断，请重试。', en: 'This was cut off in the background. Please try again.' },
  signed_out: { zh: '尚未登录，请先登录。', en: 'You are not signed in. Please sign in first.' },
  login_failed: { zh: '微信登录失败，请稍后重试。', en: 'WeChat did not sign you in. Try again in a moment.' },
  userinfo_failed: {
    zh: '微信未提供用户信息，请先同意隐私保护指引。开发者：请在后台声明“昵称、头像”，或将 login 设为 code。',
    en: 'WeChat withheld the user info; agree to the privacy guide first. Developers: declare it, or set login to code.',
  },
  foreign_url: { zh: '该地址不属于 baseUrl 或 origins，未发送。', en: 'This url is not of baseUrl or origins; nothing was sent.' },
  http_error: { zh: '服务器出错，请稍后重试。', en: 'The server failed. Try again in a moment.' },
}

/** Why a call was refused. `error` is stable, `hint` is for people, the rest for developers. */
class PassportError extends Error {
  /**
   * @param {string} error the server's code (see its README), or a key of HINTS
   * @param {string} hint what to do about it
   * @param {{description?: string, requestId?: string, statusCode?: number, wechatErrcode?: number,
   *   retryAfter?: number, details?: Record<string, any>}} more
   */
  constructor(error, hint, more) {
    super(`${error}: ${hint}`)
    this.name = 'PassportError'
    this.error = error
    this.hint = hint
    this.description = more.description || ''
    this.requestId = more.requestId
    this.statusCode = more.statusCode
    this.wechatErrcode = more.wechatErrcode
    this.retryAfter = more.retryAfter
    this.details = more.details || {}
  }
}

/** @param {number} seconds @returns {Promise<void>} */
const pause = seconds => new Promise(resolve => { setTimeout(resolve, seconds * 1000) })

/** Header names have another case on each platform. @param {Reply} reply @param {string} name @returns {string} */
const headerOf = (reply, name) => {
  const found = Object.keys(reply.header || {}).find(each => each.toLowerCase() === name)
  return found ? String(reply.header[found]) : ''
}

/** @param {Reply} reply @returns {Record<string, any>} the members of a JSON answer, none of any other */
const bodyOf = reply => (reply.data && typeof reply.data === 'object' ? reply.data : {})

/** @param {Reply} reply @returns {string} the server's code; of a stranger's answer, nothing */
const errorOf = reply => (typeof bodyOf(reply).error === 'string' ? bodyOf(reply).error : '')

/** By our error, or by another server's challenge (RFC 6750). Any other 401, `unregistered` first of all, is none. */
/** @param {Reply} reply */
const isTokenRefused = reply => reply.statusCode === 401 &&
  (errorOf(reply) === 'invalid_token' || (!errorOf(reply) && /^bearer\b/i.test(headerOf(reply, 'www-authenticate'))))

/** @type {WeakMap<object, Map<string, Passport>>} */
const passports = new WeakMap()

/**
 * The passport of this mini-program. Asked again for the same storage it is the same one, as it was made first: two that
 * refresh one session would take its refresh token from each other.
 *
 * @param {Options} options
 * @returns {Passport}
 */
function createPassport(options) {
  const platform = options.wx || wx
  const baseUrl = options.baseUrl.replace(/\/+$/, '')
  // The address is part of the key, so that tokens never go to another server.
  const storageKey = options.storageKey || `wxpassport ${baseUrl}`
  const known = passports.get(platform) || new Map()
  passports.set(platform, known)
  if (!known.has(storageKey)) known.set(storageKey, makePassport(platform, baseUrl, storageKey, options))
  return known.get(storageKey)
}

/** @typedef {ReturnType<typeof makePassport>} Passport */

/**
 * @param {WechatMiniprogram.Wx} platform
 * @param {string} baseUrl
 * @param {string} storageKey
 * @param {Options} options
 */
function makePassport(platform, baseUrl, storageKey, options) {
  const patience = options.patience === undefined ? 15 : options.patience
  const language = languageOf(platform)
  const spoken = { 'Accept-Language': language }
  const origins = [baseUrl].concat(options.origins || []).map(originOf)

  /** @type {Tokens | null} */
  let tokens = null
  // One more with each sign-out: what began before it ends without effect, so a sign-out always wins.
  let era = 0
  /** @type {{spent: string, done: Promise<void>} | null} */
  let renewing = null
  /** @type {{register: boolean, done: Promise<Login>} | null} */
  let signingIn = null

  /** @param {string} error @param {any} [failure] what wx told @returns {PassportError} */
  const failed = (error, failure) => new PassportError(error, HINTS[error][language],
    { description: failure && (failure.errMsg || failure.message), details: failure && { errno: failure.errno } })

  /** @param {Reply} reply @returns {PassportError} */
  const refusal = reply => {
    const body = bodyOf(reply), seconds = headerOf(reply, 'retry-after')
    return new PassportError(errorOf(reply) || 'http_error', body.hint || HINTS.http_error[language], {
      description: body.error_description,
      requestId: body.request_id,
      statusCode: reply.statusCode,
      wechatErrcode: body.wechat_errcode,
      retryAfter: /^\d+$/.test(seconds) ? Number(seconds) : undefined,
      details: body,
    })
  }

  // The phone's storage. Without it (full, forbidden) the tokens live as long as the program runs.

  /** @type {Promise<boolean>} whether the storage has what we have */
  let stored = Promise.resolve(false)

  /** @param {Tokens} kept @param {boolean} encrypt @returns {Promise<boolean>} */
  const write = (kept, encrypt) => new Promise(done => platform.setStorage(
    { key: storageKey, data: kept, encrypt, success: () => done(true), fail: () => done(false) }))

  /** @returns {Promise<void>} */
  const remove = () => new Promise(done => platform.removeStorage({ key: storageKey, complete: () => done() }))

  // Older libraries take no notice of `encrypt`; what they stored is read without it.
  /** @returns {Promise<Tokens | null | undefined>} null: there is nothing; undefined: there may be, unreadable */
  const read = async () => {
    /** @type {null | undefined} */
    let nothing = null
    for (const encrypt of [true, false]) {
      /** @type {any} */
      const kept = await new Promise(done => platform.getStorage({
        key: storageKey,
        encrypt,
        success: ({ data }) => done(data),
        fail: ({ errMsg }) => done(/not found/.test(errMsg) ? null : undefined),
      }))
      if (kept && kept.refresh_token) return kept
      if (kept !== null) nothing = undefined
    }
    return nothing
  }

  /** One write after the other. @param {Tokens | null} kept */
  const store = kept => {
    stored = stored.then(async () => {
      if (kept && (await write(kept, true) || await write(kept, false))) return true
      // A spent refresh token left there would look stolen at the next start.
      await remove()
      return false
    }).catch(() => false)
  }

  const loaded = read().catch(() => null).then(kept => {
    tokens = kept || null
    stored = Promise.resolve(Boolean(kept))
  })

  /** @param {any} answer of POST /oauth/token @param {number} began the era in which it was asked for */
  const keep = (answer, began) => {
    if (!answer || !answer.refresh_token) throw failed('http_error')
    if (began !== era) { revoke(answer.refresh_token); throw failed('signed_out') }
    // By the phone's clock, right or wrong, and only to refresh in time: what counts is the server's 401.
    const life = answer.expires_in - Math.min(MARGIN, answer.expires_in / 10)
    const { account_id, access_token, refresh_token } = answer
    tokens = { account_id, access_token, refresh_token, renew_at: Date.now() + life * 1000 }
    store(tokens)
  }

  /** @param {PassportError | null} reason */
  const forget = reason => {
    era += 1
    tokens = renewing = signingIn = null
    store(null)
    if (options.onSignedOut) options.onSignedOut(reason)
  }

  // The wire.

  let hidden = false
  /** @type {(() => void)[]} */
  const sleepers = []
  if (platform.onAppShow) {
    platform.onAppHide(() => { hidden = true })
    platform.onAppShow(() => { hidden = false; sleepers.splice(0).forEach(wake => wake()) })
  }
  /** @returns {Promise<void>} */
  const shown = () => (hidden ? new Promise(resolve => { sleepers.push(resolve) }) : pause(0))

  /** @param {any} call @returns {Promise<Reply>} whatever the server answered; refused when it did not */
  const sendOnce = call => new Promise((resolve, reject) => {
    let early = {}
    /** @param {any} reply */
    const success = ({ statusCode, data, header }) =>
      resolve({ statusCode, data: call.filePath ? parsed(data) : data, header: header || early })
    /** @param {any} failure */
    const fail = failure =>
      reject(failed(hidden || /interrupted/.test(failure.errMsg) ? 'interrupted' : 'network', failure))
    const sent = Object.assign({}, call, { success, fail })
    const task = call.filePath ? platform.uploadFile(sent) : platform.request(sent)
    // The answer to an upload comes without its header.
    if (call.filePath && task && task.onHeadersReceived) task.onHeadersReceived(({ header }) => { early = header })
  })

  /** The same; what WeChat cut off in the background is sent again once we are back. @param {any} call */
  const send = async call => {
    for (let repeats = 0; ; repeats += 1) {
      try { return await sendOnce(call) } catch (/** @type {any} */ error) {
        if (error.error !== 'interrupted' || repeats === MOST_REPEATS || !isRepeatable(call)) throw error
        await shown()
      }
    }
  }

  /** Our own endpoints, which can be asked twice. @param {string} path @param {object} data */
  const post = (path, data) => send({
    url: baseUrl + path, method: 'POST', data, header: Object.assign({}, spoken), timeout: TOKEN_TIMEOUT, retry: true,
  })

  /** 429 and 503 say when to come back. @template T @param {() => Promise<T>} work @param {boolean} [retry] */
  const patiently = async (work, retry) => {
    const began = era
    for (let repeats = 0, left = patience; ; repeats += 1) {
      try { return await work() } catch (/** @type {any} */ error) {
        const seconds = error.statusCode === 429 || error.statusCode === 503 ? error.retryAfter : undefined
        if (seconds === undefined || seconds > left || repeats === MOST_REPEATS || retry === false) throw error
        left -= seconds
        await pause(seconds)
        if (era !== began) throw failed('signed_out')
      }
    }
  }

  // Signing in.

  // wx.login comes first, since it may replace the session_key that the rest is encrypted with.
  const credentials = async () => {
    /** @type {WechatMiniprogram.LoginSuccessCallbackResult} */
    const { code } = await new Promise((success, fail) => platform.login({ success, fail }))
      .catch(failure => { throw failed('login_failed', failure) })
    /** @type {Record<string, string>} */
    const body = options.appid ? { code, appid: options.appid } : { code }
    if (options.login === 'code') return { body, withheld: null }
    try {
      /** @type {WechatMiniprogram.GetUserInfoSuccessCallbackResult} */
      const info = await new Promise((success, fail) => platform.getUserInfo({ withCredentials: true, success, fail }))
      const { encryptedData, iv, rawData, signature } = info
      return { body: Object.assign(body, { encryptedData, iv, rawData, signature }), withheld: null }
    } catch (failure) {
      return { body, withheld: failed('userinfo_failed', failure) }
    }
  }

  /**
   * The whole visit on one code: the server keeps WeChat's answer to it.
   *
   * @param {LoginOptions} how
   * @param {Tokens | null} former of a session that ends with this one's beginning
   * @param {number} began the era in which it was asked for
   * @returns {Promise<Login>}
   */
  const visit = async (how, former, began) => {
    if (began !== era) throw failed('signed_out')
    const { body, withheld } = await credentials()
    /** @param {Reply} reply */
    const check = reply => {
      if (reply.statusCode < 400) return bodyOf(reply)
      throw withheld && /encryptedData/.test(bodyOf(reply).error_description) ? withheld : refusal(reply)
    }
    let isNew = false
    let reply = await post('/oauth/token', body)
    if (errorOf(reply) === 'unregistered' && how.register !== false) {
      const made = await post('/accounts/wxapp', Object.assign({ consent_version: how.consentVersion }, body))
      check(made)
      isNew = made.statusCode === 201
      reply = await post('/oauth/token', body)
    }
    const answer = check(reply)
    keep(answer, began)
    if (former) revoke(former.refresh_token)
    return { accountId: answer.account_id, isNew }
  }

  /**
   * One at a time, for all who ask: two wx.logins at once would void each other.
   *
   * @param {LoginOptions} how
   * @param {Tokens | null} [former]
   */
  const signIn = (how, former = null) => {
    const register = how.register !== false, before = signingIn, began = era
    if (before && (before.register || !register)) return before.done
    const freshly = () => visit(how, former, began)
      .catch(error => (STALE.includes(error.error) ? visit(how, former, began) : Promise.reject(error)))
    const done = before ? before.done.catch(freshly) : freshly()
    const mine = { register, done }
    const clear = () => { if (signingIn === mine) signingIn = null }
    signingIn = mine
    done.then(clear, clear)
    return done
  }

  // Going on.

  /** @param {Tokens} old */
  const refresh = async old => {
    const began = era
    // Another copy of this file, in a bundle of its own, may have been faster, or signed out.
    const elsewhere = await stored ? await read() : old
    if (began !== era || elsewhere === null) throw failed('signed_out')
    if (elsewhere && elsewhere.refresh_token !== old.refresh_token) { tokens = elsewhere; return }
    const ask = () => post('/oauth/token', { grant_type: 'refresh_token', refresh_token: old.refresh_token })
    // The answer may have been lost, and not the question: within its grace time the server repeats the answer.
    const reply = await ask().catch(error => (error.error === 'network' ? ask() : Promise.reject(error)))
    // Somebody signed in anew meanwhile, which ended this session.
    if (began === era && tokens !== old) return
    if (reply.statusCode === 200) keep(reply.data, began)
    else if (errorOf(reply) !== 'invalid_grant') throw refusal(reply)
    else if (began === era) await signIn({ register: false })
  }

  /** Other tokens than the spent one: by one refresh for all who ask, by none for who comes late. @param {string} spent */
  const renew = spent => {
    if (!tokens || tokens.access_token !== spent) return Promise.resolve()
    if (renewing && renewing.spent === spent) return renewing.done
    const began = era
    const done = refresh(tokens).catch(error => {
      const isOver = OVER.includes(error.error) || error.error === 'signed_out'
      // A login asked for meanwhile decides instead: it would end with the session before.
      if (began === era && isOver && !(signingIn && signingIn.register)) forget(error)
      // Whoever comes before the time that the server named is told the same without asking.
      pause(error.retryAfter || 0).then(() => { if (renewing === mine) renewing = null })
      throw error
    })
    const mine = { spent, done }
    renewing = mine
    return done
  }

  /** An access token that should count; `signed_out` is thrown when nobody is signed in. */
  const accessToken = async () => {
    await loaded
    if (tokens && Date.now() >= tokens.renew_at) await renew(tokens.access_token)
    if (!tokens) throw failed('signed_out')
    return tokens.access_token
  }

  /** @param {any} call @returns {Promise<Reply>} */
  const authorized = async call => {
    const url = /^https?:/i.test(call.url) ? call.url : `${baseUrl}/${call.url.replace(/^\//, '')}`
    if (!origins.includes(originOf(url))) throw failed('foreign_url', { errMsg: url })
    /** @param {string} token */
    const sendWith = token => send(Object.assign({}, call, {
      url, header: Object.assign({}, spoken, call.header, { Authorization: `Bearer ${token}` }),
    }))
    const token = await accessToken()
    let reply = await sendWith(token)
    if (isTokenRefused(reply)) {
      await renew(token)
      reply = await sendWith(await accessToken())
    }
    if (reply.statusCode < 400) return reply
    const error = refusal(reply)
    // A ban has ended the session. What another server calls so is about accounts of its own.
    if (tokens && error.error === 'account_disabled' && originOf(url) === origins[0]) forget(error)
    throw error
  }

  /** @param {string} token @returns {Promise<void>} */
  const revoke = token => post('/oauth/revoke', { token }).then(() => {}, () => {})

  const session = () => (tokens ? { accountId: tokens.account_id } : null)

  return {
    /** Once the storage has been read: who is signed in, or null. */
    ready: () => loaded.then(session),
    /** Who is signed in, as far as this phone knows, or null. */
    session,
    /** An access token, for what takes no request(): sockets, downloads, a web-view. */
    accessToken: () => patiently(accessToken),
    /** Sign in, and register who is new. @param {LoginOptions} [how] @returns {Promise<Login>} */
    login: how => patiently(() => loaded.then(() => signIn(how || {}, tokens))),
    /**
     * wx.request with the access token, as a Promise of any answer below 400; others are thrown.
     * @param {CallOptions & Omit<WechatMiniprogram.RequestOption, 'success' | 'fail' | 'complete'>} call
     */
    request: call => patiently(() => authorized(call), call.retry),
    /**
     * wx.uploadFile in the same way.
     * @param {CallOptions & Omit<WechatMiniprogram.UploadFileOption, 'success' | 'fail' | 'complete'>} call
     */
    upload: call => patiently(() => authorized(call), call.retry),
    /** Sign out: here at once, and on the server when it can be reached. @returns {Promise<void>} */
    logout: async () => {
      await loaded
      // Sent first, since onSignedOut may fail.
      const told = tokens && revoke(tokens.refresh_token)
      forget(null)
      await told
    },
  }
}

/** @param {any} call */
function isRepeatable(call) {
  if (call.retry !== undefined) return call.retry
  return !call.filePath && /^(GET|HEAD|OPTIONS|PUT|DELETE)$/i.test(call.method || 'GET')
}

/** Scheme and host, character by character; whatever is no plain address equals none. @param {string} url */
function originOf(url) {
  const found = /^https?:\/\/[^/?#\\]+/i.exec(url)
  return found ? found[0].toLowerCase() : url
}

/** wx.uploadFile gives text. @param {any} text */
function parsed(text) {
  try { return JSON.parse(text) } catch (error) { return text }
}

/** @param {WechatMiniprogram.Wx} platform @returns {'zh' | 'en'} */
function languageOf(platform) {
  try {
    const { language } = platform.getAppBaseInfo ? platform.getAppBaseInfo() : platform.getSystemInfoSync()
    return /^zh/i.test(language) ? 'zh' : 'en'
  } catch (error) {
    return 'zh'
  }
}

// uni-app, Taro and whatever else bundles ES modules: export { createPassport, PassportError }
module.exports = { createPassport, PassportError }
