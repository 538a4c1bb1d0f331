/* Shows what an arrow stands for: the arguments and result of a call of wx, or a request and its answer. */

import { duration, make, say } from './texts.js'

const LONG = 120
// Three columns.
export const WIDE = window.matchMedia('(min-width: 72rem)')

export class Inspector {
  /** @param {HTMLElement} panel @param {HTMLElement} column where it stands on a wide screen */
  constructor(panel, column) {
    Object.assign(this, { panel, column })
    this.heading = panel.querySelector('h2')
    this.pager = panel.querySelector('#pager')
    this.contents = panel.querySelector('#inspected')
    this.empty = { heading: this.heading.textContent, hint: this.contents.firstElementChild }
    WIDE.addEventListener('change', () => this.place())
  }

  clear() {
    this.step = null
    this.heading.textContent = this.empty.heading
    this.contents.replaceChildren(this.empty.hint)
    this.pager.replaceChildren()
    this.place()
  }

  open(step, index = 0) {
    Object.assign(this, { step, index })
    const { kind, calls } = step.details
    const call = calls[Math.min(index, calls.length - 1)]
    this.heading.textContent = step.label
    this.pager.replaceChildren(...this.pages(calls))
    this.contents.replaceChildren(...SHOW[kind](call))
    this.place()
  }

  /** Beside the diagram, or on a narrow screen below the arrow. */
  place() {
    const beside = WIDE.matches || !this.step
    if (beside) this.column.querySelector('#outcome').after(this.panel)
    else this.step.element.append(this.panel)
  }

  pages(calls) {
    if (calls.length < 2) return []
    const turn = (by, name, sign) => {
      const button = make('button', sign)
      button.type = 'button'
      button.setAttribute('aria-label', say(name))
      button.disabled = !calls[this.index + by]
      button.addEventListener('click', () => {
        this.open(this.step, this.index + by)
        const again = [...this.pager.querySelectorAll('button')]
        ;(again[by > 0 ? 1 : 0].disabled ? again[by > 0 ? 0 : 1] : again[by > 0 ? 1 : 0]).focus()
      })
      return button
    }
    const which = make('span', say('which', { number: this.index + 1, count: calls.length }))
    return [turn(-1, 'previous', '‹'), which, turn(1, 'next', '›')]
  }
}

const SHOW = {
  wx: call => [
    part(say('arguments'), code(call.arguments || {})),
    part(say('result'), call.result ? code(call.result) : quiet(say('no_answer')))
  ],

  http: call => {
    const { sent, received } = call
    const asked = sent
      ? [start(`${sent.method} ${new URL(sent.url).pathname}`), ...message(sent.header, sent.data)]
      : [quiet(say('no_answer'))]
    if (call.sent && call.sent.aged) asked.splice(1, 0, make('p.remark', say('aged_sent')))
    const took = call.endedAt && duration(call.endedAt - call.startedAt)
    const answered = received
      ? [start(`HTTP ${received.statusCode}`, took), ...message(received.header, received.data)]
      : [call.result ? code(call.result) : quiet(say('no_answer'))]
    return [part(say('request'), ...asked), part(say('answer'), ...answered)]
  },

  exchange: exchange => {
    const query = Object.entries(exchange.fields).map(([name, value]) => `${name}=${value}`).join('\n&')
    const answered = exchange.answered_at
      ? [start(`HTTP ${exchange.status}`, duration((exchange.answered_at - exchange.arrived_at) * 1000)), ...message({ 'Content-Type': exchange.content_type }, exchange.body)]
      : [quiet(say('no_answer'))]
    return [
      ...(exchange.body.includes('session_key') ? [make('p.remark', say('key_stays'))] : []),
      part(say('request'), start(`${exchange.method} ${exchange.path}`), code(`?${query}`)),
      part(say('answer'), ...answered)
    ]
  }
}

const part = (name, ...contents) => make('section.part', make('h3', name), ...contents)
const quiet = text => make('p.hint', text)

function start(line, took) {
  const element = make('p.start', make('code', line))
  if (took) element.append(make('span.took', took))
  return element
}

function message(headers, body) {
  const names = Object.keys(headers)
  const table = make('dl.headers')
  names.forEach(name => table.append(make('div', make('dt', name), make('dd', headers[name]))))
  const folded = make('details', make('summary', `${say('headers')} (${names.length})`), table)
  const isEmpty = body === undefined || body === null || body === ''
  return [...(names.length ? [folded] : []), isEmpty ? quiet(say('no_body')) : code(body)]
}

/** JSON in colours, any other text as it is. */
function code(content) {
  let value = content
  try {
    if (typeof content === 'string') value = JSON.parse(content)
  } catch (_) {
    return make('pre.json', make('code', content))
  }
  const block = make('code')
  paint(block, JSON.stringify(value, null, 2))
  return make('pre.json', block)
}

/** A text as long as encryptedData is cut, until somebody asks for all of it. */
function shortened(element) {
  const whole = element.textContent
  if (whole.length <= LONG) return [element]
  element.textContent = `${whole.slice(0, LONG - 24)}…`
  const more = make('button.more', say('show_all', { count: whole.length - 2 }))
  more.type = 'button'
  more.addEventListener('click', () => {
    element.textContent = whole
    element.tabIndex = -1
    element.focus()
    more.remove()
  })
  return [element, more]
}

function paint(block, text) {
  const token = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?|true|false|null)/g
  let end = 0
  for (const found of text.matchAll(token)) {
    block.append(text.slice(end, found.index))
    const [whole, string, colon = '', other] = found
    const kind = other ? 'other' : colon ? 'key' : string === '"[secret]"' ? 'secret' : 'string'
    block.append(...shortened(make(`span.${kind}`, other || string)), colon)
    end = found.index + whole.length
  }
  block.append(text.slice(end))
}
