// Puts the MathML of formulas in the place of their LaTeX: elements and attributes of these lists only, built one by one.
const SPACE = 'http://www.w3.org/1998/Math/MathML'
const ELEMENTS = new Set(('math mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle mpadded mphantom menclose mfenced merror '
  + 'msub msup msubsup munder mover munderover mmultiscripts mtable mtr mtd mlabeledtr').split(' '))
const ATTRIBUTES = new Set(('display mathvariant stretchy fence separator lspace rspace linethickness scriptlevel displaystyle '
  + 'columnalign columnlines rowlines rowspacing columnspacing width height depth minsize maxsize symmetric movablelimits '
  + 'accent accentunder notation form largeop').split(' '))

function copy(node, doc) {
  if (node.nodeType === Node.TEXT_NODE) return doc.createTextNode(node.data)
  if (node.nodeType !== Node.ELEMENT_NODE || !ELEMENTS.has(node.localName)) return doc.createTextNode('')
  const made = doc.createElementNS(SPACE, node.localName)
  for (const { name, value } of node.attributes) if (ATTRIBUTES.has(name)) made.setAttribute(name, value)
  made.append(...[...node.childNodes].map((child) => copy(child, doc)))
  return made
}

export default function ({ parentElement }) {
  const doc = parentElement.ownerDocument
  const put = () => doc.querySelectorAll('.sy-math:not([data-set])').forEach((place) => {
    place.dataset.set = 'yes'
    const parsed = new DOMParser().parseFromString(place.dataset.mathml, 'application/xml')
    if (parsed.querySelector('parsererror')) return
    const formula = copy(parsed.documentElement, doc)
    formula.setAttribute('alttext', place.textContent)
    place.replaceChildren(formula)
  })
  const observer = new MutationObserver(() => requestAnimationFrame(put))
  const watched = doc.querySelector('[data-testid="stMain"]')
  if (watched) observer.observe(watched, { childList: true, subtree: true })
  put()
  return () => observer.disconnect()
}
