/**
 * Evaluates values that a CloudFormation template computes. Parameters with a default, and text composed of such
 * parameters, can be evaluated from the template alone; all others stay as they are and are reported later.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
 */

import { quoted } from '../../text/visible.ts'
import { type SourceNode, spanOf } from '../source.ts'
import { fieldOf, itemsOf, nodesIn, scalarAt, textOf, writtenOf } from './node.ts'
import type { Note } from './rule.ts'

/**
 * The parameters whose default a value contains. A deployment can set them to something else, so each is reported for the
 * bucket that it concerns.
 */
type Defaults = ReadonlyMap<SourceNode, readonly string[]>

export interface Resolved {
  readonly root: SourceNode
  readonly defaults: Defaults
}

/** One note for each parameter whose default is in one of `nodes`. */
export function defaultNotes(
  nodes: readonly (SourceNode | undefined)[],
  defaults: Defaults,
): readonly Note[] {
  const notes = new Map<string, Note>()
  for (const node of nodes.flatMap((given) => [...nodesIn(given)]))
    for (const name of defaults.get(node) ?? [])
      if (!notes.has(name)) notes.set(name, { ...spanOf(node), message: whyDefault(name) })
  return [...notes.values()]
}

const whyDefault = (name: string): string =>
  `the default of ${quoted(name)} is used: check that the deployment sets no other value`

/** Replaces every `Ref`, `Fn::Sub` and `Fn::Join` that depends only on the template's own parameters. */
export function resolveTemplate({ root, defaults }: Resolved): Resolved {
  const parameters = fieldOf(root, 'Parameters')
  const parameterOf = (name: string): string | undefined => {
    const parameter = fieldOf(parameters, name)
    // The default of such a parameter is the name of a value that is stored elsewhere.
    if (/^AWS::SSM::/.test(textOf(fieldOf(parameter, 'Type')) ?? '')) return undefined
    return writtenOf(fieldOf(parameter, 'Default'))
  }
  const template: Template = { parameterOf, defaults: new Map(defaults) }
  return { root: resolved(root, template), defaults: template.defaults }
}

interface Template {
  readonly parameterOf: (name: string) => string | undefined
  readonly defaults: Map<SourceNode, readonly string[]>
}

function resolved(node: SourceNode, template: Template): SourceNode {
  if (node.kind === 'scalar') return node
  if (node.kind === 'list')
    return {
      ...node,
      items: node.items.filter((item) => !isNoValue(item)).map((item) => resolved(item, template)),
    }
  const entries = node.entries
    .filter(({ value }) => !isNoValue(value))
    .map((entry) => ({ ...entry, value: resolved(entry.value, template) }))
  const [only] = entries
  const known =
    only === undefined || entries.length > 1 ? undefined : computed(only.key, only.value, template)
  if (known === undefined) return { ...node, entries }
  const value = scalarAt(known.text, node)
  if (known.defaults.length > 0) template.defaults.set(value, known.defaults)
  return value
}

/** `Ref: AWS::NoValue` removes the property. */
const isNoValue = (node: SourceNode): boolean => textOf(fieldOf(node, 'Ref')) === 'AWS::NoValue'

interface Known {
  readonly text: string
  readonly defaults: readonly string[]
}

function computed(name: string, argument: SourceNode, template: Template): Known | undefined {
  if (name === 'Ref') return parameterValue(textOf(argument) ?? '', template)
  if (name === 'Fn::Sub') return substituted(argument, template)
  if (name !== 'Fn::Join') return undefined
  const [separator, list] = itemsOf(argument)
  const between = knownText(separator, template)
  const parts = itemsOf(list).map((part) => knownText(part, template))
  if (between === undefined || parts.length === 0 || !parts.every((part) => part !== undefined))
    return undefined
  const length = parts.reduce((sum, { text }) => sum + between.text.length + text.length, 0)
  if (length > maxLength) return undefined
  return {
    text: parts.map(({ text }) => text).join(between.text),
    defaults: [...new Set([between, ...parts].flatMap(({ defaults }) => defaults))],
  }
}

function parameterValue(name: string, { parameterOf }: Template): Known | undefined {
  const text = parameterOf(name)
  return text === undefined ? undefined : { text, defaults: [name] }
}

