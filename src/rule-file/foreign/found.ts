/** Rules and bucket names as they stand in a foreign file. */

import type { SourceMap, SourceNode } from '../source.ts'
import type { ForeignName } from './format-names.ts'
import { fieldOf, hasField, mappingsOf, textOf } from './node.ts'
import type { Note } from './rule.ts'

export interface ForeignFormat {
  /** The word for `convert --from`. */
  readonly id: ForeignName
  readonly title: string
  /** The vendor's page that the mapping follows. */
  readonly source: string
  /** The tool writes a max-age of 0 where none is set, so that 0 says nothing. */
  readonly zeroMaxAge?: 'unset'
  /** The rules of all buckets, or nothing where the file is not of this format. */
  find(root: SourceNode): readonly FoundRules[]
}

/** The rules of one bucket. */
export interface FoundRules {
  /** The value that names the bucket, where the file has one; it can be computed. */
  readonly name?: SourceNode | undefined
  /** What the file calls a bucket whose name is only known after deployment. */
  readonly alias?: string | undefined
  readonly rules: readonly SourceMap[]
  /** The value that holds the rules. */
  readonly holder: SourceNode
  /** A resource that holds CORS rules only. A bucket can repeat its rules, as `aws_s3_bucket` does in a Terraform state. */
  readonly isOwnResource?: boolean
  readonly notes?: readonly Note[]
}

export const found = (
  holder: SourceNode | undefined,
  place: Pick<FoundRules, 'name' | 'alias' | 'isOwnResource'> = {},
): readonly FoundRules[] => (holder === undefined ? [] : [{ ...place, rules: mappingsOf(holder), holder }])

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

/** Other resources have lists of these names too: both origins and methods stand in CORS rules of a bucket only. */
const corsRules = (holder: SourceNode | undefined): SourceNode | undefined =>
  mappingsOf(holder).some(
    (rule) =>
      (hasField(rule, ...originKeys) && hasField(rule, ...methodKeys)) ||
      hasField(fieldOf(rule, 'allowed'), 'origins', 'methods'),
  )
    ? holder
    : undefined

/** The rules of one resource of Terraform or Pulumi, in the block of whichever provider it is. */
export function resourceRules(
  values: SourceNode | undefined,
  place: Pick<FoundRules, 'name' | 'alias' | 'isOwnResource'> = {},
): readonly FoundRules[] {
  const name = place.name ?? fieldOf(values, ...bucketNames)
  for (const key of ruleLists) {
    const holder = corsRules(fieldOf(values, key)) ?? corsRules(fieldOf(fieldOf(values, key), 'corsRules'))
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
