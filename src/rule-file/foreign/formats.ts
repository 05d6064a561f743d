/**
 * The CORS configurations of other products: how to recognise each by its shape, and where its rules and bucket
 * names are. {@link toRule} reads the rules themselves, because they differ only in field names.
 */

import type { SourceMap, SourceNode } from '../source.ts'
import { type ForeignName, foreignNames } from './format-names.ts'
import { fieldOf, hasField, itemsOf, listAt, mappingsIn, mappingsOf, textOf } from './node.ts'
import { resolveTemplate } from './template.ts'

/** Rules as found in the file, with their bucket's name if the file has one. */
export interface FoundRules {
  readonly bucket: string | undefined
  /** What the file calls a bucket whose name is only known after deployment. */
  readonly alias?: string
  readonly rules: readonly SourceMap[]
  /** The value that contains the rules. */
  readonly holder: SourceNode
}

export interface ForeignFormat {
  /** The value of `convert --from`. */
  readonly id: ForeignName
  readonly title: string
  /** The vendor's page that the mapping follows. */
  readonly source: string
  /** The rules of all buckets; empty when the file is not in this format. */
  find(root: SourceNode): readonly FoundRules[]
}

const found = (holder: SourceNode | undefined, bucket?: SourceNode, alias?: string): readonly FoundRules[] =>
  holder === undefined
    ? []
    : [
        {
          bucket: textOf(bucket),
          ...(alias === undefined ? {} : { alias }),
          rules: mappingsOf(holder),
          holder,
        },
      ]

/** Returns `holder` if its first rule has one of `keys`. */
const withKeys = (holder: SourceNode | undefined, ...keys: readonly string[]): SourceNode | undefined =>
  mappingsOf(holder).some((rule) => hasField(rule, ...keys)) ? holder : undefined

const listed = (node: SourceNode): SourceNode | undefined => (node.kind === 'list' ? node : undefined)

const gcs: ForeignFormat = {
  id: 'gcs',
  title: 'Google Cloud Storage',
  source: 'https://cloud.google.com/storage/docs/cors-configurations',
  find(root) {
    const xml = fieldOf(root, 'CorsConfig')
    if (xml !== undefined) {
      const rules = mappingsIn(xml).filter((node) => hasField(node, 'Origins', 'Methods'))
      return [{ bucket: undefined, rules: [...rules], holder: xml }]
    }
    const holder = listed(root) ?? fieldOf(root, 'cors_config', 'corsConfig', 'cors')
    return found(withKeys(holder, 'origin', 'responseHeader', 'response_header'), fieldOf(root, 'name'))
  },
}

const r2: ForeignFormat = {
  id: 'r2',
  title: 'Cloudflare R2',
  source: 'https://developers.cloudflare.com/r2/buckets/cors/',
  find(root) {
    const holder = fieldOf(fieldOf(root, 'result') ?? root, 'rules') ?? listed(root)
    return found(withKeys(holder, 'allowed'), fieldOf(root, 'bucket_name', 'bucket'))
  },
}

const b2: ForeignFormat = {
  id: 'b2',
  title: 'Backblaze B2',
  source: 'https://www.backblaze.com/docs/cloud-storage-cross-origin-resource-sharing-rules',
  find(root) {
    const holder = fieldOf(root, 'corsRules', 'cors_rules') ?? listed(root)
    return found(
      withKeys(holder, 'allowedOperations', 'allowed_operations', 'corsRuleName'),
      fieldOf(root, 'bucketName', 'bucket_name'),
    )
  },
}

const azure: ForeignFormat = {
  id: 'azure',
  title: 'Azure Storage',
  source:
    'https://learn.microsoft.com/rest/api/storageservices/cross-origin-resource-sharing--cors--support-for-the-azure-storage-services',
  find(root) {
    const properties = fieldOf(root, 'properties') ?? root
    const holder =
      listed(root) ??
      fieldOf(fieldOf(properties, 'cors') ?? properties, 'corsRules', 'CorsRules') ??
      azureXmlRules(root)
    const rules = withKeys(holder, 'MaxAgeInSeconds', 'maxAgeInSeconds')
    // `az storage cors list` prints the rules of all services. Blob containers correspond to buckets.
    const blobs = mappingsOf(rules).filter((rule) => (textOf(fieldOf(rule, 'Service')) ?? 'blob') === 'blob')
    return rules === undefined ? [] : [{ bucket: undefined, rules: blobs, holder: rules }]
  },
}

