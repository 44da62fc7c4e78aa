// Single keys for the rating form: digits answer the row in focus, j/k move, n goes to the justification.
// It clicks the real radio buttons, so that state, accessibility and saving stay Streamlit's own.
export default function ({ data, parentElement }) {
  const doc = parentElement.ownerDocument
  const state = (doc.steelyardKeys ??= { row: null, item: null })
  const panel = () => doc.querySelector('.st-key-panel')
  const rows = () => [...(panel()?.querySelectorAll('[role="radiogroup"]') ?? [])].filter((row) => !row.closest('[class*="-outside"]'))
  const nameOf = (row) => row?.closest('[class*="st-key-"]')?.className.match(/st-key-\S+/)?.[0] + '|' + (row?.getAttribute('aria-label') ?? '')
  const place = () => Math.max(0, rows().findIndex((row) => nameOf(row) === state.row))

  const paint = () => rows().forEach((row, index) => {
    const isHere = data.on && index === place()
    row.toggleAttribute('data-sy-here', isHere)
    if (isHere) row.setAttribute('aria-current', 'true'); else row.removeAttribute('aria-current')
  })
  const go = (index) => {
    const all = rows()
    if (!all.length) return
    const row = all[Math.min(all.length - 1, Math.max(0, index))]
    state.row = nameOf(row)
    row.scrollIntoView({ block: 'nearest' })
    paint()
  }

  if (state.item !== data.item) {
    state.row = null
    if (state.item !== null) doc.querySelector('[data-testid="stMain"]')?.scrollTo({ top: 0 })
    if (state.item !== null) panel()?.scrollTo({ top: 0 })
    state.item = data.item
  }

  const onKey = (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return
    const target = event.composedPath()[0]
    const isTyping = target?.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target?.tagName)
    if (isTyping) {
      if (event.key === 'Escape') target.blur()
      return
    }
    if (!data.on || doc.querySelector('[role="dialog"]')) return
    if (/^[1-9]$/.test(event.key)) {
      const button = rows()[place()]?.querySelectorAll('[role="radio"]')[Number(event.key) - 1]
      if (!button) return
      const next = place() + 1
      button.click()
      button.blur()
      go(next)
    } else if (event.key === 'j' || event.key === 'k') {
      go(place() + (event.key === 'j' ? 1 : -1))
    } else if (event.key === 'n') {
      panel()?.querySelector('[class*="-why"] textarea')?.focus()
    } else return
    event.preventDefault()
  }

  // A text is sent when its field loses focus; after a pause, send it without taking the focus away.
  const onInput = (event) => {
    const field = event.target
    if (field?.tagName !== 'TEXTAREA' || !panel()?.contains(field)) return
    clearTimeout(state.timer)
    state.timer = setTimeout(() => field.dispatchEvent(new FocusEvent('focusout', { bubbles: true })), 1200)
  }

  if (state.onKey) doc.removeEventListener('keydown', state.onKey)
  if (state.onInput) doc.removeEventListener('input', state.onInput)
  state.observer?.disconnect()
  Object.assign(state, { onKey, onInput })
  doc.addEventListener('keydown', onKey)
  doc.addEventListener('input', onInput)
  state.observer = new MutationObserver(() => requestAnimationFrame(paint))
  const watched = doc.querySelector('[data-testid="stMain"]')
  if (watched) state.observer.observe(watched, { childList: true, subtree: true })
  requestAnimationFrame(paint)

  return () => {
    clearTimeout(state.timer)
    state.observer?.disconnect()
    doc.removeEventListener('keydown', state.onKey)
    doc.removeEventListener('input', state.onInput)
    state.onKey = state.onInput = null
  }
}
