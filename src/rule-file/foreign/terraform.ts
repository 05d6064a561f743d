import type { SourceMap, SourceNode } from '../source.ts'
import {
  bucketNames,
  type ForeignFormat,
  type FoundRules,
  isCorsType,
  mappingEntries,
  resourceRules,
} from './found.ts'
import { fieldOf, hasField, itemsOf, mappingsIn, mappingsOf, textOf } from './node.ts'

export const terraform: ForeignFormat = {
  id: 'terraform',
  title: 'Terraform or OpenTofu',
  source: 'https://developer.hashicorp.com/terraform/internals/json-format',
  zeroMaxAge: 'unset',
  find(root) {
    const shown = fieldOf(root, 'planned_values', 'values')
    const modules = [...mappingsIn(fieldOf(shown, 'root_module'))].filter((node) =>
      hasField(node, 'resources'),
    )
    if (modules.length > 0) return shownRules(root, modules)
    const stored = mappingsOf(fieldOf(root, 'resources')).filter((node) => hasField(node, 'instances'))
    if (stored.length > 0) return stored.flatMap(storedRules)
    if (hasField(root, 'resource')) return configuredRules(root)
    // A single resource block. It needs a snake_case key, because a text with our own field names is a rule file.
    return resourceRules(root).filter(({ rules }) => rules.some((rule) => hasField(rule, ...snakeKeys)))
  },
}

const snakeKeys = ['allowed_origins', 'allowed_methods', 'allowed_operations', 'response_header']

/** `modules` are all modules of `terraform show -json`, nested ones included. */
function shownRules(root: SourceNode, modules: readonly SourceMap[]): readonly FoundRules[] {
  const resources = modules.flatMap((node) =>
    mappingsOf(fieldOf(node, 'resources')).map((resource) => ({
      resource,
      module: textOf(fieldOf(node, 'address')) ?? '',
    })),
  )
  const byAddress = new Map(
    resources.map(({ resource }) => [textOf(fieldOf(resource, 'address')) ?? '', resource]),
  )
  return resources.flatMap(({ resource, module }) => {
    const values = fieldOf(resource, 'values')
    const type = fieldOf(resource, 'type')
    const rules = resourceRules(values, { alias: aliasOf(resource), isOwnResource: isCorsType(type) })
    return rules.map((one) => ({ ...one, name: one.name ?? referredName(root, resource, module, byAddress) }))
  })
}

/** Includes the index, because the resources of one block with `count` or `for_each` have the same name. */
function aliasOf(resource: SourceNode): string | undefined {
  const name = textOf(fieldOf(resource, 'name'))
  const index = indexOf(resource)
  return index === undefined ? name : `${name}-${index}`
}

function indexOf(resource: SourceNode): string | number | undefined {
  const index = fieldOf(resource, 'index', 'index_key')
  const value = index?.kind === 'scalar' ? index.value : undefined
  return typeof value === 'string' || typeof value === 'number' ? value : undefined
}

/**
 * In a plan `bucket = aws_s3_bucket.files.id` is only a reference. Finds the name in the bucket resource that it refers
 * to.
 */
function referredName(
  root: SourceNode,
  resource: SourceNode,
  module: string,
  byAddress: ReadonlyMap<string, SourceMap>,
): SourceNode | undefined {
  const [type, name] = [textOf(fieldOf(resource, 'type')), textOf(fieldOf(resource, 'name'))]
  const configured = mappingsOf(fieldOf(configurationOf(root, module), 'resources')).find(
    (node) => textOf(fieldOf(node, 'type')) === type && textOf(fieldOf(node, 'name')) === name,
  )
  const expression = fieldOf(fieldOf(configured, 'expressions'), ...bucketNames)
  const index = indexOf(resource)
  const suffixes = ['', ...(index === undefined ? [] : [`[${JSON.stringify(index)}]`])]
  for (const reference of itemsOf(fieldOf(expression, 'references')).slice(0, maxReferences)) {
    const [referredType, referred] = (textOf(reference) ?? '').split('.')
    const address = `${module === '' ? '' : `${module}.`}${referredType}.${referred?.replace(/\[.*/, '')}`
    for (const suffix of suffixes) {
      const bucket = fieldOf(fieldOf(byAddress.get(address + suffix), 'values'), ...bucketNames)
      if (bucket !== undefined) return bucket
    }
  }
  return undefined
}

/** The name of a bucket refers to a few values. Each resource of a file searches the list of its block again. */
const maxReferences = 16

/** `module.a["x"].module.b` is configured at module_calls.a.module.module_calls.b.module. */
function configurationOf(root: SourceNode, module: string): SourceNode | undefined {
  const calls = Array.from(
    // An index that is not closed ends with the text, so that no part is searched twice.
    module.matchAll(/module\.([A-Za-z0-9_-]+)(?:\[[^\]]*\]?)?/g),
    ([, name = '']) => name,
  )
  return calls.reduce<SourceNode | undefined>(
    (node, name) => fieldOf(fieldOf(fieldOf(node, 'module_calls'), name), 'module'),
    fieldOf(fieldOf(root, 'configuration'), 'root_module'),
  )
}

/** One resource of a state file, terraform.tfstate. */
const storedRules = (resource: SourceMap): readonly FoundRules[] =>
  mappingsOf(fieldOf(resource, 'instances')).flatMap((instance) => {
    const index = indexOf(instance)
    const name = textOf(fieldOf(resource, 'name'))
    return resourceRules(fieldOf(instance, 'attributes'), {
      alias: index === undefined ? name : `${name}-${index}`,
      isOwnResource: isCorsType(fieldOf(resource, 'type')),
    })
  })

/** JSON configuration (.tf.json, as CDK for Terraform writes it), which nests as `resource.<type>.<name>`. */
function configuredRules(root: SourceNode): readonly FoundRules[] {
  const resources = mappingsOf(fieldOf(root, 'resource')).flatMap((types) =>
    mappingEntries(types).flatMap(([type, named]) =>
      mappingEntries(named).flatMap(([alias, values]) =>
        mappingsOf(values).map((node) => ({ type, alias, values: node })),
      ),
    ),
  )
  const byAddress = new Map<string, SourceMap>(
    resources.map(({ type, alias, values }) => [`${type}.${alias}`, values] as const).toReversed(),
  )
  return resources.flatMap(({ type, alias, values }) => {
    const written = fieldOf(values, ...bucketNames)
    const [, address = ''] = /^\$\{(\w+\.[\w-]+)\.\w+\}$/.exec(textOf(written) ?? '') ?? []
    const name = fieldOf(byAddress.get(address), ...bucketNames) ?? written
    return resourceRules(values, { name, alias, isOwnResource: /cors/i.test(type) })
  })
}
