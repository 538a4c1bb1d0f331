/** Who is signed in, and all they can do with their account. */

const words = require('../../utils/words.js')
const { passport, carryOut, confirmed, copy } = require('../../utils/session.js')

Page({
  data: {
    words: words.me,
    busy: '',
    /** @type {import('../../utils/session.js').Problem | null} */
    problem: null,
    /** @type {any} the answer of GET /accounts/me */
    account: null,
    phone: '',
  },

  onLoad() {
    wx.setNavigationBarTitle({ title: words.me.title })
  },

  async onShow() {
    if (await passport.ready()) await this.load()
    else wx.reLaunch({ url: '/pages/sign-in/sign-in' })
  },

  async onPullDownRefresh() {
    await this.load()
    wx.stopPullDownRefresh()
  },

  load() {
    return carryOut(this, 'load', async () => this.show((await passport.request({ url: '/accounts/me' })).data))
  },

  /** @param {any} account */
  show(account) {
    const phone = account.phone
    // Not shown whole: somebody may be looking over the shoulder.
    const masked = phone ? `+${phone.country_code} ${phone.pure_number.replace(/^(.{3}).*(.{4})$/, '$1****$2')}` : ''
    this.setData({ account, phone: masked })
  },

  /** @param {WechatMiniprogram.CustomEvent<{avatarUrl: string}>} event */
  setAvatar(event) {
    return carryOut(this, 'avatar', async () => {
      const filePath = event.detail.avatarUrl
      const { data } = await passport.upload({ url: '/accounts/me/avatar', filePath, name: 'file', retry: true })
      this.setData({ 'account.profile.avatar_url': data.avatar_url })
    })
  },

  /**
   * By the form, since WeChat checks a nickname while it is typed and clears one that it does not like.
   *
   * @param {WechatMiniprogram.CustomEvent<{value: {nickname: string}}>} event
   */
  saveNickname(event) {
    const nickname = event.detail.value.nickname.trim()
    return carryOut(this, 'nickname', async () => {
      this.show((await passport.request({ url: '/accounts/me', method: 'PUT', data: { nickname } })).data)
      wx.showToast({ title: words.me.saved, icon: 'success' })
    })
  },

  /** @param {WechatMiniprogram.ButtonGetPhoneNumber} event */
  bindPhone(event) {
    const { code: phoneCode, errMsg } = event.detail
    // Who declines sends no code, and wants no message about it. Whoever is refused (errno 112, 1400001) needs one.
    if (!phoneCode && /deny|cancel/.test(errMsg)) return undefined
    return carryOut(this, 'phone', async () => {
      if (!phoneCode) throw new Error(errMsg)
      const data = { phone_code: phoneCode }
      const reply = await passport.request({ url: '/accounts/me/phone', method: 'POST', data, retry: true })
      this.show(Object.assign({}, this.data.account, { phone: reply.data.phone }))
    })
  },

  async unbindPhone() {
    if (!await confirmed({ content: words.me.unbindConfirm, confirmText: words.me.unbindConfirmed })) return
    await carryOut(this, 'phone', async () => {
      await passport.request({ url: '/accounts/me/phone', method: 'DELETE' })
      this.show(Object.assign({}, this.data.account, { phone: null }))
    })
  },

  copyAccount() {
    copy(this.data.account.account_id)
  },

  signOut() {
    return carryOut(this, 'signOut', () => passport.logout())
  },
})
