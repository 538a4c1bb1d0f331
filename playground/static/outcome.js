/* What a run came to, for both who look at it: the mini-program and the operator. */

import { make, say } from './texts.js'

export class Outcome {
  /** @param {HTMLElement} panel */
  constructor(panel) {
    this.panel = panel
    this.client = panel.querySelector('#client')
    this.operator = panel.querySelector('#operator')
  }

  clear() {
    this.panel.hidden = true
  }

  /** @param {string} text @param {object[]} refusals bodies of refused answers, in their order */
  async succeeded(text, refusals) {
    this.tellClient('good', make('p.verdict', make('span.badge', say('success'))), make('p', text))
    await this.tellOperator(refusals)
  }

  async refused(error, refusals) {
    const badge = make('p.verdict', make('span.badge', error.error || 'error'))
    if (error.statusCode) badge.append(make('code', `HTTP ${error.statusCode}`))
    const told = [badge, make('p', error.hint || error.message || error.errMsg)]
    if (error.requestId) told.push(make('p.request-id', `request_id ${error.requestId}`))
    this.tellClient('bad', ...told)
    await this.tellOperator(refusals)
  }

  tellClient(tone, ...contents) {
    this.client.className = `told ${tone}`
    this.client.replaceChildren(make('h3', say('client')), ...contents)
    this.panel.hidden = false
  }

  async tellOperator(refusals) {
    const first = new Map(refusals.map(each => [each.error, each]).reverse())
    const rows = await Promise.all([...first.values()].reverse().map(each => recorded(each.request_id)))
    this.operator.className = 'told'
    const found = rows.filter(Boolean)
    const contents = found.length ? found.map(row) : [make('p.hint', say('operator_nothing'))]
    this.operator.replaceChildren(make('h3', say('operator')), ...contents)
  }
}

/** The record of the refusal in the dashboard's words; null when there is none. */
async function recorded(requestId) {
  const language = document.documentElement.lang.startsWith('zh') ? 'zh' : 'en'
  const response = await fetch(`/demo/refusals/${requestId}?lang=${language}`)
  return response.ok ? response.json() : null
}

function row(refusal) {
  const link = make('a', say('operator_link'))
  Object.assign(link, { href: refusal.url, target: '_blank', rel: 'noopener' })
  const facts = make('p.facts-line', make('code', refusal.operation), ' ', make('code', refusal.error))
  const text = refusal.to_do || refusal.cure
  const words = make('p.advice', make('span.actor', refusal.actor), text ? ` ${text}` : '')
  return make('article.refusal', make('h4', refusal.title), facts, words, link)
}
