/* Enough of a mini-program's runtime to see our pages live in a browser: WXML with wx:if, wx:for and {{ }}, Page and
Component with setData, and those parts of `wx` that are about pages. It is for tests: what WeChat alone can show (its
keyboard, its dialogs, its own look of buttons) is not here. The network and storage are the playground's wx.js. */
'use strict'

window.openMiniProgram = (sources, config) => {
  const modules = new Map()
  const definitions = {}
  const seen = { titles: [], toasts: [], clipboard: [], files: {} }
  let current = null

  // Modules, as CommonJS

  function load(path) {
    if (path === 'config.js') return config
    if (!modules.has(path)) {
      const module = { exports: {} }
      modules.set(path, module)
      const require = name => load(new URL(name, `http://x/${path}`).pathname.slice(1))
      const run = new Function('module', 'require', 'Page', 'Component', 'App', sources[path])
      const define = definition => { definitions[path.replace(/\.js$/, '')] = definition }
      run(module, require, define, define, () => {})
    }
    return modules.get(path).exports
  }

  // Templates: every tag gets a prefix, so that no tag of HTML's is meant

  function template(path) {
    const text = sources[`${path}.wxml`]
      .replace(/<([a-z-]+)((?:\s+[\w:-]+(?:="[^"]*")?)*)\s*\/>/g, '<$1$2></$1>')
      .replace(/<(\/?)([a-z-]+)/g, '<$1wx-$2')
    return new DOMParser().parseFromString(text, 'text/html').body
  }

  // What the data do not name is undefined, as in WXML, and never a global.
  const scope = data => new Proxy(data, { has: (_, name) => typeof name === 'string' })
  const value = (expression, data) => new Function('scope', `with (scope) { return (${expression}) }`)(scope(data))

  function filled(text, data) {
    const whole = /^\s*\{\{(.*)\}\}\s*$/.exec(text)
    if (whole && !whole[1].includes('}}')) return value(whole[1], data)
    return text.replace(/\{\{(.*?)\}\}/g, (_, expression) => value(expression, data))
  }

  function children(from, data, owner) {
    let taken = false
    return [...from.childNodes].flatMap(node => {
      if (node.nodeType === Node.TEXT_NODE) return [document.createTextNode(filled(node.data, data).trim())]
      if (node.nodeType !== Node.ELEMENT_NODE) return []
      const condition = node.getAttribute('wx:if') || node.getAttribute('wx:elif')
      if (!condition && !node.hasAttribute('wx:else')) return repeated(node, data, owner)
      const before = !node.hasAttribute('wx:if') && taken
      const chosen = !before && (!condition || Boolean(filled(condition, data)))
      taken = before || chosen
      return chosen ? repeated(node, data, owner) : []
    })
  }

  function repeated(node, data, owner) {
    if (!node.hasAttribute('wx:for')) return shown(node, data, owner)
    return filled(node.getAttribute('wx:for'), data).flatMap(item => shown(node, Object.assign({}, data, { item }), owner))
  }

  function shown(node, data, owner) {
    const name = node.localName.replace(/^wx-/, '')
    if (name === 'block') return children(node, data, owner)
    const component = `components/${name}/${name}`
    if (sources[`${component}.js`]) return [instance(component, node, data)]
    const tags = { button: 'button', input: 'input', image: 'img', form: 'form', label: 'label', checkbox: 'input' }
    const element = document.createElement(tags[name] || `wx-${name}`)
    for (const { name: attribute, value: text } of node.attributes) {
      const told = filled(text, data)
      if (attribute.startsWith('wx:') || told === false) continue
      if (attribute.startsWith('bind')) element.dataset[`on${attribute.slice(4)}`] = told
      else element.setAttribute(attribute.replace(/^aria-role$/, 'role'), told === true ? '' : told)
    }
    if (name === 'checkbox') element.type = 'checkbox'
    if (name === 'input') element.type = 'text'
    if (name === 'button') element.type = 'button'
    element.owner = owner
    element.append(...children(node, data, owner))
    return [element]
  }

  function instance(path, node, data) {
    load(`${path}.js`)
    const definition = definitions[path]
    const properties = {}
    for (const { name, value: text } of node.attributes) properties[name] = filled(text, data)
    const owner = Object.assign({ properties }, definition.methods)
    const host = document.createElement('wx-component')
    host.append(...children(template(path), Object.assign({}, definition.data, properties), owner))
    return host
  }

  // Pages

  function open(path) {
    load(`${path}.js`)
    const page = Object.assign({}, definitions[path])
    page.route = path
    page.data = JSON.parse(JSON.stringify(page.data || {}))
    page.setData = changes => {
      for (const [key, to] of Object.entries(changes)) {
        const names = key.split('.')
        const last = names.pop()
        names.reduce((at, name) => at[name], page.data)[last] = to
      }
      if (page === current) draw(page)
    }
    current = page
    document.querySelector('#style').textContent = [sources['app.wxss'], sources['components/problem/problem.wxss'],
      sources[`${path}.wxss`]].join('\n').replace(/^(\s*)page \{/gm, '$1body {')
    draw(page)
    if (page.onLoad) page.onLoad({})
    if (page.onShow) page.onShow()
  }

  function draw(page) {
    const typed = [...document.querySelectorAll('input')].map(input => [input.value, input.checked])
    document.querySelector('main').replaceChildren(...children(template(page.route), page.data, page))
    document.querySelectorAll('input[type=checkbox]').forEach((input, index) => {
      if (typed[index]) [, input.checked] = typed[index]
    })
  }

  // What a finger does

  const on = (element, event) => element.closest(`[data-on${event}]`)

  let tapping = false

  async function tap(event) {
    tapping = true
    Promise.resolve().then(() => { tapping = false })
    const target = event.target.closest('button') || event.target
    if (target.disabled) return undefined
    const kind = target.getAttribute('open-type')
    if (target.getAttribute('form-type') === 'submit') return submit(target.form)
    if (kind === 'chooseAvatar') return handle(target, 'chooseavatar', { avatarUrl: await wxDemo.chooseAvatar() })
    if (kind === 'getPhoneNumber') return handle(target, 'getphonenumber', { code: await wxDemo.phoneCode() })
    if (kind === 'agreePrivacyAuthorization') return handle(target, 'agreeprivacyauthorization', {})
    const link = event.target.closest('wx-navigator')
    return link ? open(link.getAttribute('url').slice(1)) : handle(target, 'tap', {})
  }

  function handle(element, event, detail) {
    const found = on(element, event)
    if (!found) return undefined
    const { dataset, owner } = found
    return owner[dataset[`on${event}`]]({ detail, currentTarget: { dataset } })
  }

  function submit(form) {
    const entries = [...form.querySelectorAll('input')].map(input => [input.name, input.value])
    return handle(form, 'submit', { value: Object.fromEntries(entries) })
  }

  function check(event) {
    const boxes = [...event.target.closest('wx-checkbox-group').querySelectorAll('input:checked')]
    return handle(event.target, 'change', { value: boxes.map(box => box.value) })
  }

  // The parts of `wx` that are about pages

  Object.assign(wx, {
    getAppBaseInfo: () => ({ SDKVersion: '3.8.0', language: config.language || 'zh_CN' }),
    getPrivacySetting: ({ success }) => success({
      needAuthorization: Boolean(config.needsAgreement), privacyContractName: config.contract || '',
    }),
    setNavigationBarTitle: ({ title }) => { seen.titles.push(title); document.querySelector('h1').textContent = title },
    reLaunch: ({ url }) => open(url.slice(1)),
    showToast: ({ title }) => seen.toasts.push(title),
    showModal: ({ success }) => success({ confirm: true }),
    setClipboardData: ({ data, success }) => { seen.clipboard.push(data); if (success) success({}) },
    stopPullDownRefresh: () => {},
    env: { USER_DATA_PATH: 'http://usr' },
    getFileSystemManager: () => ({
      writeFileSync: (filePath, data) => { seen.files[filePath] = data },
      unlink: ({ filePath }) => { delete seen.files[filePath] },
    }),
    // In the tap itself, or not at all.
    shareFileMessage: ({ filePath, fail, complete }) => {
      if (tapping) seen.shared = seen.files[filePath]
      else fail({ errMsg: 'shareFileMessage:fail can only be invoked by user TAP gesture.' })
      complete({})
    },
  })

  document.head.insertAdjacentHTML('beforeend', '<style id="base"></style><style id="style"></style>')
  // As WeChat's own style (v2) has them.
  document.querySelector('#base').textContent = `
    * { margin: 0 } body { height: 100% } main { display: block } h1 { padding: 12px; text-align: center; font-size: 17px;
    font-weight: 500 } wx-view, wx-navigator, wx-scroll-view, wx-checkbox-group, wx-component { display: block }
    wx-scroll-view { overflow-y: auto } button { display: block; border: 0; font-family: inherit; width: 184px; margin: auto }
    input[type=text] { border: 0; background: none; color: inherit; font: inherit; min-height: 1.4em } `
  document.body.replaceChildren(document.createElement('h1'), document.createElement('main'))
  document.addEventListener('click', tap)
  document.addEventListener('change', event => { if (event.target.type === 'checkbox') check(event) })
  load('app.js')
  open('pages/me/me')
  return seen
}
