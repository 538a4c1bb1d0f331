/** The first page of who is not signed in: the privacy guide, and one button. */

const words = require('../../utils/words.js').signIn
const { passport, takeFarewell, carryOut, copy } = require('../../utils/session.js')

Page({
  data: {
    words,
    busy: '',
    /** @type {import('../../utils/session.js').Problem | null} */
    problem: null,
    needsAgreement: false,
    contract: words.contract,
    /** @type {{version: string, url: string} | null} the policy that the server wants consent to */
    policy: null,
  },

  onLoad() {
    wx.setNavigationBarTitle({ title: words.title })
    this.setData({ problem: takeFarewell() })
    if (!wx.getPrivacySetting) return
    wx.getPrivacySetting({
      success: ({ needAuthorization, privacyContractName }) => {
        this.setData({ needsAgreement: needAuthorization, contract: privacyContractName || words.contract })
      },
    })
  },

  readContract() {
    if (wx.openPrivacyContract) wx.openPrivacyContract({})
  },

  copyPolicy() {
    if (!this.data.policy) return
    copy(this.data.policy.url, () => wx.showToast({ title: words.copied, icon: 'none' }))
  },

  signIn() {
    const consentVersion = this.data.policy ? this.data.policy.version : undefined
    return carryOut(this, 'signIn', async () => {
      try {
        await passport.login({ consentVersion })
      } catch (/** @type {any} */ error) {
        if (error.error !== 'consent_required') throw error
        const { policy_version: version, policy_url: url } = error.details
        // What this button agreed to was WeChat's guide; the policy is the next one's.
        this.setData({ policy: { version, url: url || '' }, needsAgreement: false })
        return
      }
      this.setData({ needsAgreement: false })
      wx.reLaunch({ url: '/pages/me/me' })
    })
  },
})
