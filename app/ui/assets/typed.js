// Typed text of the desk: sent at most SEND_AFTER ms after the first character that was not sent, without taking the
// focus away; kept in this tab until the server has it; put back into a field that came back with less of it, offered
// where the field says something else by now. What is typed on after the field lost the focus by itself, because
// another comparison came or the line was cut, still belongs to it, and answers nothing.
const SEND_AFTER = 1500
const TYPES_ON = 1500 // ms from one key to the next
const AGAIN_AFTER = 3000 // while the connection is cut, fields are disabled and send nothing
const STORE = 'steelyard-typed'

export default function ({ data, parentElement }) {
  const doc = parentElement.ownerDocument
  const state = (doc.steelyardTyped ??= { item: null, host: null, timer: null, composing: false })
  const line = parentElement.querySelector('.state')
  const offers = parentElement.querySelector('.offers')
  const panel = () => doc.querySelector('.st-key-panel')
  const plain = (text) => text.trim().toLowerCase()
  const same = (a, b) => plain(a) === plain(b)
  const isSaved = (text) => text.trim() === '' || data.saved.some((saved) => same(saved, text))
  const isStartOf = (a, b) => !same(a, b) && plain(b).startsWith(plain(a))

  // --- the tab's store: [{who, item, name, text}] --------------------------------------------------------------

  const read = () => JSON.parse(sessionStorage.getItem(STORE) ?? '[]').filter((one) => one.who === data.who)
  const write = (kept) => kept.length
    ? sessionStorage.setItem(STORE, JSON.stringify(kept))
    : sessionStorage.removeItem(STORE)
  const without = (item, name) => read().filter((one) => one.item !== item || one.name !== name)
  const nameOf = (field) => {
    const key = [...(field.closest(`[class*="st-key-${data.prefix}"]`)?.classList ?? [])].find((one) => one.startsWith(`st-key-${data.prefix}`))
    return key?.slice(`st-key-${data.prefix}`.length) ?? null
  }
  const textNameOf = (field) => nameOf(field)?.match(/^.*(why|note)$/)?.[0] ?? null
  const fieldOf = (name) => panel()?.querySelector(`.st-key-${CSS.escape(data.prefix + name)} :is(textarea, input)`) ?? null

  // --- while one types -----------------------------------------------------------------------------------------

  function send({ again = false } = {}) {
    state.timer = null
    if (state.composing) return plan()
    const waiting = read().filter((one) => one.item === state.item)
    let isLost = false
    for (const one of waiting) {
      const field = fieldOf(one.name)
      if (!field || field.disabled) continue
      isLost ||= !same(field.value, one.text)
      if (again && same(field.value, one.text)) touch(field)
      field.dispatchEvent(new FocusEvent('focusout', { bubbles: true }))
    }
    clearTimeout(state.retry)
    if (waiting.length) state.retry = setTimeout(() => state.send({ again: true }), AGAIN_AFTER)
    if (isLost && !offers.childElementCount) bringBack()
  }

  // A field that was sent while the connection was cut takes itself for sent: a blank more or less at its end wakes it.
  function touch(field) {
    const { value, selectionStart, selectionEnd } = field
    enter(field, value.endsWith(' ') ? value.slice(0, -1) : `${value} `)
    field.setSelectionRange(selectionStart, selectionEnd)
  }

  function enter(field, text) {
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), 'value').set.call(field, text)
    field.dispatchEvent(new InputEvent('input', { bubbles: true }))
  }
  const plan = () => { state.timer ??= setTimeout(() => state.send(), SEND_AFTER) }
  state.send = send // a timer may outlive the comparison for which it was set: it calls the newest
  state.onKey = onKey // and a key may fall between two desks
  if (!state.listens) {
    doc.addEventListener('keydown', (event) => state.onKey(event), { capture: true })
    doc.addEventListener('pointerdown', () => { state.last = null }, { capture: true })
    state.listens = true
  }

  function onInput(event) {
    const field = event.target
    if (!panel()?.contains(field) || !/^(TEXTAREA|INPUT)$/.test(field.tagName)) return
    state.composing = event.isComposing
    keep(field)
  }

  function keep(field) {
    const name = textNameOf(field)
    if (name === null) return
    write([...without(data.item, name), { who: data.who, item: data.item, name, text: field.value }])
    line.textContent = data.words.unsaved
    plan()
  }

  // Every key: typed into a field, or on where one stood, until a pause, a click, Escape, Tab or a command there. What
  // follows Mod+Enter is meant for the next comparison.
  function onKey(event) {
    const { key, target, timeStamp: at } = event
    if (!key || /^(Shift|Control|Alt|AltGraph|Meta|CapsLock)$/.test(key)) return
    const isCommand = (event.ctrlKey || event.metaKey) && !event.getModifierState('AltGraph')
    if (isCommand && key === 'Enter') state.handedIn = data.item
    if (/^(Escape|Tab)$/.test(key)) state.last = null
    else if (target === doc.body) typeOn(event, isCommand)
    else state.last = lastIn(target, at)
    if (state.last?.item === state.handedIn) state.last = null
  }

  function lastIn(field, at) {
    const { last } = state
    if (last?.field === field) return { field, who: last.who, item: last.item, name: last.name, at }
    const name = panel()?.contains(field) ? textNameOf(field) : null
    return name === null ? null : { field, who: data.who, item: data.item, name, at }
  }

  function typeOn(event, isCommand) {
    const { last } = state
    const isOver = isCommand || last?.who !== data.who || event.timeStamp - last.at > TYPES_ON
    if (isOver) state.last = null
    const after = isOver ? null : edited(last, event.key)
    if (after === null) return
    event.preventDefault()
    event.stopImmediatePropagation()
    state.last = { ...last, ...after, at: event.timeStamp }
    const { who, item, name, text } = state.last
    write([...without(item, name), ...(text.trim() ? [{ who, item, name, text }] : [])])
    if (item === state.item) plan()
    else bringBack()
  }

  // A field that went keeps its value and its selection: the first key goes on from them. Keys that write nothing: null.
  function edited({ field, text = field.value, start = field.selectionStart, end = field.selectionEnd }, key) {
    const writes = [...key].length === 1 || key === 'Backspace' || (key === 'Enter' && field.tagName === 'TEXTAREA')
    if (!writes) return null
    const kept = text.slice(0, start)
    const erased = start === end ? [...kept].slice(0, -1).join('') : kept
    const before = key === 'Backspace' ? erased : kept + (key === 'Enter' ? '\n' : key)
    return { text: before + text.slice(end), start: before.length, end: before.length }
  }

  // What was typed before this script was there to listen.
  function keepEarlier() {
    for (const field of panel()?.querySelectorAll('textarea, input[type=text]') ?? []) {
      const isKept = read().some((one) => one.item === data.item && one.name === nameOf(field))
      if (!isKept && !isSaved(field.value)) keep(field)
    }
  }

  // --- what the server has, the tab forgets; what the screen has lost, the tab brings back ---------------------

  function settle() {
    const kept = read().filter((one) => {
      if (data.closed.includes(one.item)) return false
      return one.item !== data.item || !isSaved(one.text)
    })
    write(kept)
    const open = kept.some((one) => one.item === data.item)
    line.textContent = open ? data.words.unsaved : data.saved.length ? data.words.saved : ''
    return kept
  }

  function bringBack() {
    for (const one of settle()) {
      const field = one.item === data.item && fieldOf(one.name)
      if (!field || field.disabled || !isStartOf(field.value, one.text)) continue
      enter(field, one.text)
      field.dispatchEvent(new FocusEvent('focusout', { bubbles: true }))
    }
    const lost = settle().filter((one) => one.item !== data.item || !same(fieldOf(one.name)?.value ?? '', one.text))
    offers.replaceChildren(...lost.map((one) => box(one)))
  }

  function box(one) {
    const make = (tag, text) => Object.assign(doc.createElement(tag), { textContent: text })
    const isHere = one.item === data.item && fieldOf(one.name)
    const made = doc.createElement('div')
    made.className = 'offer'
    made.setAttribute('role', 'group')
    const done = () => { write(without(one.item, one.name)); made.remove() }
    const back = make('button', isHere ? data.words['put-back'] : data.words.copy)
    back.onclick = async () => {
      if (!isHere) return navigator.clipboard.writeText(one.text)
      const field = fieldOf(one.name)
      field.focus()
      field.select()
      doc.execCommand('insertText', false, one.text)
      made.remove()
    }
    const drop = make('button', data.words['let-go'])
    drop.onclick = done
    for (const button of [back, drop]) button.type = 'button'
    made.append(make('p', isHere ? data.words['kept-here'] : data.words['kept-elsewhere']), make('blockquote', one.text), back, drop)
    return made
  }

  const kept = settle()
  if (state.item !== data.item || state.host !== parentElement) {
    Object.assign(state, { item: data.item, host: parentElement })
    offers.replaceChildren()
    let tries = 0 // fields mount after their containers do
    const look = () => {
      if (!fieldOf('why') && ++tries <= 40) return setTimeout(look, 100)
      bringBack()
      keepEarlier()
    }
    setTimeout(look, kept.length ? 400 : 0)
  }

  if (kept.some((one) => one.item === data.item)) plan()
  state.stop?.() // new data calls this function again, and only the last of what it returned is called, at the end
  doc.addEventListener('input', onInput)
  const stop = () => doc.removeEventListener('input', onInput)
  state.stop = stop
  return stop
}
