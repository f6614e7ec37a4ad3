// One key for each verdict: that which stands on its button. Without this script the buttons do the same.
'use strict'

const form = document.getElementById('verdicts')

// Keys that are written into something are no verdicts.
function isWriting (element) {
  return element.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(element.tagName)
}

document.addEventListener('keydown', function (event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.isComposing || isWriting(event.target)) return
  const key = CSS.escape(event.key.toLowerCase())
  const wanted = form && form.querySelector(`[data-keys~="${key}"]`)
  if (!wanted) return
  event.preventDefault()
  wanted.click()
})

// A verdict is given once, however fast the fingers are.
if (form) {
  form.addEventListener('submit', function (event) {
    if (form.dataset.sent) event.preventDefault()
    form.dataset.sent = 'yes'
  })
}
