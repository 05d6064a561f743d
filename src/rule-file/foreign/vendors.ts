/** CORS configurations in the formats that the object stores' own tools print and accept. */

import { visible } from '../../text/visible.ts'
import { type SourceMap, type SourceNode, spanOf } from '../source.ts'
import { type ForeignFormat, type FoundRules, found, listed, withKeys } from './found.ts'
import { fieldOf, hasField, itemsOf, listAt, mappingsIn, mappingsOf, textOf } from './node.ts'

/** The list itself, or a single rule in place of a list. */
const listOrRule = (root: SourceNode, ...keys: readonly string[]): SourceNode | undefined =>
  listed(root) ?? (keys.every((key) => hasField(root, key)) ? root : undefined)

/** The buckets in output about several: `b2 bucket list`, `gcloud storage buckets list`, the responses of their APIs. */
const severalBuckets = (root: SourceNode): readonly SourceMap[] =>
  mappingsOf(listed(root) ?? fieldOf(root, 'buckets', 'items'))

export const gcs: ForeignFormat = {
  id: 'gcs',
  title: 'Google Cloud Storage',
  source: 'https://cloud.google.com/storage/docs/cors-configurations',
  find(root) {
    const xml = fieldOf(root, 'CorsConfig')
    if (xml !== undefined) {
      const rules = [...mappingsIn(xml)].filter((node) => hasField(node, 'Origins', 'Methods'))
      return [{ rules, holder: xml }]
    }
    const rulesOf = (holder: SourceNode | undefined): SourceNode | undefined =>
      withKeys(holder, 'origin', 'responseHeader', 'response_header')
    const ofBucket = (node: SourceNode): readonly FoundRules[] =>
      found(rulesOf(fieldOf(node, 'cors_config', 'corsConfig', 'cors')), {
        name: fieldOf(node, 'name', 'id'),
      })
    const several = severalBuckets(root).flatMap(ofBucket)
    if (several.length > 0) return several
    const rules = rulesOf(listOrRule(root, 'origin', 'method'))
    return rules === undefined ? ofBucket(root) : found(rules)
  },
}

export const r2: ForeignFormat = {
  id: 'r2',
  title: 'Cloudflare R2',
  source: 'https://developers.cloudflare.com/r2/buckets/cors/',
  find(root) {
    const holder = fieldOf(fieldOf(root, 'result') ?? root, 'rules') ?? listOrRule(root, 'allowed')
    return found(withKeys(holder, 'allowed'), { name: fieldOf(root, 'bucket_name', 'bucket') })
  },
}

export const b2: ForeignFormat = {
  id: 'b2',
  title: 'Backblaze B2',
  source: 'https://www.backblaze.com/docs/cloud-storage-cross-origin-resource-sharing-rules',
  find(root) {
    const rulesOf = (holder: SourceNode | undefined): SourceNode | undefined =>
      withKeys(holder, 'allowedOperations', 'allowed_operations', 'corsRuleName')
    const ofBucket = (node: SourceNode): readonly FoundRules[] =>
      found(rulesOf(fieldOf(node, 'corsRules', 'cors_rules')), {
        name: fieldOf(node, 'bucketName', 'bucket_name'),
      })
    const several = severalBuckets(root).flatMap(ofBucket)
    if (several.length > 0) return several
    const rules = rulesOf(listOrRule(root, 'allowedOperations'))
    return rules === undefined ? ofBucket(root) : found(rules)
  },
}

export const azure: ForeignFormat = {
  id: 'azure',
  title: 'Azure Storage',
  source:
    'https://learn.microsoft.com/rest/api/storageservices/cross-origin-resource-sharing--cors--support-for-the-azure-storage-services',
  find(root) {
    const deployed = itemsOf(fieldOf(root, 'resources')).flatMap((resource) => ofService(resource))
    if (deployed.length > 0) return deployed
    const cors = fieldOf(root, 'cors') ?? root
    return blobRules(listed(root) ?? fieldOf(cors, 'corsRules', 'CorsRules') ?? xmlRules(root)).concat(
      ofService(root),
    )
  },
}

/** `{type: Microsoft.Storage/storageAccounts/blobServices, name: account/default, properties: {cors: …}}` */
function ofService(resource: SourceNode): readonly FoundRules[] {
  const rules = fieldOf(fieldOf(fieldOf(resource, 'properties'), 'cors'), 'corsRules')
  const type = textOf(fieldOf(resource, 'type'))
  if (type !== undefined && !/\/blobServices$/i.test(type)) return []
  const [account, service] = (textOf(fieldOf(resource, 'name')) ?? '').split('/')
  return blobRules(rules, service === undefined ? undefined : account)
}

/** `az storage cors list` prints the rules of all services, but only blob containers are buckets. */
function blobRules(holder: SourceNode | undefined, alias?: string): FoundRules[] {
  const rules = withKeys(holder, 'MaxAgeInSeconds', 'maxAgeInSeconds')
  if (rules === undefined) return []
  const serviceOf = (rule: SourceMap): string => textOf(fieldOf(rule, 'Service', 'service')) ?? 'blob'
  const all = mappingsOf(rules)
  const notes = all
    .filter((rule) => serviceOf(rule) !== 'blob')
    .map((rule) => ({
      ...spanOf(rule),
      message: `the rule of the ${visible(serviceOf(rule))} service is left out: only the blob service has buckets`,
    }))
  return [{ alias, rules: all.filter((rule) => serviceOf(rule) === 'blob'), holder: rules, notes }]
}

/** The service's own XML repeats the element `CorsRule`; returns these elements as a list. */
function xmlRules(root: SourceNode): SourceNode | undefined {
  const cors = fieldOf(fieldOf(root, 'StorageServiceProperties') ?? root, 'Cors')
  if (cors?.kind !== 'map') return undefined
  return listAt(
    cors.entries.filter(({ key }) => key === 'CorsRule').map(({ value }) => value),
    cors,
  )
}
