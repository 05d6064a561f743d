/** Finds rules and bucket names in a foreign file. */

import type { SourceMap, SourceNode } from '../source.ts'
import type { ForeignName } from './format-names.ts'
import { fieldOf, hasField, itemsOf, mappingsOf, textOf } from './node.ts'
import { isComputed, type Note } from './rule.ts'

export interface ForeignFormat {
  /** Value of `convert --from`. */
  readonly id: ForeignName
  readonly title: string
  /** The vendor's page that the mapping follows. */
  readonly source: string
  /** The tool writes a max-age of 0 when none is set, so 0 means unset. */
  readonly zeroMaxAge?: 'unset'
  /** Returns the rules of every bucket; none when the file is not of this format. */
  find(root: SourceNode): readonly FoundRules[]
}

/** The rules of one bucket. */
export interface FoundRules {
  /** The value that names the bucket, if the file has one. A template may compute it. */
  readonly name?: SourceNode | undefined
  /** The file's own name for the bucket, for when the bucket's name is known only after deployment. */
  readonly alias?: string | undefined
  readonly rules: readonly SourceMap[]
  /** The value that holds the rules. */
  readonly holder: SourceNode
  /**
   * The rules are in a resource that holds CORS rules only. A bucket can repeat them, as `aws_s3_bucket` does in a Terraform
   * state.
   */
  readonly isOwnResource?: boolean
  readonly notes?: readonly Note[]
}

export const found = (
  holder: SourceNode | undefined,
  place: Pick<FoundRules, 'name' | 'alias' | 'isOwnResource'> = {},
): readonly FoundRules[] => (holder === undefined ? [] : [{ ...place, rules: mappingsOf(holder), holder }])

/** `node`, when it stands for rules that are known only after deployment. */
export const computedRules = (node: SourceNode | undefined): SourceNode | undefined =>
  node !== undefined && (textOf(node) !== undefined || isComputed(node)) ? node : undefined

/** `holder`, when a rule in it has one of `keys`. */
export const withKeys = (
  holder: SourceNode | undefined,
  ...keys: readonly string[]
): SourceNode | undefined => (mappingsOf(holder).some((rule) => hasField(rule, ...keys)) ? holder : undefined)

export const listed = (node: SourceNode): SourceNode | undefined => (node.kind === 'list' ? node : undefined)

export const mappingEntries = (node: SourceNode | undefined): readonly (readonly [string, SourceNode])[] =>
  node?.kind === 'map' ? node.entries.map(({ key, value }) => [key, value]) : []

const ruleLists = ['cors_rule', 'cors_rules', 'corsRules', 'cors', 'rules', 'rule'] as const
const originKeys = ['allowed_origins', 'allowedOrigins', 'origin', 'origins']
const methodKeys = [
  ...['allowed_methods', 'allowedMethods', 'method', 'methods'],
  ...['allowed_operations', 'allowedOperations'],
]
export const bucketNames = ['bucket', 'bucket_name', 'bucketName', 'name', 'bucket_id'] as const

/** Other resources have lists of these names too, but only CORS rules of a bucket have both origins and methods. */
const corsRules = (holder: SourceNode | undefined): SourceNode | undefined =>
  mappingsOf(holder).some(
    (rule) =>
      (hasField(rule, ...originKeys) && hasField(rule, ...methodKeys)) ||
      hasField(fieldOf(rule, 'allowed'), 'origins', 'methods'),
  )
    ? holder
    : undefined

/** `${rules}`, or a list of such variables. */
const computedList = (node: SourceNode | undefined): SourceNode | undefined =>
  [node, ...itemsOf(node)].some((item) => computedRules(item) !== undefined) ? node : undefined

/** The rules of one Terraform or Pulumi resource, of any provider. */
export function resourceRules(
  values: SourceNode | undefined,
  place: Pick<FoundRules, 'name' | 'alias' | 'isOwnResource'> = {},
): readonly FoundRules[] {
  const name = place.name ?? fieldOf(values, ...bucketNames)
  for (const key of ruleLists) {
    const written = fieldOf(values, key)
    const holder =
      corsRules(written) ??
      corsRules(fieldOf(written, 'corsRules')) ??
      (/^cors_?rules?$/i.test(key) ? computedList(written) : undefined)
    if (holder !== undefined) return found(holder, { ...place, name })
  }
  // azurerm_storage_account has them in a block of its own.
  return mappingsOf(fieldOf(values, 'blob_properties', 'blobProperties')).flatMap((blob) =>
    found(corsRules(fieldOf(blob, 'cors_rule', 'corsRules')), {
      ...place,
      name: fieldOf(values, 'name', 'accountName'),
    }),
  )
}

/** Whether a resource type, such as `aws_s3_bucket_cors_configuration`, is about CORS alone. */
export const isCorsType = (type: SourceNode | undefined): boolean => /cors/i.test(textOf(type) ?? '')
