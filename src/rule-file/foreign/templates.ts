import type { SourceNode } from '../source.ts'
import {
  computedRules,
  type ForeignFormat,
  type FoundRules,
  found,
  mappingEntries,
  withKeys,
} from './found.ts'
import { fieldOf, hasField, mappingsIn, textOf } from './node.ts'
import { defaultNotes, type Resolved, resolveServerless, resolveTemplate } from './template.ts'

export const cloudformation: ForeignFormat = {
  id: 'cloudformation',
  title: 'CloudFormation',
  source:
    'https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-corsconfiguration.html',
  find(root) {
    const template = resolveTemplate({ root, defaults: new Map() })
    const buckets = templateBuckets(template.root)
    if (buckets.length > 0) return withDefaultNotes(buckets, template)
    const properties = fieldOf(template.root, 'Properties') ?? template.root
    const part = fieldOf(properties, 'CorsConfiguration') ?? template.root
    const rules = withKeys(fieldOf(part, 'CorsRules'), 'AllowedOrigins', 'AllowedMethods')
    return withDefaultNotes(found(rules, { name: fieldOf(properties, 'BucketName') }), template)
  },
}

/** The buckets of every `Resources:` in the tree, because a serverless.yml contains a template or a list of them. */
const templateBuckets = (root: SourceNode | undefined): readonly FoundRules[] =>
  [...mappingsIn(root)]
    .flatMap((node) => mappingEntries(fieldOf(node, 'Resources')))
    .flatMap(([alias, resource]) => {
      const properties = fieldOf(resource, 'Properties')
      const cors = fieldOf(properties, 'CorsConfiguration')
      const isBucket = textOf(fieldOf(resource, 'Type')) === 'AWS::S3::Bucket'
      const rules = fieldOf(cors, 'CorsRules') ?? (isBucket ? computedRules(cors) : undefined)
      return found(rules, { name: fieldOf(properties, 'BucketName'), alias })
    })

const withDefaultNotes = (buckets: readonly FoundRules[], { defaults }: Resolved): readonly FoundRules[] =>
  buckets.map((one) => ({ ...one, notes: defaultNotes([one.name, one.holder], defaults) }))

export const serverless: ForeignFormat = {
  id: 'serverless',
  title: 'the Serverless Framework',
  source: 'https://www.serverless.com/framework/docs/providers/aws/events/s3',
  find(root) {
    if (!hasField(root, 'provider') && !hasField(root, 'service')) return []
    const template = resolveTemplate(resolveServerless(root))
    const s3 = fieldOf(fieldOf(template.root, 'provider'), 's3')
    const own = mappingEntries(s3).flatMap(([alias, bucket]) => {
      const cors = fieldOf(bucket, 'corsConfiguration')
      const rules = fieldOf(cors, 'CorsRules', 'corsRules') ?? computedRules(cors)
      return found(rules, { name: fieldOf(bucket, 'name', 'bucketName'), alias })
    })
    const buckets = [...own, ...templateBuckets(fieldOf(template.root, 'resources'))]
    return withDefaultNotes(buckets, template)
  },
}