function knownText(node: SourceNode | undefined, { defaults }: Template): Known | undefined {
  const text = writtenOf(node)
  return node === undefined || text === undefined ? undefined : { text, defaults: defaults.get(node) ?? [] }
}

function substituted(argument: SourceNode, template: Template): Known | undefined {
  const [pattern, variables] = argument.kind === 'list' ? argument.items : [argument]
  if (textOf(pattern) === undefined) return undefined
  const { text = '', defaults = [] } = knownText(pattern, template) ?? {}
  const used = new Set(defaults)
  let length = 0
  let isKnown = true
  // Without the text after the last brace, where every `${` would be searched to the end.
  const end = text.lastIndexOf('}') + 1
  const result = text.slice(0, end).replace(/\$\{(!?)([^}]*)\}/g, (_, literal: string, name: string) => {
    if (!isKnown) return ''
    if (literal !== '') return `\${${name}}`
    // A variable of the function hides a parameter of the same name, also when its value is not known.
    const own = fieldOf(variables, name)
    const value = own === undefined ? parameterValue(name, template) : knownText(own, template)
    for (const parameter of value?.defaults ?? []) used.add(parameter)
    length += 1 + (value?.text.length ?? 0)
    isKnown = value !== undefined && length <= maxLength
    return value?.text ?? ''
  })
  return isKnown ? { text: result + text.slice(end), defaults: [...used] } : undefined
}

/**
 * Fills in the Serverless Framework variables in `root` whose values the file itself gives: `${self:custom.name}`, and the
 * default of `${opt:stage, 'dev'}`. https://www.serverless.com/framework/docs/providers/aws/guide/variables
 */
export function resolveServerless(root: SourceNode): Resolved {
  const defaults = new Map<SourceNode, readonly string[]>()
  return { root: withVariables(root, root, defaults), defaults }
}

function withVariables(
  node: SourceNode,
  root: SourceNode,
  defaults: Map<SourceNode, readonly string[]>,
): SourceNode {
  if (node.kind === 'list')
    return { ...node, items: node.items.map((item) => withVariables(item, root, defaults)) }
  if (node.kind === 'map')
    return {
      ...node,
      entries: node.entries.map((entry) => ({ ...entry, value: withVariables(entry.value, root, defaults) })),
    }
  if (typeof node.value !== 'string' || !node.value.includes('${')) return node
  const known = filledIn(node.value, root)
  const value = scalarAt(known.text, node)
  if (known.defaults.length > 0) defaults.set(value, known.defaults)
  return value
}

/** Limits of the expansion, because a value may contain variables, and a hostile file could make it grow without end. */
const maxRounds = 8
/** No value of a rule is longer. */
const maxLength = 1024

function filledIn(text: string, root: SourceNode): Known {
  const defaults: string[] = []
  let result = text
  for (let round = 0; round < maxRounds; round++) {
    let length = 0
    const next = result.replace(/\$\{([^${}]+)\}/g, (whole, expression: string) => {
      if (length > maxLength) return ''
      const known = variable(expression, root)
      if (known !== undefined) defaults.push(...known.defaults)
      length += known?.text.length ?? 0
      return known?.text ?? whole
    })
    if (next === result || length > maxLength || next.length > maxLength) break
    result = next
  }
  return { text: result, defaults }
}

/** A source of a variable, up to the next comma outside of quotes. */
const sourcePattern = /(?:'[^']*'|"[^"]*"|[^,])+/g

function variable(expression: string, root: SourceNode): Known | undefined {
  const [first = '', ...others] = (expression.match(sourcePattern) ?? []).map((part) => part.trim())
  const value = sourceValue(first, root)
  if (value !== undefined) return { text: value, defaults: [] }
  // What the first source gives is known only to the deployment.
  const text = others.map((source) => sourceValue(source, root)).find((found) => found !== undefined)
  return text === undefined ? undefined : { text, defaults: [first] }
}

function sourceValue(source: string, root: SourceNode): string | undefined {
  const [, single, double] = /^(?:'([^']*)'|"([^"]*)")$/.exec(source) ?? []
  const [, path] = /^self:([\w.-]+)$/.exec(source) ?? []
  return (
    single ??
    double ??
    writtenOf(path?.split('.').reduce<SourceNode | undefined>((node, key) => fieldOf(node, key), root))
  )
}
