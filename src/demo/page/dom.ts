/** Small pieces of the page. What comes from outside goes in as text, never as markup. */
export const domScript = `export const byId = (id) => document.getElementById(id)

export function element(name, properties, ...children) {
  const made = document.createElement(name)
  const { className, ...attributes } = properties ?? {}
  if (className) made.className = className
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value)
  made.append(...children.filter((child) => child !== undefined && child !== null))
  return made
}

export const badge = (good, words) =>
  element('span', { className: good ? 'badge good' : 'badge bad' }, (good ? '✓ ' : '✗ ') + words)

export const verdict = (good, words, ...more) =>
  element('p', { className: 'verdict' }, badge(good, words), ...more)

export const note = (words) => element('p', {}, words)

export const fold = (title, body) =>
  element('details', {}, element('summary', {}, title), element('pre', { tabindex: '0' }, body))

export function table(head, rows) {
  return element(
    'div',
    { className: 'scroll' },
    element(
      'table',
      {},
      element('thead', {}, element('tr', {}, ...head.map((cell) => element('th', { scope: 'col' }, cell)))),
      element('tbody', {}, ...rows),
    ),
  )
}
`
