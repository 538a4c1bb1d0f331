/** Everything the server holds about the person: to read, to copy, to take along (PIPL article 45). */

const words = require('../../utils/words.js').export
const { passport, carryOut, copy } = require('../../utils/session.js')

Page({
  data: {
    words,
    busy: '',
    /** @type {import('../../utils/session.js').Problem | null} */
    problem: null,
    text: '',
  },

  onLoad() {
    wx.setNavigationBarTitle({ title: words.title })
  },

  get() {
    return carryOut(this, 'get', async () => {
      const { data } = await passport.request({ url: '/accounts/me/export' })
      this.setData({ text: JSON.stringify(data, null, 2) })
    })
  },

  copy() {
    copy(this.data.text)
  },

  share() {
    if (!wx.shareFileMessage) {
      wx.showToast({ title: words.unshared, icon: 'none' })
      return
    }
    const filePath = `${wx.env.USER_DATA_PATH}/wxpassport-export.json`
    const files = wx.getFileSystemManager()
    // Personal data should not stay in the phone's files once it is where the person wants it.
    const complete = () => files.unlink({ filePath, fail: () => {} })
    /** @param {{errMsg: string}} failure */
    const fail = ({ errMsg }) => { if (!/cancel/.test(errMsg)) wx.showToast({ title: errMsg, icon: 'none' }) }
    try {
      // At once, since WeChat lets a file be shared only within the tap.
      files.writeFileSync(filePath, this.data.text, 'utf8')
      wx.shareFileMessage({ filePath, fail, complete })
    } catch (/** @type {any} */ error) {
      fail({ errMsg: error.message })
    }
  },
})
