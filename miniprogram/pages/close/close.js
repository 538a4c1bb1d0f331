/** Closing the account for good: said plainly, confirmed twice, and proved by a fresh code of wx.login. */

const words = require('../../utils/words.js').close
const { passport, carryOut, confirmed } = require('../../utils/session.js')

Page({
  data: {
    words,
    busy: '',
    /** @type {import('../../utils/session.js').Problem | null} */
    problem: null,
    understood: false,
  },

  onLoad() {
    wx.setNavigationBarTitle({ title: words.title })
  },

  /** @param {WechatMiniprogram.CheckboxGroupChange} event */
  setUnderstood(event) {
    this.setData({ understood: event.detail.value.length > 0 })
  },

  async close() {
    if (!await confirmed({ content: words.confirm, confirmText: words.confirmed })) return
    await carryOut(this, 'close', async () => {
      const code = await freshCode()
      await passport.request({ url: '/accounts/me/close', method: 'POST', data: { code } })
      wx.showToast({ title: words.closed, icon: 'none' })
      await passport.logout()
    })
  },
})

/** @returns {Promise<string>} */
function freshCode() {
  return new Promise((resolve, reject) => {
    wx.login({ success: ({ code }) => resolve(code), fail: ({ errMsg }) => reject(new Error(errMsg)) })
  })
}
