// Follows the system's colours unless the operator chose. Loaded before the page is painted, so that nothing flashes.
const root = document.documentElement
if (root.dataset.theme === 'auto') {
  const dark = window.matchMedia('(prefers-color-scheme: dark)')
  const follow = () => { root.dataset.bsTheme = dark.matches ? 'dark' : 'light' }
  follow()
  dark.addEventListener('change', follow)
}
