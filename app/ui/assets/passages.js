// What is selected in a response can be quoted in the justification or marked as an error; what is marked is coloured.
// Positions count Unicode characters of the text on the screen, formulas left out; the server maps them to the text.
const ROOT = '.sy-passage[data-slot]'

const AGAIN_AFTER = 2000 // ms after which a mark that the server has not heard of is told again

export default function ({ data, parentElement, setTriggerValue }) {
  const doc = parentElement.ownerDocument
  const state = (doc.steelyardPassages ??= { unheard: [] })
  const bar = parentElement.querySelector('[role="toolbar"]')
  const roots = () => [...doc.querySelectorAll(`.st-key-desk ${ROOT}`)]
  const panel = () => doc.querySelector('.st-key-panel')
  const isFormula = (node) => node.parentElement.closest('.sy-math') !== null

  function texts(root) {
    const walker = doc.createTreeWalker(root, NodeFilter.SHOW_TEXT)
    const found = []
    while (walker.nextNode()) if (!isFormula(walker.currentNode)) found.push(walker.currentNode)
    return found
  }
  const length = (text) => [...text].length
  const units = (text, n) => [...text].slice(0, n).join('').length

  // --- from the selection to a passage, and back ---------------------------------------------------------------

  function selected() {
    const selection = doc.getSelection()
    if (!selection || selection.isCollapsed || !selection.rangeCount) return null
    const range = selection.getRangeAt(0)
    const start = range.startContainer
    const root = (start.nodeType === Node.ELEMENT_NODE ? start : start.parentElement)?.closest(ROOT)
      ?? roots().find((one) => range.intersectsNode(one))
    if (!root) return null
    let before = 0, inside = 0, text = ''
    for (const node of texts(root)) {
      if (!range.intersectsNode(node)) { if (!inside) before += length(node.data); continue }
      const from = node === range.startContainer ? range.startOffset : 0
      const to = node === range.endContainer ? range.endOffset : node.data.length
      if (!inside) before += length(node.data.slice(0, from))
      const part = node.data.slice(from, to)
      inside += length(part)
      text += part
    }
    return text.trim() ? { slot: Number(root.dataset.slot), start: before, end: before + inside, text } : null
  }

  function rangeOf(root, start, end) {
    const range = doc.createRange()
    let at = 0, begun = false
    for (const node of texts(root)) {
      const n = length(node.data)
      if (!begun && start < at + n) { range.setStart(node, units(node.data, start - at)); begun = true }
      if (begun && end <= at + n) { range.setEnd(node, units(node.data, end - at)); return range }
      at += n
    }
    return null
  }

  // --- quoting and marking -------------------------------------------------------------------------------------

  function quote() {
    const passage = selected()
    const field = panel()?.querySelector('[class*="-why"] textarea')
    if (!passage || !field) return
    const words = passage.text.trim().replace(/\s+/g, ' ')
    field.focus()
    const before = field.value.slice(0, field.selectionStart)
    const gap = !before || /\s$/.test(before) ? '' : ' '
    doc.execCommand('insertText', false, `${gap}${data.words.responses[passage.slot - 1]}: “${words}” `)
    state.last = passage
    hide()
  }

  function mark() {
    const passage = selected()
    if (!passage || !data.canMark) return
    const here = panel()?.querySelector('[data-sy-here]')?.closest('[class*="critrow-"]')
    const criterion = here?.className.match(/critrow-(\S+)/)?.[1] ?? null
    const { slot, start, end } = passage
    state.unheard.push({ id: Math.random(), item: data.item, slot, start, end, criterion })
    state.last = passage
    doc.getSelection().removeAllRanges()
    hide()
    paint()
    tell()
  }

  // What is told while the line is cut reaches nobody, and of two messages in a row a busy server hears the second: all
  // that was not heard is told, until it is, and with a click on Submit.
  function tell() {
    if (state.unheard.length) setTriggerValue('marked', state.unheard)
    tellLater()
  }
  function tellLater() {
    clearTimeout(state.retry)
    if (state.unheard.length) state.retry = setTimeout(tell, AGAIN_AFTER)
  }

  function forgetHeard() {
    state.unheard = state.unheard.filter((one) => one.item === data.item && !data.heard.includes(one.id))
  }

  // --- sentence by sentence, for who selects without a pointer -------------------------------------------------

  function sentences() {
    const found = []
    for (const root of roots()) {
      const whole = texts(root).map((node) => node.data).join('')
      const language = doc.documentElement.lang || 'en'
      let at = 0
      for (const line of whole.split(/(?<=\n)/)) {
        for (const { segment } of new Intl.Segmenter(language, { granularity: 'sentence' }).segment(line)) {
          const n = length(segment)
          const blank = length(segment) - length(segment.trimStart())
          if (segment.trim()) found.push({ root, slot: Number(root.dataset.slot), start: at + blank, end: at + length(segment.trimEnd()) })
          at += n
        }
      }
    }
    return found
  }

  function step(by, { extend = false, response = false } = {}) {
    const all = sentences()
    if (!all.length) return
    const here = selected()
    const now = here ?? state.last // what was quoted or marked is no longer selected: on from there
    let place = now ? all.findIndex((one) => one.slot === now.slot && one.end > now.start) : -1
    let from = null
    if (response) {
      const next = now ? all.findIndex((one) => one.slot > now.slot) : 0
      place = Math.max(0, next)
    } else if (extend && here) {
      from = now.start
      place = all.findIndex((one) => one.slot === now.slot && one.end > now.end)
      if (place < 0) return
    } else place = place < 0 ? 0 : Math.min(all.length - 1, Math.max(0, place + by))
    const { root, start, end } = all[place]
    const range = rangeOf(root, from ?? start, end)
    if (!range) return
    doc.getSelection().removeAllRanges()
    doc.getSelection().addRange(range)
    range.endContainer.parentElement.scrollIntoView({ block: 'nearest' })
  }

  // --- the small bar beside a selection, for who points --------------------------------------------------------

  const hide = () => { bar.hidden = true }
  function show() {
    const passage = selected()
    if (!passage || !panel()) return hide()
    const box = doc.getSelection().getRangeAt(0).getBoundingClientRect()
    bar.hidden = false
    const { width, height } = bar.getBoundingClientRect()
    const view = doc.documentElement
    const below = box.bottom + 8 + height < view.clientHeight
    bar.style.left = `${Math.max(8, Math.min(box.left, view.clientWidth - width - 8))}px`
    bar.style.top = `${below ? box.bottom + 8 : Math.max(8, box.top - height - 8)}px`
  }

  const [quoteButton, markButton] = bar.querySelectorAll('button')
  const label = (button, text, key) => {
    button.replaceChildren(text, Object.assign(doc.createElement('kbd'), { textContent: key }))
  }
  label(quoteButton, data.words.quote, 'q')
  label(markButton, data.words.mark, 'e')
  markButton.hidden = !data.canMark
  bar.onpointerdown = (event) => event.preventDefault() // or the selection is gone before the click
  quoteButton.onclick = quote
  markButton.onclick = mark

  function paint() {
    if (!window.Highlight) return
    const unheard = state.unheard.map(({ slot, start, end }) => [slot, start, end])
    const ranges = [...data.marks, ...unheard].map(([slot, start, end]) => {
      const root = roots().find((one) => Number(one.dataset.slot) === slot)
      return root && rangeOf(root, start, end)
    })
    CSS.highlights.set('sy-marked', new Highlight(...ranges.filter(Boolean)))
  }

  let waiting = null
  const later = () => { clearTimeout(waiting); waiting = setTimeout(show, 120) }
  const observer = new MutationObserver(() => requestAnimationFrame(paint))
  const watched = doc.querySelector('[data-testid="stMain"]')
  state.stop?.() // new data calls this function again, and only the last of what it returned is called, at the end
  if (watched) observer.observe(watched, { childList: true, subtree: true })
  doc.addEventListener('selectionchange', later)
  watched?.addEventListener('scroll', hide, { passive: true })
  if (state.item !== data.item) state.last = null
  Object.assign(state, { item: data.item, quote, mark, step, tell, stop })
  forgetHeard()
  tellLater()
  paint()

  function stop() {
    clearTimeout(waiting)
    observer.disconnect()
    doc.removeEventListener('selectionchange', later)
    watched?.removeEventListener('scroll', hide)
    if (state.stop !== stop) return // another one has taken over
    clearTimeout(state.retry)
    for (const name of ['quote', 'mark', 'step', 'tell']) delete state[name]
    if (window.Highlight) CSS.highlights.delete('sy-marked')
  }
  return stop
}
