// Keys for whoever works through a list: / searches, j and k go from row to row, x picks, ? tells. None while typing.
const typing = (element) => element.closest('input:not([type=checkbox]), textarea, select, [contenteditable]')
const rows = () => [...document.querySelectorAll('[data-row]')]
const here = () => rows().findIndex((row) => row.closest('tr').contains(document.activeElement))
const dialog = document.getElementById('keys')

function move (by) {
  const all = rows()
  const at = here()
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by
  all[Math.min(Math.max(next, 0), all.length - 1)]?.focus()
}

function pick () {
  rows()[here()]?.closest('tr').querySelector('input[type=checkbox]')?.click()
}

const keys = {
  '/': () => document.getElementById('q').select(),
  j: () => move(1),
  k: () => move(-1),
  x: pick,
  '?': () => dialog.showModal()
}

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
  if (dialog.open || typing(event.target) || !keys[event.key]) return
  event.preventDefault()
  keys[event.key]()
})

document.querySelector('[data-keys]').hidden = false
document.querySelector('[data-keys-open]').addEventListener('click', () => dialog.showModal())

// The box that picks a whole page, and how many are picked. Delegated: htmx puts in new rows.
const boxes = () => [...document.querySelectorAll('#picking input[name=id]')]

function tell () {
  const picked = boxes().filter((box) => box.checked).length
  const all = document.querySelector('[data-pick-all]')
  const badge = document.querySelector('[data-picked]')
  if (!all || !badge) return
  all.hidden = false
  all.checked = picked > 0 && picked === boxes().length
  all.indeterminate = picked > 0 && !all.checked
  badge.hidden = picked === 0
  badge.textContent = picked
}

document.addEventListener('change', (event) => {
  if (event.target.matches('[data-pick-all]')) boxes().forEach((box) => { box.checked = event.target.checked })
  if (event.target.closest('#picking')) tell()
})
new MutationObserver(tell).observe(document.getElementById('people').parentElement, { childList: true })
tell()
