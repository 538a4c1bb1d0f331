/* The page: buttons run scenes, one at a time; the phone, the diagram and the panels show what comes of them. */

import { Diagram } from './diagram.js'
import { Inspector, WIDE } from './inspector.js'
import { Outcome } from './outcome.js'
import { makeScenes } from './scenes.js'
import { say } from './texts.js'
import { showToken } from './token.js'
import { Tracer } from './tracer.js'

const at = id => document.getElementById(id)
const stage = at('stage')
const inspector = new Inspector(at('inspector'), document.querySelector('.aside-column'))
const outcome = new Outcome(at('outcome'))
const narrow = window.matchMedia('(max-width: 47.99rem)')
const diagram = new Diagram(at('steps'), {
  view: at('view'),
  says: at('says'),
  onOpen: step => inspector.open(step),
  follows: () => narrow.matches
})
const tracer = new Tracer(diagram)

const { createPassport } = window.module.exports
const config = Object.assign({ baseUrl: location.origin }, JSON.parse(stage.dataset.config))
const passport = createPassport(config)
const scenes = makeScenes(passport, tracer)
const told = (selector, name, text) =>
  Object.fromEntries([...document.querySelectorAll(selector)].map(each => [name(each), text(each)]))
const explained = told('#scenes dt', dt => dt.textContent, dt => dt.nextElementSibling.textContent)
const byHand = told('[data-by-hand]', pre => pre.dataset.byHand, pre => pre.textContent.trim())
const buttons = [...document.querySelectorAll('[data-scene]')]
let running = null
let accessToken = null

window.wxDemo.onCall(call => {
  const data = call.received && call.received.data
  if (call.outcome && data && data.access_token) accessToken = data.access_token
})

async function run(name) {
  if (running) return tapAgain(name)
  running = name
  begin(name)
  let error = null
  let result = 'success'
  try {
    result = await scenes[name]()
  } catch (refused) {
    error = refused
  }
  await tracer.settled()
  await showPhone(error)
  if (error) await outcome.refused(error, tracer.errors)
  else await outcome.succeeded(say(result), tracer.errors)
  at('ends').textContent = error ? `${error.error || ''} ${words(error)}`.trim() : say(result)
  running = null
  finish(error ? 'failed' : 'done')
}

/** The server's, a script's or WeChat's own. */
const words = error => error.hint || error.message || error.errMsg

/** The one button that people tap twice. */
function tapAgain(name) {
  if (name !== 'login' || running !== 'login') return
  tracer.note('phone', say('note_tap'))
  passport.login().catch(() => {})
}

function begin(name) {
  tracer.clear()
  diagram.clear()
  inspector.clear()
  outcome.clear()
  at('empty').hidden = true
  at('scene').textContent = explained[name]
  at('by-hand').hidden = !byHand[name]
  at('by-hand').querySelector('code').textContent = byHand[name] || ''
  at('phone-note').textContent = whereabouts()
  at('ends').textContent = ''
  setState('running')
  if (narrow.matches) at('diagram-heading').scrollIntoView()
  buttons.forEach(button => {
    button.toggleAttribute('data-chosen', button.dataset.scene === name)
    setBusy(button, !(name === 'login' && button.dataset.scene === 'login'))
  })
}

function finish(state) {
  setState(state)
  buttons.forEach(button => setBusy(button, false))
}

// Not `disabled`, which would take the focus away from whoever pressed it.
const setBusy = (button, busy) => button.setAttribute('aria-disabled', String(busy))

function setState(state) {
  stage.dataset.state = state
  const count = diagram.arrows ? ` · ${say('arrows', { count: diagram.arrows })}` : ''
  at('state').textContent = say(state) + count
}

async function showPhone(error) {
  const session = (await passport.ready(), passport.session())
  const name = await window.wxDemo.visitor()
  at('phone').dataset.signedIn = String(Boolean(session))
  at('who-state').textContent = say(session ? 'signed_in' : 'signed_out')
  at('who').textContent = session ? session.accountId : name
  at('phone-note').textContent = error ? words(error) : whereabouts()
  showToken(at('token'), session && accessToken)
}

/** Below the diagram where there is room beside it for the rest, else at the end. */
function placeToken() {
  if (WIDE.matches) at('middle').append(at('token'))
  else document.querySelector('.aside-column').append(at('token'))
}

/** Why nothing goes on, where that is so. */
function whereabouts() {
  return window.wxDemo.isHidden() ? say('in_background') : ''
}

function toggleBackground() {
  const goes = !window.wxDemo.isHidden()
  if (goes) window.wxDemo.hide()
  else window.wxDemo.show()
  if (running) tracer.note('phone', say(goes ? 'note_hidden' : 'note_shown'))
  at('phone').dataset.hidden = String(goes)
  at('phone-note').textContent = whereabouts()
  at('background').setAttribute('aria-pressed', String(goes))
  at('background').querySelector('span').textContent = say(goes ? 'foreground' : 'background')
}

async function restart() {
  await window.wxDemo.become()
  // passport.js remembers who was signed in, as a mini-program that runs does; a new phone has a new start.
  location.reload()
}

buttons.forEach(button => {
  button.addEventListener('click', () => {
    if (button.getAttribute('aria-disabled') !== 'true') run(button.dataset.scene)
  })
})
at('background').addEventListener('click', toggleBackground)
at('restart').addEventListener('click', restart)
WIDE.addEventListener('change', placeToken)
placeToken()
setState('idle')
if (await passport.ready()) {
  accessToken = await passport.accessToken().catch(() => null)
  // Should that have taken a refresh, it is nothing that anybody pressed a button for.
  await tracer.settled()
  tracer.clear()
  diagram.clear()
}
await showPhone(null)
stage.dataset.ready = 'true'
