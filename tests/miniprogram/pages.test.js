/** Every page of app.json, as WeChat's simulator compiles and renders it before there is anything to show. */

'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { ROOT, makeWx, openPage } = require('./stage.js')

for (const name of require(`${ROOT}/app.json`).pages) {
  test(`${name} compiles, and renders while it knows nothing yet`, () => {
    const { wx } = makeWx({})
    const titles = []
    const page = openPage(name, Object.assign(wx, { setNavigationBarTitle: ({ title }) => titles.push(title) }))
    assert.ok(page.querySelector('.screen'))
    assert.ok(titles.length === 1 && titles[0])
  })
}
