/* One client, for tests and for the console. */
'use strict'

window.config = Object.assign({ baseUrl: location.origin }, JSON.parse(document.body.dataset.config))
window.createPassport = module.exports.createPassport
window.PassportError = module.exports.PassportError
if (window.createPassport) window.passport = window.createPassport(window.config)
