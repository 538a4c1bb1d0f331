/**
 * A page of miniprogram/ in WeChat's simulator (miniprogram-simulate), with a `wx` that answers what a test says.
 *
 * The simulator knows components and no pages, so a page is loaded as the component that WeChat makes of it: its
 * functions are methods, onLoad comes when it is attached. Components of app.json are handed in.
 */

'use strict'

const path = require('path')
const { Window } = require('happy-dom')

const ROOT = path.resolve(__dirname, '../../miniprogram')

/** A wx of which every call is noted; `answers` has a reply for each `METHOD /path`, used one after the other. */
function makeWx(answers, overrides = {}) {
  const calls = []
  const storage = new Map()
  const later = (name, options, result, outcome = 'success') => {
    calls.push(name)
    setTimeout(() => options[outcome] && options[outcome](result), 0)
  }
  const wx = {
    login: options => later('login', options, { code: 'a code', errMsg: 'login:ok' }),
    getUserInfo: options => later('getUserInfo', options, { encryptedData: 'QUJD', iv: 'QUJD', errMsg: 'getUserInfo:ok' }),
    request(options) {
      const call = `${options.method || 'GET'} ${new URL(options.url).pathname}`
      const [statusCode, data] = (answers[call] || []).shift() || [500, { error: 'unexpected' }]
      later(call, options, { statusCode, data, header: {}, errMsg: 'request:ok' })
    },
    getStorage: options => storage.has(options.key)
      ? later('getStorage', options, { data: storage.get(options.key) })
      : later('getStorage', options, { errMsg: 'getStorage:fail data not found' }, 'fail'),
    setStorage(options) {
      storage.set(options.key, options.data)
      later('setStorage', options, {})
    },
    removeStorage(options) {
      storage.delete(options.key)
      later('removeStorage', options, {})
    },
    onAppShow() {},
    onAppHide() {},
    getAppBaseInfo: () => ({ SDKVersion: '3.5.5', language: 'zh_CN' }),
    setNavigationBarTitle() {},
    reLaunch: options => later(`reLaunch ${options.url}`, options, {}),
  }
  return { wx: Object.assign(wx, overrides), calls }
}

/** Render a page, such as `pages/sign-in/sign-in`, over this wx. Everything of the mini-program is loaded anew. */
function openPage(name, wx) {
  const window = new Window()
  Object.assign(global, { window, document: window.document, wx })
  for (const each of ['Event', 'CustomEvent', 'Element', 'Node']) global[each] = window[each]
  for (const file of Object.keys(require.cache)) delete require.cache[file]

  const simulate = require('miniprogram-simulate')
  // In JavaScript: WeChat's own compiler is a program for some machines alone.
  const load = (file, tagName) => simulate.load(path.join(ROOT, file), tagName, { rootPath: ROOT, compiler: 'simulate' })
  const components = Object.entries(require(path.join(ROOT, 'app.json')).usingComponents)
  const usingComponents = Object.fromEntries(components.map(([tagName, file]) => [tagName, load(file, tagName)]))
  global.Page = ({ data, ...methods }) => global.Component({
    data,
    methods,
    usingComponents,
    lifetimes: { attached() { methods.onLoad.call(this, {}) } },
  })
  const id = load(name, 'page')
  const page = simulate.render(id)
  const body = window.document.createElement('div')
  window.document.body.appendChild(body)
  page.attach(body)
  return page
}

/** What can be read on the page. */
const textOf = page => page.dom.textContent.replace(/\s+/g, ' ').trim()

/** Wait for something to become true; the page tells nobody when it has changed. */
async function until(condition, what) {
  const end = Date.now() + 20000
  while (!condition()) {
    if (Date.now() > end) throw new Error(`did not happen within 20 s: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

module.exports = { ROOT, makeWx, openPage, textOf, until }
