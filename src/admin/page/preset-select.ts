/// <reference lib="dom" />
import { ask } from './ask.ts'
import { h } from './dom.ts'

let presets: Promise<Readonly<Record<string, { readonly purpose: string }>>> | undefined

export function presetSelect(name: string, onChange: (value: string) => void): HTMLSelectElement {
  const select = h(
    'select',
    { name: 'preset', 'aria-describedby': `${name}-preset-help ${name}-preset-says` },
    h('option', { value: '' }, 'none'),
  )
  presets ??= ask<Readonly<Record<string, { readonly purpose: string }>>>('/-/presets')
  presets
    .then((all) => {
      const chosen = select.value
      for (const [value, { purpose }] of Object.entries(all))
        if (![...select.options].some((option) => option.value === value))
          select.append(h('option', { value }, `${value}: ${purpose}`))
      select.value = chosen
    })
    .catch(() => {
      presets = undefined
    })
  select.addEventListener('change', () => onChange(select.value))
  return select
}

/** Adds a preset that is not in the list, for example an alias, so that the form shows it. */
export function choose(select: HTMLSelectElement, value: string): void {
  if (![...select.options].some((option) => option.value === value))
    select.append(h('option', { value }, value))
  select.value = value
}
