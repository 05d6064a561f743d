/**
 * What a careful reviewer would say of rules that can be loaded: warnings for what lets in too much, can never match or
 * can never help; remarks of style are infos. Each code is explained in codes.ts.
 */

import { presetOf } from '../../cors/presets.ts'
import type { CorsRule, RuleFile } from '../../cors/rule.ts'
import type { Severity } from '../../plan/finding.ts'
import { quoted } from '../../text/visible.ts'
import type { Issue, ValuePath } from '../issue.ts'
import { isNeverSentOrigin, isOpenOrigin, isUsualOrigin, remarksOnOrigin } from './lint-origin.ts'
import { shadowsIn } from './lint-shadow.ts'

/** `indexes`: where the rules of `file` stand in the text, if not all of them are here. */
export function lint(file: RuleFile, indexes: readonly number[] = [...file.rules.keys()]): Issue[] {
  const { rules } = file
  const placed = rules.map((rule, at): PlacedRule => ({ rule, index: indexes[at] ?? at }))
  if (rules.length === 0)
    return [
      issue(
        'warning',
        'no-rules',
        'no rules: every cross-origin request to this bucket is refused; to hand it back to the server, delete the file',
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

/** A store that does not know the host goes by path, and would open other buckets under these rules. */
const mappedHosts = (hosts: readonly string[]): Issue[] =>
  hosts.length === 0
    ? []
    : [
        issue(
          'info',
          'host-mapping',
          `the store must map ${hosts.map(quoted).join(', ')} to this bucket, too: one that goes by path opens the bucket that the path names`,
          ['hosts'],
        ),
      ]

interface PlacedRule {
  readonly rule: CorsRule
  readonly index: number
}

function issue(severity: Severity, code: string, message: string, path: ValuePath): Issue {
  return { severity, code, message, path }
}

function lintRule(rule: CorsRule, path: ValuePath): Issue[] {
  // What a preset fills in was thought about once; only what the author wrote is looked at.
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
  const found = allowedOrigins.flatMap((entry, index) =>
    remarksOnOrigin(entry).map(({ severity, code, message }) =>
      issue(severity, code, message, [...list, index]),
    ),
  )
  const writes = allowedMethods.filter(
    (method) => method === 'PUT' || method === 'POST' || method === 'DELETE',
  )
  const open = writes.length === 0 ? -1 : allowedOrigins.findIndex(isOpenOrigin)
  if (open >= 0)
    found.push(
      issue(
        'warning',
        'write-methods-for-any-origin',
        `${[...new Set(writes)].join(', ')} for every site: name the origins of the pages that write`,
        [...list, open],
      ),
    )
  if (allowedOrigins.every(isNeverSentOrigin))
    found.push(
      issue(
        'warning',
        'rule-never-matches',
        'no browser sends any of these origins: this rule can never match',
        path,
      ),
    )
  return [...found, ...repeated(allowedOrigins, list)]
}

function lintMethods({ allowedMethods: methods }: CorsRule, path: ValuePath): Issue[] {
  const list = [...path, 'allowedMethods']
  const found = repeated(methods, list)
  if (methods.includes('GET') && !methods.includes('HEAD'))
    found.push(
      issue(
        'info',
        'head-missing',
        'GET without HEAD: SDKs and players ask for the size with HEAD first',
        list,
      ),
    )
  if (methods.includes('PUT') && !methods.includes('POST'))
    found.push(
      issue('info', 'post-missing', 'PUT without POST: uploads in parts begin and end with POST', list),
    )
  return found
}

/** Names that pages cannot set (WHATWG Fetch, forbidden request-header). */
const forbiddenRequestHeader =
  /^(?:accept-(?:charset|encoding)|access-control-request-(?:headers|method)|connection|content-length|cookie2?|date|dnt|expect|host|keep-alive|origin|referer|set-cookie|te|trailer|transfer-encoding|upgrade|via|(?:proxy|sec)-.*)$/
/** Sent without being asked for, as long as their values are short (WHATWG Fetch, CORS-safelisted request-header). */
const safelistedRequestHeader = /^(?:accept|accept-language|content-language)$/
/** Signed by every request of the AWS SDKs. */
const amzRequestHeader = /^x-amz-(?:\*|date|content-sha256|user-agent|security-token)$/

function lintAllowedHeaders({ allowedHeaders }: CorsRule, path: ValuePath): Issue[] {
  // What "*" alone allows is what browsers ask for.
  if (allowedHeaders.length === 1 && allowedHeaders[0] === '*') return []
  const list = [...path, 'allowedHeaders']
  const names = allowedHeaders.map((name) => name.toLowerCase())
  const found = repeated(names, list)
  for (const [index, name] of names.entries()) {
    if (forbiddenRequestHeader.test(name))
      found.push(
        issue('warning', 'header-forbidden', `browsers never ask for ${allowedHeaders[index]}: remove it`, [
          ...list,
          index,
        ]),
      )
    else if (safelistedRequestHeader.test(name))
      found.push(
        issue('info', 'header-safelisted', `${allowedHeaders[index]} is sent without being asked for`, [
          ...list,
          index,
        ]),
      )
  }
  const signed = names.findIndex((name) => amzRequestHeader.test(name))
  if (signed < 0) return found
  const missing = ['amz-sdk-invocation-id', 'amz-sdk-request'].filter(
    (name) => !names.some((entry) => matches(entry, name)),
  )
  if (missing.length > 0)
    found.push(
      issue(
        'warning',
        'amz-sdk-headers-missing',
        `the AWS SDK for JavaScript also asks for ${missing.join(' and ')} in every preflight: add ${missing.length > 1 ? 'them' : 'it'}`,
        [...list, signed],
      ),
    )
  return found
}

function matches(entry: string, name: string): boolean {
  const star = entry.indexOf('*')
  if (star < 0) return entry === name
  const suffix = entry.slice(star + 1)
  return name.length >= entry.length - 1 && name.startsWith(entry.slice(0, star)) && name.endsWith(suffix)
}

/** Readable without being exposed (WHATWG Fetch, CORS-safelisted response-header name). */
const safelistedResponseHeader =
  /^(?:cache-control|content-language|content-length|content-type|expires|last-modified|pragma)$/

/** Those on which there is something to say: told by one look, as most have nothing to them. */
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
        issue('warning', 'header-forbidden', `${shown} cannot be exposed: browsers hide it from pages`, [
          ...list,
          index,
        ]),
      )
    else if (safelistedResponseHeader.test(name))
      found.push(
        issue('info', 'header-safelisted', `${shown} is readable without being exposed`, [...list, index]),
      )
    else if (name.startsWith('access-control-'))
      found.push(
        issue('info', 'expose-cors-header', `${shown} is for the browser; no page needs to read it`, [
          ...list,
          index,
        ]),
      )
  }
  if (names.includes('etag')) return found
  const uploads = allowedMethods.filter((method) => method === 'PUT' || method === 'POST')
  if (uploads.length > 0)
    found.push(
      issue(
        'warning',
        'etag-not-exposed',
        `${uploads.join(' and ')} without ETag in the exposed headers: uploads in parts fail in every SDK; add ETag`,
        names.length > 0 ? list : [...path, 'allowedMethods'],
      ),
    )
  return found
}

