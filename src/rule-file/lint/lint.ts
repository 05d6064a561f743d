/**
 * Lints rules that load, as a careful reviewer would. A warning is about a rule that allows too much, has no effect or
 * makes requests fail; an info is advice. codes.ts explains each code.
 */

import { presetOf } from '../../cors/presets.ts'
import { type CorsRule, type Matching, type RuleFile, vendorMatching } from '../../cors/rule.ts'
import { matchesStar, readStar } from '../../cors/star.ts'
import { quoted } from '../../text/visible.ts'
import {
  type Issue,
  issue,
  type ListField,
  type Remedy,
  removal,
  replaceBy,
  type ValuePath,
} from '../issue.ts'
import { rated } from './codes.ts'
import { isNeverSentOrigin, isOpenOrigin, isUsualOrigin, remarksOnOrigin } from './lint-origin.ts'
import { shadowsIn } from './lint-shadow.ts'

/** `indexes` are the positions of the rules in the text, where `file` holds only some of them. */
export function lint(
  file: RuleFile,
  matching: Matching = vendorMatching,
  indexes: readonly number[] = [...file.rules.keys()],
): Issue[] {
  const issues = lintRules(file, indexes)
  return matching.methods === 'stored' ? issues : issues.filter(({ code }) => !ofMultipartUploads.has(code))
}

/** Findings about multipart uploads, which only S3, COS and OSS have: POST starts and finishes them, ETags name the parts. */
const ofMultipartUploads = new Set(['etag-not-exposed', 'post-missing'])

function lintRules(file: RuleFile, indexes: readonly number[]): Issue[] {
  const { rules } = file
  const placed = rules.map((rule, at): PlacedRule => ({ rule, index: indexes[at] ?? at }))
  if (rules.length === 0)
    return [
      issue(
        'no-rules',
        'no rules: every cross-origin request to this bucket is denied; if you delete the file, _default or --unconfigured decides',
        ['rules'],
      ),
    ]
  return [
    ...placed.flatMap(({ rule, index }) => lintRule(rule, ['rules', index])),
    ...duplicateIds(placed),
    ...shadowedRules(placed),
    ...repeated(file.hosts, ['hosts']),
    ...mappedHosts(file.hosts),
  ]
}

/**
 * A store that does not know the host reads the bucket from the path, and would open other buckets under these
 * rules.
 */
const mappedHosts = (hosts: readonly string[]): Issue[] =>
  hosts.length === 0
    ? []
    : [
        issue(
          'host-mapping',
          `the store must map ${hosts.map((host) => quoted(host)).join(', ')} to this bucket as well: a store that does not map the host takes the bucket from the path, so these rules would apply to another bucket`,
          ['hosts'],
        ),
      ]

interface PlacedRule {
  readonly rule: CorsRule
  readonly index: number
}

const addition = (field: ListField, ...values: readonly string[]): Remedy => ({ kind: 'add', field, values })

function lintRule(rule: CorsRule, path: ValuePath): Issue[] {
  // Presets are known to be good, so only what the author wrote is checked.
  const preset = rule.preset === undefined ? undefined : presetOf(rule.preset)
  return [
    ...lintOrigins(rule, path),
    ...(rule.allowedMethods === preset?.allowedMethods ? [] : lintMethods(rule, path)),
    ...(rule.allowedHeaders === preset?.allowedHeaders ? [] : lintAllowedHeaders(rule, path)),
    ...(rule.exposeHeaders === preset?.exposeHeaders ? [] : lintExposeHeaders(rule, path)),
    ...lintMaxAge(rule, path),
  ]
}

