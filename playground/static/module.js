/* passport.js is a CommonJS module and is loaded unchanged: a mini-program gives it `module`, so this page does. */
'use strict'

var module = { exports: {} }
var exports = module.exports
