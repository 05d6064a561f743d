/**
 * Evaluates values that a CloudFormation template computes. Parameters with a default, and text composed of such
 * parameters, can be evaluated from the template alone; all others stay as they are and are reported later.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
 */

import type { SourceNode } from '../source.ts'
import { fieldOf, itemsOf, scalarAt, textOf } from './node.ts'

/** Replaces every `Ref`, `Fn::Sub` and `Fn::Join` in `root` that depends only on the template's own parameters. */
export function resolveTemplate(root: SourceNode): SourceNode {
  const parameters = fieldOf(root, 'Parameters')
  const parameterOf = (name: string): string | undefined => {
    const parameter = fieldOf(parameters, name)
    // The default of such a parameter is the name of a value that is stored elsewhere.
    if (/^AWS::SSM::/.test(textOf(fieldOf(parameter, 'Type')) ?? '')) return undefined
    const value = fieldOf(parameter, 'Default')
    return value?.kind === 'scalar' && value.value !== null ? String(value.value) : undefined
  }
  return resolved(root, parameterOf)
}

type ParameterOf = (name: string) => string | undefined

function resolved(node: SourceNode, parameterOf: ParameterOf): SourceNode {
  if (node.kind === 'scalar') return node
  if (node.kind === 'list')
    return {
      ...node,
      items: node.items.filter((item) => !isNoValue(item)).map((item) => resolved(item, parameterOf)),
    }
  const entries = node.entries
    .filter(({ value }) => !isNoValue(value))
    .map((entry) => ({ ...entry, value: resolved(entry.value, parameterOf) }))
  const [only] = entries
  const text =
    only === undefined || entries.length > 1 ? undefined : computed(only.key, only.value, parameterOf)
  return text === undefined ? { ...node, entries } : scalarAt(text, node)
}

/** `Ref: AWS::NoValue` takes the property away. */
const isNoValue = (node: SourceNode): boolean => textOf(fieldOf(node, 'Ref')) === 'AWS::NoValue'

function computed(name: string, argument: SourceNode, parameterOf: ParameterOf): string | undefined {
  if (name === 'Ref') {
    const parameter = textOf(argument)
    return parameter === undefined ? undefined : parameterOf(parameter)
  }
  if (name === 'Fn::Sub') return substituted(argument, parameterOf)
  if (name !== 'Fn::Join') return undefined
  const [separator, parts] = itemsOf(argument)
  const texts = itemsOf(parts).map((part) => (part.kind === 'scalar' ? String(part.value) : undefined))
  return separator?.kind !== 'scalar' || texts.length === 0 || texts.includes(undefined)
    ? undefined
    : texts.join(String(separator.value))
}

function substituted(argument: SourceNode, parameterOf: ParameterOf): string | undefined {
  const [text, variables] = argument.kind === 'list' ? argument.items : [argument]
  const pattern = textOf(text)
  if (pattern === undefined) return undefined
  let isKnown = true
  const result = pattern.replace(/\$\{(!?)([^}]*)\}/g, (whole, literal: string, name: string) => {
    if (literal !== '') return `\${${name}}`
    const value = textOf(fieldOf(variables, name)) ?? parameterOf(name)
    if (value === undefined) isKnown = false
    return value ?? whole
  })
  return isKnown ? result : undefined
}

/**
 * `root` with the variables of the Serverless Framework filled in that the file itself decides: `${self:custom.name}`, and
 * the default of `${opt:stage, 'dev'}`. https://www.serverless.com/framework/docs/providers/aws/guide/variables
 */
export const resolveServerless = (root: SourceNode): SourceNode => withVariables(root, root)

function withVariables(node: SourceNode, root: SourceNode): SourceNode {
  if (node.kind === 'list') return { ...node, items: node.items.map((item) => withVariables(item, root)) }
  if (node.kind === 'map')
    return {
      ...node,
      entries: node.entries.map((entry) => ({ ...entry, value: withVariables(entry.value, root) })),
    }
  const text = typeof node.value === 'string' && node.value.includes('${') ? node.value : undefined
  const value = text === undefined ? undefined : filledIn(text, root)
  return value === undefined ? node : scalarAt(value, node)
}

/** Variables lead to values with variables; a file that was made to grow without end stops at these. */
const maxRounds = 8
const maxLength = 1024

function filledIn(text: string, root: SourceNode): string {
  let result = text
  for (let round = 0; round < maxRounds; round++) {
    const next = result.replace(/\$\{([^${}]+)\}/g, (whole, name: string) => variable(name, root) ?? whole)
    if (next === result || next.length > maxLength) return result
    result = next
  }
  return result
}

function variable(expression: string, root: SourceNode): string | undefined {
  for (const source of expression.split(',').map((part) => part.trim())) {
    const [, literal] = /^'([^']*)'$/.exec(source) ?? []
    if (literal !== undefined) return literal
    const [, path] = /^self:([\w.-]+)$/.exec(source) ?? []
    const value = path?.split('.').reduce<SourceNode | undefined>((node, key) => fieldOf(node, key), root)
    if (value?.kind === 'scalar' && value.value !== null) return String(value.value)
  }
  return undefined
}
