import type { SourceNode } from '../source.ts'
import { type ForeignFormat, type FoundRules, found, mappingEntries, withKeys } from './found.ts'
import { fieldOf, hasField, mappingsIn } from './node.ts'
import { resolveServerless, resolveTemplate } from './template.ts'

export const cloudformation: ForeignFormat = {
  id: 'cloudformation',
  title: 'CloudFormation',
  source:
    'https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-corsconfiguration.html',
  find(root) {
    const template = resolveTemplate(root)
    const buckets = templateBuckets(template)
    if (buckets.length > 0) return buckets
    const properties = fieldOf(template, 'Properties') ?? template
    const part = fieldOf(properties, 'CorsConfiguration') ?? template
    return found(withKeys(fieldOf(part, 'CorsRules'), 'AllowedOrigins', 'AllowedMethods'), {
      name: fieldOf(properties, 'BucketName'),
    })
  },
}

/** The buckets of every `Resources:` in the tree: a serverless.yml has a template, or a list of them, inside. */
const templateBuckets = (root: SourceNode | undefined): readonly FoundRules[] =>
  [...mappingsIn(root)]
    .flatMap((node) => mappingEntries(fieldOf(node, 'Resources')))
    .flatMap(([alias, resource]) => {
      const properties = fieldOf(resource, 'Properties')
      const rules = fieldOf(fieldOf(properties, 'CorsConfiguration'), 'CorsRules')
      return found(rules, { name: fieldOf(properties, 'BucketName'), alias })
    })

export const serverless: ForeignFormat = {
  id: 'serverless',
  title: 'the Serverless Framework',
  source: 'https://www.serverless.com/framework/docs/providers/aws/events/s3',
  find(root) {
    if (!hasField(root, 'provider') && !hasField(root, 'service')) return []
    const resolved = resolveTemplate(resolveServerless(root))
    const own = mappingEntries(fieldOf(fieldOf(resolved, 'provider'), 's3')).flatMap(([alias, bucket]) =>
      found(fieldOf(fieldOf(bucket, 'corsConfiguration'), 'CorsRules', 'corsRules'), {
        name: fieldOf(bucket, 'name', 'bucketName'),
        alias,
      }),
    )
    return [...own, ...templateBuckets(fieldOf(resolved, 'resources'))]
  },
}
