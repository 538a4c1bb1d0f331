/* Turns the calls of `wx`, and what the server asked WeChat meanwhile, into arrows.

One thing after the other: what happened is put in a queue, so that arrows stand in the order of their happening also
where the stand-in has to be asked what it was asked. An answer is drawn after all that it waited for. */

import { say } from './texts.js'

const POLL = 250
const ASKS_WECHAT = ['login', 'getUserInfo', 'getUserProfile', 'checkSession']

export class Tracer {
  /** @param {import('./diagram.js').Diagram} diagram */
  constructor(diagram) {
    this.diagram = diagram
    this.queue = Promise.resolve()
    this.underWay = new Set()
    this.clear()
    window.wxDemo.onCall(call => {
      const seen = Object.assign({}, call)
      if (seen.endedAt === null) this.underWay.add(call.id)
      else this.underWay.delete(call.id)
      if (ASKS_WECHAT.includes(call.name)) this.soon(() => this.phoneAndWeChat(call, seen))
      else if (call.name === 'request' || call.name === 'uploadFile') this.soon(() => this.phoneAndServer(call, seen))
    })
  }

  clear() {
    this.drawn = new Map()
    this.groups = []
    this.exchanges = new Map()
    this.flights = new Map()
    this.errors = []
  }

  /** Once this resolves no call is under way, such as a sign-out that nobody waits for, and all is drawn. */
  async settled() {
    let queue = null
    while (this.underWay.size || queue !== this.queue) {
      queue = this.queue
      await queue
      if (this.underWay.size) await new Promise(resolve => setTimeout(resolve, 20))
    }
  }

  soon(work) {
    this.queue = this.queue.then(work).catch(error => console.error(error))
    return this.queue
  }

  /** What was drawn so far only led up to the scene: leave it out, and say so. */
  async startOver() {
    await this.settled()
    const count = this.diagram.arrows
    this.clear()
    this.diagram.clear()
    this.diagram.note('phone', say('note_before', { count }))
  }

  note(lane, label) {
    return this.soon(() => this.diagram.note(lane, label))
  }

  // The phone asks WeChat

  phoneAndWeChat(call, seen) {
    if (seen.endedAt === null) {
      const details = { kind: 'wx', calls: [call] }
      const ask = this.diagram.arrow({
        from: 'phone', to: 'wechat', label: `wx.${call.name}`, tone: 'ask', pending: true, details
      })
      this.drawn.set(call.id, ask)
      return
    }
    const ask = this.drawn.get(call.id)
    this.diagram.update(ask, { pending: false })
    const isGood = seen.outcome === 'success'
    this.diagram.arrow({
      from: 'wechat',
      to: 'phone',
      label: isGood ? gist(call) : call.result.errMsg.replace(`${call.name}:`, ''),
      tone: isGood ? 'good' : 'wait',
      took: seen.endedAt - seen.startedAt,
      details: ask.details
    })
  }

  // The phone asks the server

  async phoneAndServer(call, seen) {
    if (!this.drawn.has(call.id) && (seen.sent || seen.endedAt !== null)) this.drawRequest(call)
    if (seen.endedAt === null) return
    const flight = this.flights.get(call.id)
    if (flight) {
      clearInterval(flight.timer)
      this.flights.delete(call.id)
      await this.lookAtWeChat([flight.code])
    }
    this.drawReply(call, seen)
  }

  drawRequest(call) {
    const label = title(call)
    // Those that are under way together share an arrow.
    const latest = this.groups[this.groups.length - 1]
    const joins = latest && latest.label === label && latest.answered < latest.calls.length
    const group = joins ? latest : this.newGroup(label)
    group.calls.push(call)
    if (group.calls.length > 1) this.diagram.update(group.ask, { count: group.calls.length })
    this.drawn.set(call.id, group)
    const code = codeIn(call)
    if (code) {
      const look = () => this.soon(() => this.lookAtWeChat([code]))
      this.flights.set(call.id, { code, timer: setInterval(look, POLL) })
    }
  }

