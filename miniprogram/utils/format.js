/** How times and devices are shown. */

/** @param {number} number */
const two = number => String(number).padStart(2, '0')

/** In the phone's own time zone: 2026-03-01 16:30. @param {string} moment as the server tells it, in UTC */
function localTime(moment) {
  const at = new Date(moment)
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`
}

/**
 * What people call a device, by what it called itself.
 *
 * @param {string} userAgent
 * @param {{unknown: string, computer: string, tools: string, phone: string}} words
 */
function deviceName(userAgent, words) {
  if (/wechatdevtools/i.test(userAgent)) return words.tools
  const apple = /iPhone|iPad/.exec(userAgent)
  if (apple) return apple[0]
  if (/OpenHarmony/i.test(userAgent)) return 'HarmonyOS'
  if (/Android/.test(userAgent)) return words.phone
  return /Windows|Macintosh|Linux/.test(userAgent) ? words.computer : words.unknown
}

module.exports = { localTime, deviceName }
