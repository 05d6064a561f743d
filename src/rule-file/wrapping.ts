/** Removes the keys that tools of the S3 family put around the rules. */

import type { FileFormat } from './names.ts'
import { type SourceMap, type SourceNode, spanOf } from './source.ts'
import { fieldOf, fileFields } from './spelling.ts'

/** Parameters of PutBucketCors in the SDKs of AWS and COS, and the keys beside the configuration in their responses. */
const aroundRules: ReadonlySet<string> = new Set([
  ...['Bucket', 'Region', 'ChecksumAlgorithm', 'ContentMD5', 'ExpectedBucketOwner', 'RequestPayer'],
  ...['ResponseMetadata', '$metadata', 'statusCode', 'headers', 'RequestId'],
])

/**
 * The configuration without its wrapping:
 * - `{Bucket, CORSConfiguration: {CORSRules}}` are the parameters of an SDK call and of `aws s3api --cli-input-json`,
 *   `{Bucket, Region, CORSRules}` those of the COS SDK. Bucket is dropped, because the name of the file is the bucket.
 * - `{"CORSRule": {…}}`, which ossutil prints for a configuration of one rule, becomes a list of one if the file is JSON.
 */
export function unwrapped(root: SourceNode, format: FileFormat): SourceNode {
  if (root.kind !== 'map') return root
  // In YAML a mapping in place of the list means a forgotten "- ".
  const listed = format === 'json' ? oneRuleListed : (map: SourceMap) => map
  const inner = root.entries.find(({ key }) => key === 'CORSConfiguration')?.value
  const rules = inner?.kind === 'map' ? inner.entries : []
  const beside = root.entries.filter(({ key, value }) => key !== 'CORSConfiguration' || value.kind !== 'map')
  const isCall = rules.length > 0 || beside.some(({ key }) => vendorRules.has(key))
  if (!isCall || format === 'xml') return listed(root)
  const kept = beside.filter(({ key }) => !aroundRules.has(key))
  return listed({ ...(inner?.kind === 'map' ? inner : root), entries: [...rules, ...kept] })
}

const vendorRules = new Set(['CORSRules', 'CORSRule'])

/** The value that names the bucket of an SDK call. */
export function bucketOfCall(root: SourceNode | undefined): SourceNode | undefined {
  if (root?.kind !== 'map' || !root.entries.some(({ key }) => isAroundRules(key))) return undefined
  return root.entries.find(({ key }) => key === 'Bucket')?.value
}

const isAroundRules = (key: string): boolean => key === 'CORSConfiguration' || vendorRules.has(key)

const oneRuleListed = (map: SourceMap): SourceMap => ({
  ...map,
  entries: map.entries.map((entry) =>
    entry.key !== 'rules' && fieldOf(fileFields, entry.key) === 'rules' && entry.value.kind === 'map'
      ? { ...entry, value: { kind: 'list', items: [entry.value], ...spanOf(entry.value) } }
      : entry,
  ),
})
