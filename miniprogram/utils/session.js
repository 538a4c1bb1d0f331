/** The one passport of this mini-program, and what every page does with it. */

const { createPassport } = require('./passport.js')
const config = require('../config.js')
const words = require('./words.js').common

/** @typedef {InstanceType<typeof import('./passport.js').PassportError>} PassportError */
/** @typedef {{title: string, hint: string, code: string, requestId: string}} Problem what a page shows of an error */

/** @type {Problem | null} why the last session ended, if it was not by the person's own wish */
let farewell = null

const passport = createPassport(Object.assign({ onSignedOut }, config))

/** @param {PassportError | null} reason */
function onSignedOut(reason) {
  farewell = reason && problemOf(reason)
  wx.reLaunch({ url: '/pages/sign-in/sign-in' })
}

/** Why the last session ended; told once. */
function takeFarewell() {
  const told = farewell
  farewell = null
  return told
}

/** @param {any} error @returns {Problem} */
function problemOf(error) {
  return {
    title: error.retryAfter ? words.later.replace('{}', String(error.retryAfter)) : words.problem,
    hint: error.hint || error.message || String(error),
    code: error.error || '',
    requestId: error.requestId || '',
  }
}

/** @type {WeakMap<object, Promise<void>>} what each page is doing */
const underWay = new WeakMap()

/**
 * Carry out what was tapped: `busy` names it meanwhile, `problem` is what went wrong. Another tap meanwhile is none,
 * except while the page loads: what WeChat hands over then, a picture or a number, would be lost.
 *
 * @param {{data: {busy: string}, setData: (data: Record<string, any>) => void}} page
 * @param {string} name
 * @param {() => Promise<any>} work
 */
async function carryOut(page, name, work) {
  if (page.data.busy === 'load') await underWay.get(page)
  if (page.data.busy) return
  page.setData({ busy: name })
  const done = work()
    .then(() => null, problemOf)
    .then(problem => page.setData({ problem, busy: '' }))
  underWay.set(page, done)
  await done
}

/** WeChat's dialog, as a promise of whether it was confirmed. @param {WechatMiniprogram.ShowModalOption} dialog */
function confirmed(dialog) {
  /** @type {Promise<boolean>} */
  const answer = new Promise(resolve => {
    wx.showModal(Object.assign({}, dialog, {
      /** @param {WechatMiniprogram.ShowModalSuccessCallbackResult} result */
      success: result => resolve(result.confirm),
      fail: () => resolve(false),
    }))
  })
  return answer
}

/** Into the clipboard. WeChat says so itself, but not that it may not (errno 112). @param {string} data */
function copy(data, success = () => {}) {
  wx.setClipboardData({ data, success, fail: ({ errMsg }) => wx.showToast({ title: errMsg, icon: 'none' }) })
}

module.exports = { passport, takeFarewell, carryOut, confirmed, copy }
