// A passkey that was cancelled, is unknown or has no place here: say so on the page.
document.addEventListener('allauth.error', function (event) {
  event.preventDefault()
  document.getElementById('passkey_error').hidden = false
})
