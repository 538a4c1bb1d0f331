/** What went wrong, with the server's hint, and the request's number for whoever is asked for help. */

const words = require('../../utils/words.js').common
const { copy } = require('../../utils/session.js')

Component({
  properties: { problem: Object },
  data: { words },
  methods: {
    copy() {
      copy(this.properties.problem.requestId)
    },
  },
})
