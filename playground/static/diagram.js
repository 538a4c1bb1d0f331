/* Draws the arrows between three lanes, one below the other in the order in which they happened. */

import { duration, make, say } from './texts.js'

const LANES = ['phone', 'server', 'wechat']

export class Diagram {
  /**
   * @param {HTMLElement} steps the list
   * @param {{view: HTMLElement, says: HTMLElement, onOpen: (step: object) => void, follows: () => boolean}} around
   *   follows: whether the page is to scroll along
   */
  constructor(steps, { view, says, onOpen, follows }) {
    Object.assign(this, { steps, view, says, onOpen, follows })
    this.clear()
  }

  clear() {
    this.steps.replaceChildren()
    this.says.textContent = ''
    this.arrows = 0
    this.opened = null
  }

  /** An arrow that was drawn, to be changed by `update`. `details` is what it opens. */
  arrow({ from, to, label, tone, pending = false, took, details }) {
    const number = ++this.arrows
    const step = { number, from, to, label, tone, pending, took, details, count: 1 }
    step.element = make('li.step')
    step.button = make('button')
    step.button.type = 'button'
    step.button.addEventListener('click', () => this.open(step))
    step.element.append(step.button)
    this.update(step)
    this.append(step)
    this.announce(say('says_step', { number, from: say(from), to: say(to), label }))
    return step
  }

  /** Words between the arrows: what was done to this lane, or what it waits for. */
  note(lane, label) {
    const step = { element: make('li.note', make('span', label)) }
    step.element.dataset.lane = lane
    this.append(step)
    this.announce(say('says_note', { label }))
  }

  update(step, changes = {}) {
    Object.assign(step, changes)
    const { button, element, from, to, label, tone, pending, took, count, number } = step
    const isAnswer = LANES.indexOf(from) > LANES.indexOf(to)
    const spoken = say('says_step', { number, from: say(from), to: say(to), label })
    Object.assign(element.dataset, { from, to, label, tone, count: String(count), kind: isAnswer ? 'answer' : 'ask' })
    element.classList.toggle('pending', pending)
    const name = make('span.label', make('span.text', label))
    if (count > 1) name.append(make('span.count', `×${count}`))
    const parts = [make('span.number', String(number)), name, make('span.line')]
    if (took !== undefined) parts.push(make('span.took', duration(took)))
    parts.forEach(part => part.setAttribute('aria-hidden', 'true'))
    button.replaceChildren(make('span.visually-hidden', count > 1 ? `${spoken} ×${count}` : spoken), ...parts)
  }

  append(step) {
    const { view } = this
    const follows = view.scrollHeight - view.scrollTop - view.clientHeight < 80
    this.steps.append(step.element)
    // On a narrow screen the page scrolls, and not the view.
    if (this.follows()) step.element.scrollIntoView({ block: 'nearest' })
    else if (follows) view.scrollTop = view.scrollHeight
  }

  open(step) {
    if (this.opened) this.opened.button.removeAttribute('aria-current')
    this.opened = step
    step.button.setAttribute('aria-current', 'true')
    this.onOpen(step)
  }

  announce(text) {
    this.says.textContent = text
  }
}
