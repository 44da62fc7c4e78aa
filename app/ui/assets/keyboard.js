// Single keys for the rating form: digits answer the row in focus, j/k move, n goes to the justification ...
// It clicks the real radio buttons, so that state, accessibility and saving stay Streamlit's own.
const HOLD = 2000 // ms for which a key waits for its row, while the page is being drawn anew
const SOON = 50 // ms
const SUBMIT = ':is([class*="-submit"], [class*="-save"]) button'

export default function ({ data, parentElement }) {
  const doc = parentElement.ownerDocument
  const state = (doc.steelyardKeys ??= { row: null, index: 0, item: null, held: [] })
  const panel = () => doc.querySelector('.st-key-panel')
  const isWhole = () => !panel()?.querySelector('[data-testid="stSkeleton"]') // no widget is still being loaded
  const every = () => (isWhole() ? [...(panel()?.querySelectorAll('[role="radiogroup"]') ?? [])] : [])
  const rows = () => every().filter((row) => !row.closest('[class*="-outside"]'))
  const nameOf = (row) => row?.closest('[class*="st-key-"]')?.className.match(/st-key-\S+/)?.[0] + '|' + (row?.getAttribute('aria-label') ?? '')
  const place = () => {
    const all = rows()
    const found = all.findIndex((row) => nameOf(row) === state.row)
    return found >= 0 ? found : Math.min(state.index, all.length - 1) // gone: what stands in its place
  }

  const paint = () => rows().forEach((row, index) => {
    const isHere = data.on && index === place()
    row.toggleAttribute('data-sy-here', isHere)
    if (isHere) row.setAttribute('aria-current', 'true'); else row.removeAttribute('aria-current')
  })
  const go = (index) => {
    const all = rows()
    if (!all.length) return
    const row = all[Math.min(all.length - 1, Math.max(0, index))]
    moveTo(row)
    row.scrollIntoView({ block: 'nearest' })
  }
  const moveTo = (row) => {
    state.row = nameOf(row)
    state.index = rows().indexOf(row)
    paint()
  }

  if (state.item !== data.item) {
    Object.assign(state, { row: null, index: 0, held: [] })
    if (state.item !== null) doc.querySelector('[data-testid="stMain"]')?.scrollTo({ top: 0 })
    if (state.item !== null) panel()?.scrollTo({ top: 0 })
    state.item = data.item
  }

  const press = (selector) => doc.querySelector(selector)?.click()
  const answer = (button) => {
    if (!button || button.disabled) return
    const row = rows()[place()]
    const question = row.closest('[class*="critrow-"]')
    const isBeside = !row.contains(button) // beside the scale: the whole question is answered
    const next = isBeside ? rows().findIndex((one, index) => index > place() && !question.contains(one)) : place() + 1
    button.click()
    button.blur()
    if (next > 0) go(next)
  }
  const beside = (fromEnd) => {
    const row = rows()[place()]
    const other = row?.closest('[class*="critrow-"]')?.querySelector('[class*="-outside"]')
    const buttons = [...((other ?? row)?.querySelectorAll(other ? 'button' : '[role="radio"]') ?? [])]
    return buttons[buttons.length - fromEnd]
  }
  const passages = (name, ...given) => doc.steelyardPassages?.[name]?.(...given) // not on every page
  const actions = {
    0: () => answer(beside(1)),
    x: () => answer(beside(2)),
    j: () => go(place() + 1),
    k: () => go(place() - 1),
    l: () => passages('step', 1),
    h: () => passages('step', -1),
    L: () => passages('step', 1, { extend: true }),
    g: () => passages('step', 1, { response: true }),
    q: () => passages('quote'),
    e: () => passages('mark'),
    n: () => panel()?.querySelector('[class*="-why"] textarea')?.focus(),
    t: () => panel()?.querySelector('[class*="-own-tensions"] input')?.focus(),
    d: () => press('.st-key-differences input'),
    w: () => press('.st-key-raw input'),
    u: () => press('.st-key-unfold input'),
    s: () => press('.st-key-skip-menu button'),
    m: () => press('.st-key-more-menu button'),
    '?': () => press('.st-key-open-keys button'),
  }

  const onKey = (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return
    const target = event.composedPath()[0]
    const isTyping = target?.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target?.tagName)
    if (isTyping && target.type !== 'checkbox' && target.type !== 'radio') {
      if (event.key === 'Escape') target.blur()
      return
    }
    if (!data.on || doc.querySelector('[role="dialog"]')) return
    if (!isDigit(event.key) && !actions[event.key]) return
    state.held.push({ key: event.key, until: performance.now() + HOLD })
    act()
    event.preventDefault()
  }
  const isDigit = (key) => /^[1-9]$/.test(key)
  const buttons = () => rows()[place()]?.querySelectorAll('[role="radio"]') ?? []
  const act = () => {
    if (!isWhole()) return void (state.isLoading = true)
    if (state.isLoading) for (const one of state.held) one.until = performance.now() + HOLD // it was seen to load
    state.isLoading = false
    while (state.held.length && buttons().length) {
      const { key, until } = state.held[0]
      const isOver = until < performance.now()
      if (!isOver && isDigit(key) && buttons()[0].disabled) return // the line is cut: the row waits with the key
      state.held.shift()
      if (isOver) continue
      if (isDigit(key)) answer(buttons()[Number(key) - 1])
      else actions[key]()
    }
  }

  // Streamlit's own shortcut for Submit is deaf while the button is drawn anew, and to a button of a scale, which keeps
  // Enter to itself: it is heard here before. What is being typed goes with it, and the focus stays.
  const onEnter = (event) => {
    const field = event.composedPath()[0]
    const isSubmit = event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !event.isComposing
    if (!isSubmit || !(panel()?.contains(field) || field === doc.body)) return
    event.preventDefault()
    event.stopPropagation()
    field.dispatchEvent(new FocusEvent('focusout', { bubbles: true }))
    pressSubmit(data.item, performance.now() + HOLD)
  }
  const pressSubmit = (item, until) => {
    const button = panel()?.querySelector(SUBMIT)
    if (state.item !== item || performance.now() > until) return
    if (button && !button.disabled) button.click()
    else setTimeout(pressSubmit, SOON, item, until)
  }

  // Who clicks an answer, or reaches it with Tab, goes on there with the keys, too; a click on Submit takes along, in the
  // same message, the marks that were not heard. Buttons keep their clicks to themselves: this listens on the way down.
  const onPlace = (event) => {
    if (event.type === 'click' && event.target.closest?.(SUBMIT)) passages('tell')
    const row = event.isTrusted && event.target.closest?.('.st-key-panel [role="radiogroup"]')
    if (row && rows().includes(row)) moveTo(row)
  }

  const observer = new MutationObserver(() => requestAnimationFrame(() => { paint(); act() }))
  const watched = doc.querySelector('[data-testid="stMain"]')
  state.stop?.()
  doc.addEventListener('click', onPlace, { capture: true })
  doc.addEventListener('focusin', onPlace)
  doc.addEventListener('keydown', onEnter, { capture: true })
  doc.addEventListener('keydown', onKey)
  if (watched) observer.observe(watched, { childList: true, subtree: true, attributeFilter: ['disabled'] })
  const stop = state.stop = () => {
    observer.disconnect()
    doc.removeEventListener('click', onPlace, { capture: true })
    doc.removeEventListener('focusin', onPlace)
    doc.removeEventListener('keydown', onEnter, { capture: true })
    doc.removeEventListener('keydown', onKey)
  }
  requestAnimationFrame(paint)

  return stop
}
