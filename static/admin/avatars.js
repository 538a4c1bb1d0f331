// A picture that WeChat no longer has makes way for the pattern that stands beside it, as of those who have none.
document.addEventListener('error', ({ target }) => {
  const pattern = target.nextElementSibling
  if (target.matches?.('img.avatar') && pattern?.matches('template')) target.replaceWith(pattern.content)
}, true)
