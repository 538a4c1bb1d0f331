/** What went wrong, with the server's hint, and the request's number for whoever is asked for help. */

const words = require('../../utils/words.js').common

Component({
  properties: { problem: Object },
  data: { words },
  methods: {
    copy() {
      wx.setClipboardData({ data: this.properties.problem.requestId })
    },
  },
})
