/* The page's words, as the server rendered them, and how long things take in words. */

const stage = document.getElementById('stage')
const texts = JSON.parse(stage.dataset.texts)

/** The text of this name, with what is in braces filled in. */
export function say(name, values = {}) {
  return texts[name].replace(/\{(\w+)\}/g, (_, key) => String(values[key]))
}

export function duration(milliseconds) {
  if (milliseconds < 1) return say('milliseconds', { count: '<1' })
  if (milliseconds < 1000) return say('milliseconds', { count: Math.round(milliseconds) })
  return say('seconds', { count: (milliseconds / 1000).toFixed(1) })
}

/** An element with classes and contents: `make('p.hint', 'text', child)`. */
export function make(kind, ...contents) {
  const [tag, ...classes] = kind.split('.')
  const element = document.createElement(tag)
  if (classes.length) element.className = classes.join(' ')
  element.append(...contents)
  return element
}
