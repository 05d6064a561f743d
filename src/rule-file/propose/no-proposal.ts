import { decide } from '../../cors/decide.ts'
import { fetchMethod } from '../../cors/method.ts'
import { fileOrigin, originForm } from '../../cors/pattern.ts'
import { maxRequestedHeaders, readActual } from '../../cors/request.ts'
import { type CorsRule, isAllowable, type Matching } from '../../cors/rule.ts'
import { compileRules } from '../../cors/rule-set.ts'
import { quoted } from '../../text/visible.ts'
import { correctedOrigin, originProblem, readParts } from '../origin-entry.ts'
import type { AskedRequest } from './asked.ts'

/** A request that no rule should allow. `hint` says what to change in the page instead. */
interface NotForRules {
  readonly hint: string | undefined
}

/**
 * Why no change is proposed for `request`: no browser sends it, or a rule that allowed it would open the bucket to
 * everyone. `undefined` when a rule can allow it. `rules` are the bucket's, to check whether they allow the origin that
 * was probably meant.
 */
export function notForRules(
  request: AskedRequest,
  rules: readonly CorsRule[],
  matching: Matching,
): NotForRules | undefined {
  const { origin, method, headers } = request
  if (origin === undefined || origin === '' || method === undefined || method === '')
    return { hint: undefined }
  // No browser sends such a list.
  if (
    headers.length > maxRequestedHeaders ||
    !headers.every((name) => /^[!#$%&'+.^_`|~0-9A-Za-z-]+$/.test(name))
  )
    return { hint: undefined }
  const hint = originHint(origin, method, rules) ?? methodHint(method, matching) ?? headerHint(headers)
  return hint === undefined ? undefined : { hint }
}

function originHint(origin: string, method: string, rules: readonly CorsRule[]): string | undefined {
  if (origin === 'null')
    return 'Origin "null" is sent by a sandboxed frame, a page opened from a file, and a redirect to another origin. Any site can make such a page, so no rule should name it: serve the page from its own address, or add allow-same-origin to the frame\'s sandbox.'
  if (origin === fileOrigin)
    return 'Origin "file://" is sent by some web views for every page of the device\'s file system, even for one from another app or a download, so no rule should name it: serve the page from its own address, such as https:// or app://.'
  if (origin.includes('*')) return `No browser sends ${quoted(origin)}: use one origin, without *.`
  if (!origin.includes('://')) return withoutScheme(origin, method, rules)
  const { scheme = '' } = readParts(origin) ?? {}
  if (/^(?:wss?|ftp)$/i.test(scheme))
    return `No page has an origin with the scheme ${scheme}: use the https:// address of the page.`
  if (originForm(origin) === 'url' && originProblem(origin) === undefined) return undefined
  const meant = correctedOrigin(origin)
  if (meant === undefined)
    return `No browser sends ${quoted(origin)} as Origin. Write scheme://host in lower-case ASCII, with a port only if it is not the default, and nothing after it.`
  return `No browser sends ${quoted(origin)}: ${mistakeIn(origin)}. ${meantInstead(meant, method, rules)}`
}

function withoutScheme(origin: string, method: string, rules: readonly CorsRule[]): string {
  const isHost = /^[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::[0-9]{1,5})?\/?$/.test(origin)
  if (!isHost)
    return `${quoted(origin)} is not an origin: write scheme://host, for example https://app.example.com.`
  const secure = /^(?:localhost|127\.)/i.test(origin) ? 'http' : 'https'
  const url = `${secure}://${origin}`
  return `No browser sends ${quoted(origin)}: its scheme is missing. ${meantInstead(correctedOrigin(url) ?? url, method, rules)}`
}

function mistakeIn(origin: string): string {
  switch (originProblem(origin)?.code) {
    case 'origin-has-path':
      return /^[^/]*\/\/[^/]*\/$/.test(origin) ? 'an origin has no trailing slash' : 'an origin has no path'
    case 'origin-default-port':
      return 'browsers omit the default port'
    case 'origin-upper-case':
    case 'origin-placeholder':
      return 'browsers write it in lower case'
    case 'origin-has-userinfo':
      return 'an origin has no user'
    case 'origin-has-query-or-fragment':
      return 'an origin has no query and no fragment'
    default:
      return 'it is not in the form that browsers send'
  }
}

function meantInstead(meant: string, method: string, rules: readonly CorsRule[]): string {
  const question = readActual({
    method,
    origin: meant,
    requestedMethod: undefined,
    requestedHeaders: undefined,
  })
  const decision = question === undefined ? undefined : decide(compileRules(rules), question)
  return decision?.verdict === 'allow'
    ? `They send ${meant}, which rule ${decision.rule.label} allows for ${method}.`
    : `They send ${meant}, and no rule allows it for ${method}: ask for a rule for that origin.`
}

function methodHint(method: string, matching: Matching): string | undefined {
  const sent = fetchMethod(method)
  if (sent === method && isAllowable(method, matching)) return undefined
  if (sent === 'OPTIONS' && !isAllowable(sent, matching))
    return 'OPTIONS is the preflight itself, which needs no permission: use the method of the request that follows it.'
  if (/^(?:connect|trace|track)$/i.test(method))
    return `Browsers never send ${method.toUpperCase()} (https://fetch.spec.whatwg.org/#forbidden-method).`
  if (sent !== method) return `Browsers send ${sent}, not ${method}: they convert it to upper case.`
  if (matching.methods === 'sendable') return `${quoted(method)} is not a method that a page can send.`
  const asItIs =
    method === method.toUpperCase() ? '' : ` Browsers also send ${quoted(method)} unchanged, in lower case.`
  return `COS, OSS and S3 rules can allow only GET, PUT, POST, DELETE and HEAD, not ${method.toUpperCase()}.${asItIs} Use one of these in the page.`
}

/** Names that pages cannot set (https://fetch.spec.whatwg.org/#forbidden-request-header). */
const forbidden =
  /^(?:accept-(?:charset|encoding)|access-control-request-.*|connection|content-length|cookie2?|date|dnt|expect|host|keep-alive|origin|referer|te|trailer|transfer-encoding|upgrade|via|(?:proxy|sec)-.*)$/
/** Response headers: a page that sends one mistakes it for a setting. */
const ofResponse =
  /^(?:access-control-.*|age|allow|content-security-policy.*|cross-origin-(?:embedder|opener|resource)-policy|etag|last-modified|location|proxy-authenticate|retry-after|server|set-cookie2?|strict-transport-security|timing-allow-origin|vary|www-authenticate|x-content-type-options|x-frame-options|x-powered-by)$/

function headerHint(headers: readonly string[]): string | undefined {
  const names = headers.map((name) => name.toLowerCase())
  const notSent = names.filter((name) => forbidden.test(name))
  const ofResponses = names.filter((name) => ofResponse.test(name) && !forbidden.test(name))
  const sentences = [
    ...(ofResponses.length === 0
      ? []
      : [
          `${ofResponses.join(', ')} ${ofResponses.length > 1 ? 'are response headers' : 'is a response header'}: remove ${ofResponses.length > 1 ? 'them' : 'it'} from the request in the page.`,
        ]),
    ...(notSent.length === 0
      ? []
      : [
          `Browsers never ask for ${notSent.join(', ')}: they set or forbid ${notSent.length > 1 ? 'them' : 'it'} themselves (https://fetch.spec.whatwg.org/#forbidden-request-header). Leave ${notSent.length > 1 ? 'them' : 'it'} out.`,
        ]),
  ]
  return sentences.length === 0 ? undefined : sentences.join(' ')
}