/** The repeated elements of the XML that the service itself prints. */
function azureXmlRules(root: SourceNode): SourceNode | undefined {
  const cors = fieldOf(fieldOf(root, 'StorageServiceProperties') ?? root, 'Cors')
  if (cors?.kind !== 'map') return undefined
  return listAt(
    cors.entries.filter(({ key }) => key === 'CorsRule').map(({ value }) => value),
    cors,
  )
}

const ruleLists = ['cors_rule', 'cors_rules', 'cors', 'rules', 'rule'] as const
const bucketNames = ['bucket', 'bucket_name', 'name', 'bucket_id'] as const
const snakeKeys = [
  'allowed_origins',
  'allowed_methods',
  'allowed_operations',
  'response_header',
  'origin',
  'allowed',
]

/** The rules of one resource, in whichever provider's block they are. */
function resourceRules(values: SourceNode | undefined, alias?: string): readonly FoundRules[] {
  for (const key of ruleLists) {
    const holder = withKeys(fieldOf(values, key), ...snakeKeys)
    if (holder !== undefined) return found(holder, fieldOf(values, ...bucketNames), alias)
  }
  // azurerm_storage_account has a block of its own for them.
  const blobs = mappingsOf(fieldOf(values, 'blob_properties'))
  return blobs.flatMap((blob) =>
    found(withKeys(fieldOf(blob, 'cors_rule'), ...snakeKeys), fieldOf(values, 'name')),
  )
}

const terraform: ForeignFormat = {
  id: 'terraform',
  title: 'Terraform or OpenTofu',
  source: 'https://developer.hashicorp.com/terraform/internals/json-format',
  find(root) {
    const shown = fieldOf(root, 'planned_values', 'values')
    // `terraform show -json`: modules within modules.
    const modules = [...mappingsIn(fieldOf(shown, 'root_module'))].filter((node) =>
      hasField(node, 'resources'),
    )
    if (modules.length > 0)
      return modules.flatMap((node) =>
        mappingsOf(fieldOf(node, 'resources')).flatMap((resource) =>
          resourceRules(fieldOf(resource, 'values'), textOf(fieldOf(resource, 'name'))),
        ),
      )
    // The state file itself.
    const stored = mappingsOf(fieldOf(root, 'resources')).filter((node) => hasField(node, 'instances'))
    if (stored.length > 0)
      return stored.flatMap((resource) =>
        mappingsOf(fieldOf(resource, 'instances')).flatMap((instance) =>
          resourceRules(fieldOf(instance, 'attributes'), textOf(fieldOf(resource, 'name'))),
        ),
      )
    return resourceRules(root)
  },
}

const ansible: ForeignFormat = {
  id: 'ansible',
  title: 'Ansible',
  source: 'https://docs.ansible.com/ansible/latest/collections/community/aws/s3_cors_module.html',
  find(root) {
    return [...mappingsIn(root)].flatMap((task) =>
      task.entries
        .filter(({ key }) => /(?:^|\.)s3_cors$/.test(key))
        .flatMap(({ value }) => found(fieldOf(value, 'rules'), fieldOf(value, 'name'))),
    )
  },
}