function lintOrigins({ allowedOrigins, allowedMethods }: CorsRule, path: ValuePath): Issue[] {
  const list = [...path, 'allowedOrigins']
  if (allowedOrigins.every(isUsualOrigin)) return repeated(allowedOrigins, list)
  const found = allowedOrigins.flatMap((entry, index): Issue[] =>
    remarksOnOrigin(entry).map((remark) => ({ ...remark, path: [...list, index] })),
  )
  found.push(...besideAny(allowedOrigins, list))
  const writes = allowedMethods.filter((method) => !readingMethod.test(method))
  const open = writes.length === 0 ? -1 : allowedOrigins.findIndex(isOpenOrigin)
  if (open >= 0)
    found.push(
      issue(
        'write-methods-for-any-origin',
        `${[...new Set(writes)].join(', ')} allowed for every origin: name the origins of the pages that write`,
        [...list, open],
      ),
    )
  if (allowedOrigins.every(isNeverSentOrigin))
    found.push(
      issue('rule-never-matches', 'no browser sends any of these origins: this rule can never match', path),
    )
  return [...found, ...repeated(allowedOrigins, list)]
}

/** Methods that change nothing (IANA HTTP Method Registry, "Safe"). All but GET and HEAD need dialect http. */
const readingMethod = /^(?:GET|HEAD|OPTIONS|PRI|PROPFIND|QUERY|REPORT|SEARCH)$/

/** If "*" is anywhere in the rule, S3 answers "*" to every origin, without credentials. */
function besideAny(origins: readonly string[], list: ValuePath): Issue[] {
  if (!origins.includes('*')) return []
  return origins.flatMap((entry, index) =>
    entry === '*'
      ? []
      : [
          issue(
            'origin-beside-any',
            `"*" in the same list lets every origin in, without credentials, so ${quoted(entry)} has no effect: remove one of the two`,
            [...list, index],
            removal,
          ),
        ],
  )
}

function lintMethods({ allowedMethods: methods }: CorsRule, path: ValuePath): Issue[] {
  const list = [...path, 'allowedMethods']
  const found = repeated(methods, list)
  if (methods.includes('GET') && !methods.includes('HEAD'))
    found.push(
      issue(
        'head-missing',
        'GET is allowed but HEAD is not: SDKs and players use HEAD first to get the size',
        list,
        addition('allowedMethods', 'HEAD'),
      ),
    )
  if (methods.includes('PUT') && !methods.includes('POST'))
    found.push(
      issue(
        'post-missing',
        'PUT is allowed but POST is not: multipart uploads need POST to start and finish',
        list,
        addition('allowedMethods', 'POST'),
      ),
    )
  return found
}

/** Names that pages cannot set (https://fetch.spec.whatwg.org/#forbidden-request-header). */
const forbiddenRequestHeader =
  /^(?:accept-(?:charset|encoding)|access-control-request-(?:headers|method)|connection|content-length|cookie2?|date|dnt|expect|host|keep-alive|origin|referer|set-cookie|te|trailer|transfer-encoding|upgrade|via|(?:proxy|sec)-.*)$/
/** A page that sends one of these depends on it, so it is a warning. The others usually come from a copied list. */
const missedWhenForbidden = /^(?:cookie2?|host|set-cookie|proxy-.*)$/
/**
 * Allowed without permission while their values are short
 * (https://fetch.spec.whatwg.org/#cors-safelisted-request-header).
 */
const safelistedRequestHeader = /^(?:accept|accept-language|content-language)$/
/** Headers that the AWS SDKs sign: a list with one of them is meant for an SDK. */
const amzRequestHeader = /^x-amz-(?:\*|date|content-sha256|user-agent|security-token)$/
/** Headers that ali-oss sends: a list with one of them is meant for ali-oss. */
const ossRequestHeader = /^x-oss-(?:date|security-token)$/

const forbidden = (severity: 'warning' | 'info', message: string, path: ValuePath): Issue => ({
  ...rated('header-forbidden', severity),
  message,
  path,
  remedy: removal,
})

