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
    const value = fieldOf(fieldOf(parameters, name), 'Default')
    return value?.kind === 'scalar' && value.value !== null ? String(value.value) : undefined
  }
  return resolved(root, parameterOf)
}

type ParameterOf = (name: string) => string | undefined

function resolved(node: SourceNode, parameterOf: ParameterOf): SourceNode {
  if (node.kind === 'list') return { ...node, items: node.items.map((item) => resolved(item, parameterOf)) }
  if (node.kind === 'scalar') return node
  const entries = node.entries.map((entry) => ({ ...entry, value: resolved(entry.value, parameterOf) }))
  const [only] = entries
  const text =
    only === undefined || entries.length > 1 ? undefined : computed(only.key, only.value, parameterOf)
  return text === undefined ? { ...node, entries } : scalarAt(text, node)
}

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