function lintMaxAge({ maxAgeSeconds: age }: CorsRule, path: ValuePath): Issue[] {
  const at = [...path, 'maxAgeSeconds']
  if (age === 0)
    return [
      issue(
        'info',
        'maxage-zero',
        '0: every request is preceded by a preflight of its own; 600 is usual',
        at,
      ),
    ]
  if (age === undefined || age <= 7200) return []
  if (age <= 86_400)
    return [
      issue(
        'info',
        'maxage-above-browser-cap',
        `Chromium keeps a preflight's answer for 7200 seconds at most, not ${age}`,
        at,
      ),
    ]
  return [
    issue(
      'warning',
      'maxage-out-of-range',
      `browsers keep a preflight's answer for 7200 (Chromium) or 86400 (Firefox) seconds at most, not ${age}: write 7200 or less`,
      at,
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
    const message = `rule ${before + 1} has the id ${quoted(id)} too: logs and metrics cannot tell them apart`
    return [issue('warning', 'duplicate-id', message, ['rules', index, 'id'])]
  })
}

function shadowedRules(placed: readonly PlacedRule[]): Issue[] {
  return shadowsIn(placed.map(({ rule }) => rule)).flatMap((takers, at) => {
    const index = placed[at]?.index
    if (takers.length === 0 || index === undefined) return []
    const names = takers.map((taker) => placed[taker]?.rule.id ?? String((placed[taker]?.index ?? taker) + 1))
    const message = `never asked: ${takers.length > 1 ? 'rules' : 'rule'} ${names.join(', ')} before it ${takers.length > 1 ? 'take' : 'takes'} every request that it could allow; remove it, or move it up`
    return [issue('warning', 'rule-shadowed', message, ['rules', index])]
  })
}

/** An info for each value that stands in its list before. */
function repeated(values: readonly string[], list: ValuePath): Issue[] {
  // Most lists are short: looking through them is quicker than a set.
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
    return [issue('info', 'duplicate-entry', `${quoted(value)} is listed twice`, [...list, index])]
  })
}