function lintAllowedHeaders({ allowedHeaders, allowedMethods }: CorsRule, path: ValuePath): Issue[] {
  // A lone "*" already allows every header that browsers ask for.
  if (allowedHeaders.length === 1 && allowedHeaders[0] === '*') return []
  const list = [...path, 'allowedHeaders']
  const names = allowedHeaders.map((name) => name.toLowerCase())
  const found = repeated(names, list)
  for (const [index, name] of names.entries()) {
    if (forbiddenRequestHeader.test(name))
      found.push(
        forbidden(
          missedWhenForbidden.test(name) ? 'warning' : 'info',
          `browsers never ask for ${allowedHeaders[index]}: remove it`,
          [...list, index],
        ),
      )
    else if (safelistedRequestHeader.test(name))
      found.push(issue('header-safelisted', `${allowedHeaders[index]} needs no permission`, [...list, index]))
    else if (name.startsWith('access-control-'))
      found.push(
        issue(
          'allowed-cors-header',
          `${allowedHeaders[index]} is a response header: no page needs to send it; remove it here and in the page`,
          [...list, index],
          removal,
        ),
      )
  }
  found.push(
    ...contentTypeMissing(names, allowedMethods, path),
    ...ossUserAgentMissing(names, allowedMethods, list),
  )
  const signed = names.findIndex((name) => amzRequestHeader.test(name))
  if (signed < 0) return found
  const missing = ['amz-sdk-invocation-id', 'amz-sdk-request'].filter(
    (name) => !names.some((entry) => matches(entry, name)),
  )
  if (missing.length > 0)
    found.push(
      issue(
        'amz-sdk-headers-missing',
        `every preflight of the AWS SDK for JavaScript also asks for ${missing.join(' and ')}: add ${missing.length > 1 ? 'them' : 'it'}`,
        [...list, signed],
        addition('allowedHeaders', ...missing),
      ),
    )
  return found
}

/**
 * Browsers ask for content-type in the preflight of a file upload; only three types are exempt
 * (https://fetch.spec.whatwg.org/#cors-safelisted-request-header).
 */
function contentTypeMissing(names: readonly string[], methods: readonly string[], path: ValuePath): Issue[] {
  // tus uploads with PATCH, which only rules of dialect http can allow.
  const upload = methods.findIndex((method) => method === 'PUT' || method === 'PATCH')
  if (upload < 0 || names.some((entry) => matches(entry, 'content-type'))) return []
  return [
    issue(
      'content-type-not-allowed',
      `${methods[upload]} is allowed but the header content-type is not: browsers send it with every file, so the preflight of the upload is refused; add content-type to the allowed headers`,
      names.length > 0 ? [...path, 'allowedHeaders'] : [...path, 'allowedMethods', upload],
      addition('allowedHeaders', 'content-type'),
    ),
  ]
}

function ossUserAgentMissing(names: readonly string[], methods: readonly string[], list: ValuePath): Issue[] {
  const sent = names.findIndex((name) => ossRequestHeader.test(name))
  const uploads = methods.includes('PUT') || methods.includes('POST')
  if (sent < 0 || !uploads || names.some((entry) => matches(entry, 'x-oss-user-agent'))) return []
  return [
    issue(
      'oss-user-agent-missing',
      'every preflight of ali-oss also asks for x-oss-user-agent: add it',
      [...list, sent],
      addition('allowedHeaders', 'x-oss-user-agent'),
    ),
  ]
}

function matches(entry: string, name: string): boolean {
  const pattern = readStar(entry)
  return pattern === undefined ? entry === name : matchesStar(name, pattern)
}

/** Readable without being exposed (https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name). */
const safelistedResponseHeader =
  /^(?:cache-control|content-language|content-length|content-type|expires|last-modified|pragma)$/

/** Quick test: most response headers have no findings. */
const remarkableResponseHeader = new RegExp(
  `${safelistedResponseHeader.source}|^(?:set-cookie2?$|access-control-)`,
)

