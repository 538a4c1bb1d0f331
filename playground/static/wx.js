/* The `wx` of a mini-program in a browser, backed by the WeChat stand-in of `server.py --demo`.

It behaves as WeChat documents it, where a client can tell: callbacks, and a promise where WeChat gives one and no
callback was passed; any HTTP status is a success; `errMsg` in WeChat's words; at most ten requests at once, the others
wait; a request that runs, or begins, five seconds after the app went to the background fails as interrupted; a
wx.login replaces the session_key that wx.getUserInfo seals with. What a mini-program cannot do, `wxDemo` does: it is
the hand that holds the phone. It tells whoever listens of every call: `wxDemo.onCall(call => …)`, once when the call
begins and once when it ended. */
'use strict'

;(() => {
  const AT_ONCE = 10
  const DEFAULT_TIMEOUT = 60000
  const ENCRYPTS_SINCE = '2.21.3'
  const METHODS = ['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE']
  const kept = window.sessionStorage // a tab is a phone

  // Who listens

  const listeners = new Set()
  let calls = 0

  function begin(name, args) {
    const call = { id: ++calls, name, arguments: plain(args), startedAt: Date.now(), endedAt: null, outcome: null }
    tell(call)
    return call
  }

  function end(call, outcome, result) {
    Object.assign(call, { endedAt: Date.now(), outcome, result: plain(result) })
    tell(call)
  }

  function tell(call) {
    listeners.forEach(listener => listener(call))
  }

  function plain(value) {
    if (value === undefined) return undefined
    return JSON.parse(JSON.stringify(value, (_, each) => (each instanceof ArrayBuffer ? '[ArrayBuffer]' : each)))
  }

  // How a call of wx ends: by callbacks, or by a promise when there are none

  function answer(options, outcome, result) {
    const callback = options[outcome]
    if (typeof callback === 'function') callback(result)
    if (typeof options.complete === 'function') options.complete(result)
  }

  const hasCallbacks = options => ['success', 'fail', 'complete'].some(name => typeof options[name] === 'function')

  function asynchronous(name, work) {
    return (options = {}) => {
      const call = begin(name, options)
      const done = Promise.resolve()
        .then(() => work(options))
        .then(
          result => ['success', Object.assign({}, result, { errMsg: `${name}:ok` })],
          error => ['fail', { errMsg: `${name}:fail ${error.message}` }]
        )
        .then(([outcome, result]) => {
          end(call, outcome, result)
          return [outcome, result]
        })
      if (hasCallbacks(options)) return void done.then(([outcome, result]) => answer(options, outcome, result))
      return done.then(([outcome, result]) => (outcome === 'success' ? result : Promise.reject(result)))
    }
  }

  function synchronous(name, work) {
    return (...args) => {
      const call = begin(name, args)
      const result = work(...args)
      end(call, 'success', result)
      return result
    }
  }

  // The stand-in, for this phone's owner

  async function ask(path, fields) {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      credentials: 'omit',
      body: JSON.stringify(fields)
    })
    const told = await response.json()
    if (!response.ok) throw new Error(told.error_description || String(response.status))
    return told
  }

  let arriving = null

  function visitor() {
    const known = kept.getItem('wxDemo.visitor')
    if (known) return Promise.resolve(known)
    arriving = arriving || ask('/demo/visitors', {}).then(({ user }) => {
      kept.setItem('wxDemo.visitor', user)
      arriving = null
      return user
    })
    return arriving
  }

  const askAs = (path, fields) => visitor().then(user => ask(path, Object.assign({ user }, fields)))

  async function checkSession() {
    const { valid } = await askAs('/demo/wx/session')
    if (!valid) throw new Error('session time out')
    return {}
  }

  async function getUserInfo(options) {
    const told = await askAs('/demo/wx/user-info')
    if (options.withCredentials === false) return { userInfo: told.userInfo, rawData: told.rawData }
    return told
  }

  function getUserProfile(options) {
    if (!options.desc) throw new Error('desc length does not meet the requirements')
    return askAs('/demo/wx/user-info', { with_openid: false })
  }

  // The network

  const running = { request: new Set(), uploadFile: new Set() }
  const waiting = { request: [], uploadFile: [] }
  // Access tokens that are to be sent as they will be when their time is up.
  const aged = new Map()
  let lastAccessToken = null
  let interruptAfter = 5000
  let isHidden = false
  let isSuspended = false
  let suspending = 0

  function networkCall(name, prepare, read) {
    return (options = {}) => {
      const call = begin(name, options)
      const task = { aborter: new AbortController(), reason: '', headersReceived: new Set() }
      task.stop = reason => {
        task.reason = task.reason || reason
        task.aborter.abort()
      }
      const converse = async () => {
        if (isSuspended) task.stop('interrupted')
        const [url, init] = prepare(options)
        call.sent = { url, method: init.method, header: init.headers, data: describe(init.body), aged: isAged(init.headers) }
        tell(call)
        const response = await fetch(url, network(init, task.aborter.signal))
        const header = headersOf(response)
        task.headersReceived.forEach(listener => listener({ header, statusCode: response.status, cookies: [] }))
        const result = await read(response, options)
        remember(result.data)
        call.received = { statusCode: response.status, header, data: plain(result.data) }
        return Object.assign(result, { errMsg: `${name}:ok` })
      }
      const failure = error => ({
        errMsg: `${name}:fail ${task.reason || error.message}`,
        errno: task.reason === 'timeout' ? 5 : 600001
      })
      const run = async () => {
        running[name].add(task)
        const timer = setTimeout(() => task.stop('timeout'), options.timeout || DEFAULT_TIMEOUT)
        const [outcome, result] = await converse().then(
          result => ['success', result],
          error => ['fail', failure(error)]
        )
        clearTimeout(timer)
        running[name].delete(task)
        end(call, outcome, result)
        const next = waiting[name].shift()
        if (next) next()
        answer(options, outcome, result)
      }
      // Never before the caller has its task.
      Promise.resolve().then(() => (running[name].size < AT_ONCE ? run() : waiting[name].push(run)))
      return taskOf(task)
    }
  }

  const taskOf = task => ({
    abort: () => task.stop('abort'),
    onHeadersReceived: listener => void task.headersReceived.add(listener),
    offHeadersReceived: listener => void task.headersReceived.delete(listener),
    onProgressUpdate: () => {},
    offProgressUpdate: () => {}
  })

  // A mini-program has no cookies, and shares no cache with pages.
  const network = (init, signal) => Object.assign({ credentials: 'omit', cache: 'no-store', signal }, init)

  function prepareRequest(options) {
    const method = (options.method || 'GET').toUpperCase()
    if (!METHODS.includes(method)) throw new Error('method is invalid')
    const header = headersToSend(options)
    if (!Object.keys(header).some(name => name.toLowerCase() === 'content-type')) {
      header['content-type'] = 'application/json'
    }
    if (method === 'GET' || method === 'HEAD') {
      return [withQuery(address(options.url), options.data), { method, headers: header }]
    }
    return [address(options.url), { method, headers: header, body: bodyOf(options.data, contentType(header)) }]
  }

  function prepareUpload(options) {
    const blob = files.get(options.filePath)
    if (!blob) throw new Error('file not found')
    if (!options.name) throw new Error('parameter error: parameter.name should be String')
    const form = new FormData()
    Object.entries(options.formData || {}).forEach(([name, value]) => form.append(name, value))
    form.append(options.name, blob, options.filePath.split('/').pop())
    const header = headersToSend(options)
    // The boundary is the sender's to choose, so its Content-Type is, too.
    Object.keys(header).filter(name => name.toLowerCase() === 'content-type').forEach(name => delete header[name])
    return [address(options.url), { method: 'POST', headers: header, body: form }]
  }

  function address(url) {
    if (!/^https?:\/\//.test(url || '')) throw new Error(`invalid url "${url}"`)
    return url
  }

  function headersToSend(options) {
    const header = {}
    Object.entries(options.header || {}).forEach(([name, value]) => {
      if (name.toLowerCase() !== 'referer') header[name] = withAge(String(value))
    })
    return header
  }

  const isAged = header => Object.values(header).some(value => [...aged.values()].includes(value))
  const withAge = value => (aged.has(value) ? aged.get(value) : value)

  const contentType = header =>
    String(Object.entries(header).find(([name]) => name.toLowerCase() === 'content-type')[1])

  function bodyOf(data, type) {
    if (data === undefined || data === null) return undefined
    if (typeof data === 'string' || data instanceof ArrayBuffer) return data
    return type.startsWith('application/x-www-form-urlencoded') ? query(data) : JSON.stringify(data)
  }

  const query = data =>
    Object.entries(data).map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')

  function withQuery(url, data) {
    const more = data && typeof data === 'object' ? query(data) : ''
    return more ? url + (url.includes('?') ? '&' : '?') + more : url
  }

  function describe(body) {
    if (body instanceof FormData) {
      return Object.fromEntries(
        [...body].map(([name, value]) => [name, value instanceof Blob ? `[${value.type}, ${value.size} bytes]` : value])
      )
    }
    return body instanceof ArrayBuffer ? '[ArrayBuffer]' : body
  }

  async function readReply(response, options) {
    const { responseType, dataType = 'json' } = options
    const common = { statusCode: response.status, header: headersOf(response), cookies: [] }
    if (responseType === 'arraybuffer') return Object.assign({ data: await response.arrayBuffer() }, common)
    const text = await response.text()
    return Object.assign({ data: dataType === 'json' ? parsed(text) : text }, common)
  }

  // An upload's answer is text, and WeChat documents no header with it but by onHeadersReceived.
  const readUploadReply = async response => ({ data: await response.text(), statusCode: response.status })

  function parsed(text) {
    try {
      return JSON.parse(text)
    } catch (_) {
      return text
    }
  }

  // As HTTP/1.1 servers spell them; fetch has them in lower case.
  const headersOf = response =>
    Object.fromEntries([...response.headers].map(([name, value]) => [name.replace(/\b[a-z]/g, c => c.toUpperCase()), value]))

  function remember(data) {
    if (data && data.access_token && data.refresh_token) lastAccessToken = data.access_token
  }

  // The app goes to the background and comes back

  const shown = new Set()
  const hidden = new Set()

  function hide() {
    if (isHidden) return
    isHidden = true
    hidden.forEach(listener => listener({ reason: 3 }))
    suspending = setTimeout(() => {
      isSuspended = true
      Object.values(running).forEach(tasks => tasks.forEach(task => task.stop('interrupted')))
    }, interruptAfter)
  }

  function show() {
    if (!isHidden) return
    isHidden = isSuspended = false
    clearTimeout(suspending)
    shown.forEach(listener => listener({ path: 'pages/index/index', query: {}, scene: 1001 }))
  }

  // Storage: what was encrypted is read only by who says so (base library 2.21.3)

  const slot = key => `wx.${key}`
  const bytes = text => Uint8Array.from(atob(text), each => each.charCodeAt(0))
  const text = buffer => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  const encrypts = options => options.encrypt === true && !isOlder(sdkVersion, ENCRYPTS_SINCE)

  async function storageKey() {
    if (!kept.getItem('wxDemo.key')) kept.setItem('wxDemo.key', text(crypto.getRandomValues(new Uint8Array(16))))
    return crypto.subtle.importKey('raw', bytes(kept.getItem('wxDemo.key')), 'AES-CBC', false, ['encrypt', 'decrypt'])
  }

  async function setStorage(options) {
    const value = JSON.stringify({ data: options.data })
    if (!encrypts(options)) return void kept.setItem(slot(options.key), value)
    const iv = crypto.getRandomValues(new Uint8Array(16))
    const sealed = await crypto.subtle.encrypt({ name: 'AES-CBC', iv }, await storageKey(), new TextEncoder().encode(value))
    kept.setItem(slot(options.key), JSON.stringify({ sealed: text(iv) + '.' + text(sealed) }))
  }

  async function getStorage(options) {
    const found = kept.getItem(slot(options.key))
    if (found === null) throw new Error('data not found')
    const value = JSON.parse(found)
    if (!encrypts(options)) return { data: 'sealed' in value ? value.sealed : value.data }
    if (!('sealed' in value)) throw new Error('decrypt data failed')
    const [iv, sealed] = value.sealed.split('.').map(bytes)
    const opened = await crypto.subtle.decrypt({ name: 'AES-CBC', iv }, await storageKey(), sealed)
    return { data: JSON.parse(new TextDecoder().decode(opened)).data }
  }

  function getStorageSync(key) {
    const value = JSON.parse(kept.getItem(slot(key)) || '{"data":""}')
    return 'sealed' in value ? value.sealed : value.data
  }

  function clearStorage() {
    Object.keys(kept).filter(name => name.startsWith('wx.')).forEach(name => kept.removeItem(name))
  }

  // The base library and the system

  let sdkVersion = '3.8.0'

  function isOlder(version, than) {
    const [ours, theirs] = [version, than].map(each => each.split('.').map(Number))
    const at = ours.findIndex((number, index) => number !== theirs[index])
    return at >= 0 && ours[at] < theirs[at]
  }

  const appBaseInfo = () => ({
    SDKVersion: sdkVersion,
    version: '8.0.49',
    language: document.documentElement.lang.startsWith('zh') ? 'zh_CN' : 'en',
    enableDebug: false,
    host: { env: 'WeChat', appId: '', version: 0 }
  })

  const systemInfo = () =>
    Object.assign(appBaseInfo(), { brand: 'devtools', model: 'browser', platform: 'devtools', system: 'browser' })

  function canIUse(schema) {
    if (schema === 'setStorage.object.encrypt' || schema === 'getStorage.object.encrypt') {
      return !isOlder(sdkVersion, ENCRYPTS_SINCE)
    }
    return schema.split('.')[0] in window.wx
  }

  // Pictures: a temporary path stands for a Blob

  const files = new Map()

  async function chooseAvatar(blob) {
    const path = `wxfile://tmp_${Math.random().toString(36).slice(2)}.png`
    files.set(path, blob || (await drawing()))
    return path
  }

  function drawing() {
    const canvas = Object.assign(document.createElement('canvas'), { width: 132, height: 132 })
    const pen = canvas.getContext('2d')
    pen.fillStyle = `hsl(${Math.floor(Math.random() * 360)} 45% 55%)`
    pen.fillRect(0, 0, 132, 132)
    return new Promise(resolve => canvas.toBlob(resolve, 'image/png'))
  }

  window.wx = {
    login: asynchronous('login', () => askAs('/demo/wx/login')),
    checkSession: asynchronous('checkSession', checkSession),
    getUserInfo: asynchronous('getUserInfo', getUserInfo),
    getUserProfile: asynchronous('getUserProfile', getUserProfile),
    request: networkCall('request', prepareRequest, readReply),
    uploadFile: networkCall('uploadFile', prepareUpload, readUploadReply),
    setStorage: asynchronous('setStorage', setStorage),
    getStorage: asynchronous('getStorage', getStorage),
    removeStorage: asynchronous('removeStorage', options => kept.removeItem(slot(options.key))),
    clearStorage: asynchronous('clearStorage', clearStorage),
    setStorageSync: synchronous('setStorageSync', (key, data) => kept.setItem(slot(key), JSON.stringify({ data }))),
    getStorageSync: synchronous('getStorageSync', getStorageSync),
    removeStorageSync: synchronous('removeStorageSync', key => kept.removeItem(slot(key))),
    clearStorageSync: synchronous('clearStorageSync', clearStorage),
    onAppShow: listener => void shown.add(listener),
    offAppShow: listener => void shown.delete(listener),
    onAppHide: listener => void hidden.add(listener),
    offAppHide: listener => void hidden.delete(listener),
    getAppBaseInfo: appBaseInfo,
    getDeviceInfo: systemInfo,
    getSystemInfoSync: systemInfo,
    getSystemInfo: asynchronous('getSystemInfo', systemInfo),
    getAccountInfoSync: () => ({ miniProgram: { appId: '', envVersion: 'develop', version: '' } }),
    getNetworkType: asynchronous('getNetworkType', () => ({ networkType: 'wifi' })),
    onNetworkStatusChange: () => {},
    offNetworkStatusChange: () => {},
    canIUse,
    getPrivacySetting: asynchronous('getPrivacySetting', () => ({ needAuthorization: false, privacyContractName: '' })),
    requirePrivacyAuthorize: asynchronous('requirePrivacyAuthorize', () => ({})),
    openPrivacyContract: asynchronous('openPrivacyContract', () => ({})),
    onNeedPrivacyAuthorization: () => {}
  }

  window.wxDemo = {
    onCall: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    /** The name of this phone's owner at the stand-in: a new visitor, unless told otherwise. */
    visitor,
    /** Hand the phone to somebody: to a new visitor without a name. The mini-program is installed anew. */
    become: name => {
      clearStorage()
      lastAccessToken = null
      aged.clear()
      if (name) kept.setItem('wxDemo.visitor', name)
      else kept.removeItem('wxDemo.visitor')
      return visitor()
    },
    hide,
    show,
    isHidden: () => isHidden,
    /** From now on this access token, or the one given last, is sent as it will be when its time is up. */
    expireAccessToken: async (token = lastAccessToken) => {
      const { access_token: old } = await ask('/demo/tokens/expired', { access_token: token })
      aged.set(`Bearer ${token}`, `Bearer ${old}`)
    },
    expireSessionKey: () => askAs('/demo/session-keys/expire'),
    fail: (mode, details) => askAs('/demo/faults', Object.assign({ mode }, details)),
    ban: () => askAs('/demo/users/ban'),
    endSessions: () => askAs('/demo/users/end-sessions'),
    exchanges: () => askAs('/demo/exchanges').then(told => told.exchanges),
    phoneCode: () => askAs('/demo/wx/phone-code').then(told => told.code),
    chooseAvatar,
    set sdkVersion(version) {
      sdkVersion = version
    },
    get sdkVersion() {
      return sdkVersion
    },
    /** After how many milliseconds in the background requests are interrupted; WeChat: 5000. */
    set interruptAfter(milliseconds) {
      interruptAfter = milliseconds
    },
    get interruptAfter() {
      return interruptAfter
    }
  }
})()
