/* What the buttons do: the app's own acts by passport.js, the classic mistakes by hand, and fate by `wxDemo`. */

import { say } from './texts.js'

const TEN = Array.from({ length: 10 })

/** A refusal as the mistakes made by hand meet it; passport.js throws its own of the same members. */
class Refused extends Error {
  constructor({ statusCode, data }) {
    super(data.error)
    const { error, hint, error_description: description, request_id: requestId } = data
    Object.assign(this, { statusCode, error, hint, description, requestId })
  }
}

/**
 * @param {object} passport
 * @param {import('./tracer.js').Tracer} tracer
 * @returns {Record<string, () => Promise<string>>} each ends in the name of the text that says what came of it
 */
export function makeScenes(passport, tracer) {
  const me = () => passport.request({ url: '/accounts/me' })
  const signedIn = async () => {
    await passport.ready()
    if (passport.session()) return
    await passport.login()
    await tracer.startOver()
  }

  // By hand: what passport.js takes care not to do.
  const send = (path, data) =>
    new Promise((success, fail) =>
      window.wx.request({
        url: location.origin + path,
        method: 'POST',
        data,
        header: { 'Accept-Language': document.documentElement.lang },
        success,
        fail
      })
    )
  const good = reply => {
    if (reply.statusCode >= 400) throw new Refused(reply)
    return reply
  }
  const sealed = async () => {
    const { encryptedData, iv } = await window.wx.getUserInfo()
    return { encryptedData, iv }
  }

  return {
    async login() {
      const { isNew } = await passport.login()
      return isNew ? 'result_login_new' : 'result_login_known'
    },

    async call() {
      await me()
      return 'result_call'
    },

    async ten() {
      await Promise.all(TEN.map(me))
      return 'result_ten'
    },

    async logout() {
      if (!(await passport.ready())) return 'result_logout_nobody'
      await passport.logout()
      return 'result_logout'
    },

    async order() {
      const data = await sealed()
      const { code } = await window.wx.login()
      good(await send('/oauth/token', { code, ...data }))
      return 'success'
    },

    async twice() {
      await signedIn()
      const { code } = await window.wx.login()
      const data = await sealed()
      const taps = [send('/oauth/token', { code, ...data }), send('/oauth/token', { code, ...data })]
      ;(await Promise.all(taps)).forEach(good)
      good(await send('/oauth/token', { code, ...(await sealed()) }))
      return 'success'
    },

    async key() {
      await signedIn()
      const { code } = await window.wx.login()
      await window.wxDemo.expireSessionKey()
      await tracer.note('wechat', say('note_expired_key'))
      await window.wx.checkSession().catch(() => {})
      await me()
      good(await send('/oauth/token', { code, ...(await sealed()) }))
      return 'success'
    },

    async slow() {
      await window.wxDemo.fail('slow', { delay: 2, times: 1 })
      await tracer.note('wechat', say('note_slow'))
      await passport.login()
      return 'result_slow'
    },

    async down() {
      await window.wxDemo.fail('http_503', { times: 1 })
      await tracer.note('wechat', say('note_down'))
      await passport.login()
      return 'result_down'
    },

    async banned() {
      await signedIn()
      await window.wxDemo.ban()
      await tracer.note('server', say('note_banned'))
      await me()
      return 'success'
    },

    async aged() {
      await signedIn()
      // After a reload it is passport.js alone that knows it.
      await window.wxDemo.expireAccessToken(await passport.accessToken())
      await tracer.note('phone', say('note_aged'))
      await Promise.all(TEN.map(me))
      return 'result_aged'
    },

    async ended() {
      await signedIn()
      await window.wxDemo.endSessions()
      await tracer.note('server', say('note_ended'))
      await me()
      return 'result_ended'
    }
  }
}
