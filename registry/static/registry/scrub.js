// Shows how far a scrub is without a reload: the page is asked for again and its live part put in place of the old one.
// Without this script the link does the same.
'use strict'

const EVERY_MS = 2000

async function lookAgain () {
  const old = document.getElementById('live')
  if (!('open' in old.dataset)) return
  try {
    const answer = await fetch(location.href, { headers: { Accept: 'text/html' }, redirect: 'error' })
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
      const fresh = page.getElementById('live')
      // A button that has the focus keeps it: it would be another one.
      if (fresh && !old.contains(document.activeElement)) old.replaceWith(fresh)
    }
  } catch {
    // The node is away; the next look may find it again.
  }
  setTimeout(lookAgain, EVERY_MS)
}

setTimeout(lookAgain, EVERY_MS)