const cloudformation: ForeignFormat = {
  id: 'cloudformation',
  title: 'CloudFormation',
  source:
    'https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-corsconfiguration.html',
  find(root) {
    const template = resolveTemplate(root)
    const resources = [...mappingsIn(template)].flatMap((node) => mappingEntries(fieldOf(node, 'Resources')))
    const buckets = resources.flatMap(([alias, resource]) => {
      const properties = fieldOf(resource, 'Properties')
      const rules = fieldOf(fieldOf(properties, 'CorsConfiguration'), 'CorsRules')
      return found(rules, fieldOf(properties, 'BucketName'), alias)
    })
    if (buckets.length > 0) return buckets
    const part = fieldOf(fieldOf(template, 'Properties') ?? template, 'CorsConfiguration') ?? template
    return found(
      withKeys(fieldOf(part, 'CorsRules'), 'AllowedOrigins', 'AllowedMethods'),
      fieldOf(template, 'BucketName'),
    )
  },
}

const mappingEntries = (node: SourceNode | undefined): readonly (readonly [string, SourceNode])[] =>
  node?.kind === 'map' ? node.entries.map(({ key, value }) => [key, value]) : []

const serverless: ForeignFormat = {
  id: 'serverless',
  title: 'the Serverless Framework',
  source: 'https://www.serverless.com/framework/docs/providers/aws/events/s3',
  find(root) {
    const buckets = mappingEntries(fieldOf(fieldOf(root, 'provider'), 's3'))
    return buckets.flatMap(([alias, bucket]) =>
      found(
        fieldOf(fieldOf(bucket, 'corsConfiguration'), 'CorsRules', 'corsRules'),
        fieldOf(bucket, 'name', 'bucketName'),
        alias,
      ),
    )
  },
}

const pulumi: ForeignFormat = {
  id: 'pulumi',
  title: 'Pulumi',
  source: 'https://www.pulumi.com/registry/packages/aws/api-docs/s3/bucketcorsconfiguration/',
  find(root) {
    const exported = mappingsOf(fieldOf(fieldOf(root, 'deployment'), 'resources'))
    if (exported.length > 0)
      return exported.flatMap((resource) => {
        const values = fieldOf(resource, 'outputs', 'inputs')
        return found(fieldOf(values, 'corsRules'), fieldOf(values, 'bucket'), urnName(resource))
      })
    return mappingEntries(fieldOf(root, 'resources')).flatMap(([alias, resource]) => {
      const values = fieldOf(resource, 'properties')
      return found(fieldOf(values, 'corsRules'), fieldOf(values, 'bucket'), alias)
    })
  },
}

/** The last part of a Pulumi URN is the resource's name in the program. */
const urnName = (resource: SourceNode): string | undefined =>
  textOf(fieldOf(resource, 'urn'))?.split('::').at(-1)

const camelKeys = [
  'allowedOrigins',
  'allowOrigins',
  'allowedMethods',
  'allowMethods',
  'exposedHeaders',
  'maxAge',
]

const cdk: ForeignFormat = {
  id: 'cdk',
  title: 'AWS CDK, Pulumi, SST or serverless properties',
  source: 'https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_s3.CorsRule.html',
  find(root) {
    const bucket = fieldOf(root, 'bucketName', 'bucket')
    const wrapped = withKeys(fieldOf(root, 'cors', 'corsRules', 'corsConfiguration'), ...camelKeys)
    if (wrapped !== undefined) return found(wrapped, bucket)
    return found(withKeys(listed(root), 'exposedHeaders', 'maxAge', 'allowOrigins', 'allowMethods'))
  },
}

const formats: Readonly<Record<ForeignName, ForeignFormat>> = {
  cloudformation,
  serverless,
  pulumi,
  ansible,
  r2,
  b2,
  azure,
  gcs,
  terraform,
  cdk,
}

export const foreignFormats: readonly ForeignFormat[] = foreignNames.map((name) => formats[name])

/** The first format that finds rules in `root`. */
export function recognise(
  root: SourceNode,
  from?: string,
): { readonly format: ForeignFormat; readonly buckets: readonly FoundRules[] } | undefined {
  for (const format of foreignFormats) {
    if (from !== undefined && format.id !== from) continue
    const buckets = format
      .find(root)
      .filter(({ rules, holder }) => rules.length > 0 || itemsOf(holder).length > 0)
    if (buckets.length > 0) return { format, buckets }
  }
  return undefined
}
