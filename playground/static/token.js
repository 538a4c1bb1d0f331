/* Decodes an access token (a JWT) for people; nobody needs a key to read one, only to make or to check one. */

import { make, say } from './texts.js'

export function showToken(panel, token) {
  const isThere = Boolean(token)
  panel.hidden = !isThere
  if (!isThere) return
  const parts = token.split('.')
  const [header, claims] = parts.slice(0, 2).map(decoded)
  const written = make('p.jwt')
  // It scrolls, so the keyboard must reach it.
  Object.assign(written, { tabIndex: 0 }).setAttribute('aria-labelledby', 'token-heading')
  written.setAttribute('role', 'group')
  parts.forEach((part, index) => {
    if (index) written.append('.')
    written.append(make(`span.jwt-${index}`, part))
  })
  panel.querySelector('#decoded').replaceChildren(written, table(header, 0), table(claims, 1))
}

function decoded(part) {
  const bytes = Uint8Array.from(atob(part.replace(/-/g, '+').replace(/_/g, '/')), each => each.charCodeAt(0))
  return JSON.parse(new TextDecoder().decode(bytes))
}

function table(members, index) {
  const list = make(`dl.claims.claims-${index}`)
  Object.entries(members).forEach(([name, value]) => {
    const meaning = make('span.meaning', say(`claim_${name}`))
    const shown = name === 'iat' || name === 'exp' ? time(value) : String(value)
    list.append(make('div', make('dt', make('code', name), meaning), make('dd', shown)))
  })
  return list
}

const time = seconds =>
  new Date(seconds * 1000).toLocaleTimeString(document.documentElement.lang, { hourCycle: 'h23' })
