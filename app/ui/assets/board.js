// A ranking by pointer: a letter is dragged between two others, onto one for a tie, or clicked to come next.
// What is dropped is sent as one order; until the server's answer is here, the board shows what was dropped.
const FAR = 48 // px above or below the board: the letter goes back where it was
const PATIENCE = 4000 // ms to wait for the server's answer before believing it again

export default function ({ data, parentElement, setTriggerValue }) {
  const doc = parentElement.ownerDocument
  const state = (parentElement.steelyardBoard ??= { groups: null, until: 0, held: null })
  const board = parentElement.querySelector('.board')
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other)

  if (state.groups && performance.now() < state.until && !same(state.groups, data.groups)) return
  state.until = 0
  state.groups = data.groups
  if (!state.held) draw()

  function make(tag, name, text = '') {
    return Object.assign(doc.createElement(tag), { className: name, textContent: text })
  }

  function draw() {
    const line = make('div', 'line')
    line.append(make('span', 'end', data.words.best))
    for (const group of state.groups) {
      const tier = make('span', 'tier')
      tier.append(...group.map(token))
      line.append(tier)
    }
    const waiting = data.slots.filter((slot) => !state.groups.flat().includes(slot))
    if (!state.groups.length) line.append(make('span', 'hint', data.words.hint))
    line.append(make('span', 'end last', data.words.worst))
    const tray = make('div', 'tray')
    tray.append(...waiting.map(token))
    board.replaceChildren(line, ...(waiting.length ? [tray] : []))
  }

  function token(slot) {
    const made = make('span', `token letter-${data.letters[slot]}`, data.letters[slot])
    made.onpointerdown = (event) => take(event, made, slot)
    return made
  }

  function take(event, node, slot) {
    if (event.button !== 0 || state.held) return
    event.preventDefault()
    node.setPointerCapture(event.pointerId)
    state.held = { node, slot, x: event.clientX, y: event.clientY, moved: false }
    node.onpointermove = move
    node.onpointerup = drop
    node.onpointercancel = () => end(null)
  }

  function move(event) {
    const { held } = state
    const dx = event.clientX - held.x, dy = event.clientY - held.y
    if (!held.moved && Math.hypot(dx, dy) < 5) return
    held.moved = true
    held.node.classList.add('held')
    held.node.style.transform = `translate(${dx}px, ${dy}px)`
    point(target(event))
  }

  // Where a letter would go: onto a tier, or before the tier with that number among the others; null for nowhere.
  function target(event) {
    const line = board.querySelector('.line')
    const box = line.getBoundingClientRect()
    if (event.clientY < box.top - FAR || event.clientY > box.bottom + FAR) return null
    const tiers = [...line.querySelectorAll('.tier')].filter((tier) => [...tier.children].some((one) => one !== state.held.node))
    let before = 0
    for (const tier of tiers) {
      const { left, right, width } = tier.getBoundingClientRect()
      const margin = data.ties ? Math.min(10, width / 4) : width / 2
      if (data.ties && event.clientX > left + margin && event.clientX < right - margin) return { tier, onto: before }
      if (event.clientX >= (left + right) / 2) before += 1
    }
    return { before, tiers }
  }

  function point(to) {
    for (const node of board.querySelectorAll('.onto, .before, .after')) node.classList.remove('onto', 'before', 'after')
    if (!to) return
    if (to.tier) to.tier.classList.add('onto')
    else if (to.tiers[to.before]) to.tiers[to.before].classList.add('before')
    else to.tiers.at(-1)?.classList.add('after')
  }

  function drop(event) {
    const { held } = state
    const isWaiting = !state.groups.flat().includes(held.slot)
    if (held.moved) end(target(event))
    else end(isWaiting ? { before: state.groups.length } : null) // a click: next in the order
  }

  function end(to) {
    const { slot } = state.held
    state.held = null
    if (to) {
      const groups = state.groups.map((group) => group.filter((one) => one !== slot)).filter((group) => group.length)
      if (to.tier) groups[to.onto] = [...groups[to.onto], slot].sort((a, b) => a - b)
      else groups.splice(to.before, 0, [slot])
      if (!same(groups, state.groups)) {
        state.groups = groups
        state.until = performance.now() + PATIENCE
        setTriggerValue('order', groups)
      }
    }
    draw()
  }
}
