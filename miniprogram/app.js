// The passport reads its tokens as soon as it is made, so this is done before the first page asks for it.
require('./utils/session.js')

App({})