  newGroup(label) {
    const calls = []
    const group = { label, calls, answers: new Map(), answered: 0 }
    group.ask = this.diagram.arrow({
      from: 'phone', to: 'server', label, tone: 'ask', pending: true, details: { kind: 'http', calls }
    })
    this.groups.push(group)
    return group
  }

  drawReply(call, seen) {
    const group = this.drawn.get(call.id)
    group.answered += 1
    if (group.answered === group.calls.length) this.diagram.update(group.ask, { pending: false })
    const { label, tone } = verdict(call)
    const took = seen.endedAt - seen.startedAt
    const before = group.answers.get(label)
    if (before) {
      before.details.calls.push(call)
      this.diagram.update(before, { count: before.count + 1, took: Math.max(before.took, took) })
    } else {
      const details = { kind: 'http', calls: [call] }
      const answer = this.diagram.arrow({ from: 'server', to: 'phone', label, tone, took, details })
      group.answers.set(label, answer)
    }
    const data = call.received && call.received.data
    if (data && data.error && data.request_id) this.errors.push(data)
    const wait = call.received && call.received.header['Retry-After']
    if (wait) this.diagram.note('phone', say('note_wait', { count: wait }))
  }

  // The server asks WeChat

  async lookAtWeChat(codes) {
    const found = await window.wxDemo.exchanges()
    found.filter(each => codes.includes(each.code)).forEach(each => this.drawExchange(each))
  }

  drawExchange(exchange) {
    const known = this.exchanges.get(exchange.number) || this.drawAsking(exchange)
    if (exchange.answered_at === null || known.answered) return
    known.answered = true
    known.calls[0] = exchange
    this.diagram.update(known.ask, { pending: false })
    this.diagram.arrow({
      from: 'wechat',
      to: 'server',
      label: wechatVerdict(exchange),
      tone: exchange.status === 200 && !/"errcode":[^0]/.test(exchange.body) ? 'good' : 'bad',
      took: (exchange.answered_at - exchange.arrived_at) * 1000,
      details: known.ask.details
    })
  }

  drawAsking(exchange) {
    const calls = [exchange]
    const ask = this.diagram.arrow({
      from: 'server', to: 'wechat', label: 'code2session', tone: 'ask', pending: true, details: { kind: 'exchange', calls }
    })
    const known = { ask, calls, answered: false }
    this.exchanges.set(exchange.number, known)
    return known
  }
}

/** What of the result matters for the story. */
function gist(call) {
  const { result } = call
  if (call.name === 'login') return 'code'
  if (result.encryptedData) return 'encryptedData, iv'
  return 'ok'
}

function title(call) {
  const { method = 'GET', url, data } = call.arguments
  const path = new URL(url, location.origin).pathname
  const verb = call.name === 'uploadFile' ? 'POST' : method.toUpperCase()
  const grant = data && data.grant_type === 'refresh_token' ? ' refresh' : ''
  return `${verb} ${path}${grant}`
}

const codeIn = call => call.name === 'request' && call.arguments.data && call.arguments.data.code

function verdict(call) {
  if (!call.received) return { label: call.result.errMsg.replace(`${call.name}:`, ''), tone: 'bad' }
  const { statusCode, data } = call.received
  if (statusCode >= 400) {
    const passes = ['unregistered', 'invalid_token', 'invalid_grant', 'temporarily_unavailable', 'slow_down']
    return { label: `${statusCode} ${data.error || ''}`, tone: passes.includes(data.error) ? 'wait' : 'bad' }
  }
  const named = ['access_token', 'account_id'].find(name => data && data[name])
  return { label: named ? `${statusCode} ${named}` : String(statusCode), tone: 'good' }
}

function wechatVerdict(exchange) {
  const found = /"errcode":"?(-?\d+)/.exec(exchange.body)
  if (found && found[1] !== '0') return `errcode ${found[1]}`
  if (exchange.status !== 200) return exchange.status === null ? 'fail' : String(exchange.status)
  return 'openid, session_key'
}
