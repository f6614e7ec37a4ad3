// One key for each verdict: that which stands on its button; some are needed twice. Without this script the buttons do
// the same.
'use strict'

const form = document.getElementById('verdicts')
const onceMore = document.getElementById('once_more')
let pressed = null

// Keys that are written into something are no verdicts.
function isWriting (element) {
  return element.isContentEditable || element.matches('textarea, select, input:not([type=checkbox])')
}

// The button whose key must come once more, if any; every other key forgets it.
function awaitAgain (button) {
  pressed = button
  if (onceMore) onceMore.textContent = button ? onceMore.dataset.says : ''
}

document.addEventListener('keydown', function (event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.isComposing || isWriting(event.target)) return
  const key = CSS.escape(event.key.toLowerCase())
  const wanted = form && form.querySelector(`[data-keys~="${key}"]`)
  const isFirst = wanted && 'twice' in wanted.dataset && wanted !== pressed
  awaitAgain(isFirst ? wanted : null)
  if (!wanted) return
  event.preventDefault()
  if (!isFirst) wanted.click()
})

// Enter in a box would send the first button, a refusal that nobody meant.
if (form) {
  form.addEventListener('keydown', function (event) {
    if (event.key === 'Enter' && event.target.matches('[type=checkbox]')) event.preventDefault()
  })
}

// A verdict is given once, however fast the fingers are.
if (form) {
  form.addEventListener('submit', function (event) {
    if (form.dataset.sent) event.preventDefault()
    form.dataset.sent = 'yes'
  })
}
