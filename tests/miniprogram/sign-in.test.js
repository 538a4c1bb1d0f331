/** The page of signing in, as WeChat's simulator renders it. */

'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { makeWx, openPage, textOf, until } = require('./stage.js')

const TOKENS = {
  account_id: '6741aa00aa00aa00aa00aa00', access_token: 'a.b.c', token_type: 'Bearer', expires_in: 3600,
  refresh_token: 'wpr_1',
}
const UNREGISTERED = [401, { error: 'unregistered', error_description: 'no account', hint: '请先注册', request_id: '1' }]

test('a tap signs a new person in: wx.login before wx.getUserInfo, one code for all, and on to their account', async () => {
  const { wx, calls } = makeWx({
    'POST /oauth/token': [UNREGISTERED, [200, TOKENS]],
    'POST /accounts/wxapp': [[201, { account_id: TOKENS.account_id, created_at: '2026-01-01T00:00:00Z' }]],
  })
  const page = openPage('pages/sign-in/sign-in', wx)
  assert.match(textOf(page), /登录前请阅读 ?《用户隐私保护指引》 ?微信登录$/)
  const button = page.querySelector('.button')
  button.dispatchEvent('tap')
  button.dispatchEvent('tap') // by a thumb that slipped
  await until(() => calls.some(each => each.startsWith('reLaunch')), 'leaving the page')
  assert.deepEqual(calls.filter(each => !each.includes('Storage')), [
    'login', 'getUserInfo', 'POST /oauth/token', 'POST /accounts/wxapp', 'POST /oauth/token', 'reLaunch /pages/me/me',
  ])
})

test('a refusal is shown with its hint and its number, and the button can be tapped again', async () => {
  const banned = { error: 'account_disabled', error_description: 'banned', hint: '账号已被停用', request_id: '0123456789abcdef' }
  const { wx, calls } = makeWx({ 'POST /oauth/token': [[403, banned]] })
  const page = openPage('pages/sign-in/sign-in', wx)
  page.querySelector('.button').dispatchEvent('tap')
  await until(() => page.data.problem, 'the refusal')
  await until(() => page.data.busy === '', 'the button')
  assert.match(textOf(page), /账号已被停用.*0123456789abcdef · account_disabled/)
  assert.ok(!calls.some(each => each.startsWith('reLaunch')))
})

test('who has not agreed to the privacy guide gets the button that agrees, and it signs in, too', async () => {
  const { wx, calls } = makeWx({ 'POST /oauth/token': [[200, TOKENS]] }, {
    getPrivacySetting: ({ success }) => success({ needAuthorization: true, privacyContractName: '《茶馆隐私指引》' }),
  })
  const page = openPage('pages/sign-in/sign-in', wx)
  assert.match(textOf(page), /《茶馆隐私指引》 ?同意并登录$/)
  assert.equal(page.data.needsAgreement, true)
  page.querySelector('#agree').dispatchEvent('agreeprivacyauthorization')
  await until(() => calls.includes('reLaunch /pages/me/me'), 'leaving the page')
})
