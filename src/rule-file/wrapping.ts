/** Removes what the S3 family's own tools put around the rules. */

import type { FileFormat } from './names.ts'
import type { SourceMap, SourceNode } from './source.ts'
import { fieldOf, fileFields } from './spelling.ts'

/** Parameters of the SDKs' PutBucketCors besides the configuration. */
const callParameters = new Set(['Bucket', 'ChecksumAlgorithm', 'ContentMD5', 'ExpectedBucketOwner', 'Region'])

/**
 * - `{Bucket, CORSConfiguration: {CORSRules}}`, the parameters of an SDK call and of `aws s3api --cli-input-json`: the
 *   configuration alone. The file's name is the bucket.
 * - `{"CORSRule": {…}}`, as ossutil prints a configuration of one rule: a list of one.
 */
export function unwrapped(root: SourceNode, format: FileFormat): SourceNode {
  if (root.kind !== 'map') return root
  // In YAML a mapping in place of the list means a forgotten "- ".
  const listed = format === 'json' ? oneRuleListed : (map: SourceMap) => map
  const inner = root.entries.find(({ key }) => key === 'CORSConfiguration')?.value
  if (inner?.kind === 'map') {
    const beside = root.entries.filter(({ key }) => key !== 'CORSConfiguration' && !callParameters.has(key))
    return listed({ ...inner, entries: [...inner.entries, ...beside] })
  }
  return listed(root)
}

const oneRuleListed = (map: SourceMap): SourceMap => ({
  ...map,
  entries: map.entries.map((entry) =>
    entry.key !== 'rules' && fieldOf(fileFields, entry.key) === 'rules' && entry.value.kind === 'map'
      ? { ...entry, value: { kind: 'list', items: [entry.value], ...spanOf(entry.value) } }
      : entry,
  ),
})

const spanOf = ({ offset, end }: SourceNode): { offset: number; end: number } => ({ offset, end })