function lintExposeHeaders({ exposeHeaders, allowedMethods }: CorsRule, path: ValuePath): Issue[] {
  const list = [...path, 'exposeHeaders']
  const names = exposeHeaders.map((name) => name.toLowerCase())
  const found = repeated(names, list)
  for (const [index, name] of names.entries()) {
    if (!remarkableResponseHeader.test(name)) continue
    const shown = exposeHeaders[index]
    if (/^set-cookie2?$/.test(name))
      found.push(
        forbidden('warning', `${shown} cannot be exposed: browsers hide it from pages`, [...list, index]),
      )
    else if (safelistedResponseHeader.test(name))
      found.push(
        issue('header-safelisted', `${shown} is readable without being exposed`, [...list, index], removal),
      )
    else if (name.startsWith('access-control-'))
      found.push(
        issue('expose-cors-header', `${shown} is for the browser, not for pages`, [...list, index], removal),
      )
  }
  if (names.includes('etag')) return found
  // Multipart uploads send their parts with PUT. A form uses only POST and reads no ETag.
  const put = allowedMethods.indexOf('PUT')
  if (put >= 0)
    found.push(
      issue(
        'etag-not-exposed',
        'PUT is allowed but ETag is not exposed: multipart uploads of every SDK fail without it; add ETag to the exposed headers',
        names.length > 0 ? list : [...path, 'allowedMethods', put],
        addition('exposeHeaders', 'ETag'),
      ),
    )
  return found
}

function lintMaxAge({ maxAgeSeconds: age }: CorsRule, path: ValuePath): Issue[] {
  const at = [...path, 'maxAgeSeconds']
  if (age === 0)
    return [
      issue('maxage-zero', '0 disables the preflight cache, so every request becomes two; 600 is usual', at),
    ]
  if (age === undefined || age <= 7200) return []
  if (age <= 86_400)
    return [
      issue(
        'maxage-above-browser-cap',
        `Chromium caches a preflight response for at most 7200 seconds, not ${age}`,
        at,
      ),
    ]
  return [
    issue(
      'maxage-out-of-range',
      `browsers cache a preflight response for at most 7200 (Chromium) or 86400 (Firefox) seconds, not ${age}: write 7200 or less`,
      at,
      replaceBy('7200'),
    ),
  ]
}

function duplicateIds(placed: readonly PlacedRule[]): Issue[] {
  const first = new Map<string, number>()
  return placed.flatMap(({ rule: { id }, index }) => {
    if (id === undefined) return []
    const before = first.get(id)
    if (before === undefined) {
      first.set(id, index)
      return []
    }
    const message = `rule ${before + 1} also has the id ${quoted(id)}: logs and metrics cannot distinguish them`
    return [issue('duplicate-id', message, ['rules', index, 'id'])]
  })
}

function shadowedRules(placed: readonly PlacedRule[]): Issue[] {
  return shadowsIn(placed.map(({ rule }) => rule)).flatMap((takers, at) => {
    const index = placed[at]?.index
    if (takers.length === 0 || index === undefined) return []
    const names = takers.map((taker) => placed[taker]?.rule.id ?? String((placed[taker]?.index ?? taker) + 1))
    const message = `unreachable: ${takers.length > 1 ? 'rules' : 'rule'} ${names.join(', ')}, above, already ${takers.length > 1 ? 'match' : 'matches'} every request this rule could allow: remove it, or move it up`
    return [issue('rule-shadowed', message, ['rules', index])]
  })
}

/** An info for each value that is already in its list. */
function repeated(values: readonly string[], list: ValuePath): Issue[] {
  // A linear search is faster than a Set for short lists.
  const isRepeated =
    values.length <= 16
      ? values.some((value, index) => values.indexOf(value) < index)
      : new Set(values).size < values.length
  if (!isRepeated) return []
  const seen = new Set<string>()
  return values.flatMap((value, index) => {
    if (!seen.has(value)) {
      seen.add(value)
      return []
    }
    return [issue('duplicate-entry', `${quoted(value)} is listed twice`, [...list, index], removal)]
  })
}
