/** Where the person is signed in, and how to end that. */

const words = require('../../utils/words.js').devices
const { deviceName, localTime } = require('../../utils/format.js')
const { passport, carryOut, confirmed } = require('../../utils/session.js')

/** @param {any} session one of GET /accounts/me/sessions */
const shown = session => ({
  id: session.id,
  current: session.current,
  name: deviceName(session.user_agent, words),
  ip: session.ip,
  signedIn: localTime(session.created_at),
  used: localTime(session.last_used_at),
})

Page({
  data: {
    words,
    busy: '',
    /** @type {import('../../utils/session.js').Problem | null} */
    problem: null,
    /** @type {ReturnType<typeof shown>[]} */
    devices: [],
  },

  onLoad() {
    wx.setNavigationBarTitle({ title: words.title })
    return carryOut(this, 'load', () => this.load())
  },

  async load() {
    const { data } = await passport.request({ url: '/accounts/me/sessions' })
    /** @type {ReturnType<typeof shown>[]} */
    const devices = data.sessions.map(shown)
    // This phone first; the others stay as the server orders them, the newest first.
    this.setData({ devices: devices.filter(each => each.current).concat(devices.filter(each => !each.current)) })
  },

  /** @param {WechatMiniprogram.TouchEvent<{}, {}, {id: string}>} event */
  end(event) {
    const { id } = event.currentTarget.dataset
    return carryOut(this, id, async () => {
      await passport.request({ url: `/accounts/me/sessions/${id}`, method: 'DELETE' }).catch(unlessGone)
      await this.load()
      wx.showToast({ title: words.ended, icon: 'success' })
    })
  },

  async endOthers() {
    if (!await confirmed({ content: words.endOthersConfirm, confirmText: words.endConfirmed })) return
    await carryOut(this, 'others', async () => {
      await passport.request({ url: '/accounts/me/sessions', method: 'DELETE' })
      await this.load()
      wx.showToast({ title: words.ended, icon: 'success' })
    })
  },
})

/** A session that is over already is what was wanted. @param {any} error */
function unlessGone(error) {
  if (error.error !== 'not_found') throw error
}
