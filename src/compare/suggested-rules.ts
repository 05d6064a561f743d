import { type PresetName, presetNames, presets } from '../cors/presets.ts'
import { allowsHeader, type CorsMethod, type CorsRule, compileRule, corsMethods } from '../cors/rule.ts'
import type { OriginTraffic } from './traffic.ts'

/** A header that only pages with this client send. */
const marks: Readonly<Partial<Record<PresetName, RegExp>>> = {
  'aws-sdk-js-v3': /^amz-sdk-/,
  'cos-js-sdk-v5': /^x-cos-/,
  'ali-oss': /^x-oss-/,
  'range-read': /^(?:range|if-range)$/,
}

/**
 * At most `most` rules for `origins`; every origin is in exactly one of them. Origins that did the same share a
 * rule.
 */
export function rulesFor(origins: readonly OriginTraffic[], most: number): CorsRule[] {
  const groups = new Map<string, OriginTraffic[]>()
  for (const pair of origins) {
    const preset = presetFor(pair)
    const headers = preset ?? [...pair.headers].sort().join(',')
    const key = `${[...pair.methods].sort().join(',')} ${headers}`
    groups.set(key, [...(groups.get(key) ?? []), pair])
  }
  // The vendor's limit: the rarest kinds of page share the last rule.
  const all = [...groups.values()]
  const kept = all.length > most ? [...all.slice(0, most - 1), all.slice(most - 1).flat()] : all
  const ids = new Set<string>()
  return kept.map((group) => ruleFor(group, ids))
}

function ruleFor(group: readonly OriginTraffic[], ids: Set<string>): CorsRule {
  const methods = corsMethods.filter((name) => group.some((pair) => pair.methods.has(name)))
  const headers = [...new Set(group.flatMap((pair) => [...pair.headers]))].sort()
  const origins = group.map(({ origin }) => origin)
  const named = { id: idFor(origins[0] ?? '', ids), allowedOrigins: origins }
  const name = presetFor({ methods: new Set(methods), headers: new Set(headers) })
  if (name !== undefined) return { ...named, ...presetRule(name, methods) }
  return {
    ...named,
    allowedMethods: methods,
    allowedHeaders: completed(headers, methods),
    exposeHeaders: methods.some((method) => method === 'PUT' || method === 'POST') ? ['ETag'] : [],
    maxAgeSeconds: 600,
  }
}

/** Takes headers and max-age from the client's preset, but the methods from the traffic. */
function presetRule(
  preset: PresetName,
  allowedMethods: readonly CorsMethod[],
): Omit<CorsRule, 'id' | 'allowedOrigins'> {
  const { purpose: _, ...fields } = presets[preset]
  return { preset, ...fields, allowedMethods }
}

/** The client whose mark was seen, if it sends all headers that were seen and uses all methods that were seen. */
function presetFor({ methods, headers }: Pick<OriginTraffic, 'methods' | 'headers'>): PresetName | undefined {
  return presetNames.find((name) => {
    const mark = marks[name]
    const preset: { readonly allowedMethods: readonly string[]; readonly allowedHeaders: readonly string[] } =
      presets[name]
    const { headers: allowed } = compileRule(
      { allowedOrigins: [], allowedMethods: [], allowedHeaders: preset.allowedHeaders, exposeHeaders: [] },
      1,
    )
    return (
      mark !== undefined &&
      [...headers].some((header) => mark.test(header)) &&
      [...headers].every((header) => allowsHeader(allowed, header)) &&
      [...methods].every((method) => preset.allowedMethods.includes(method))
    )
  })
}

/**
 * Adds what an incomplete log lacks: SDKs send their own headers with every signed request, and browsers send
 * content-type with every file.
 */
function completed(headers: readonly string[], methods: readonly CorsMethod[]): string[] {
  const isAws = headers.some((name) => /^x-amz-(?:date|content-sha256|user-agent|security-token)$/.test(name))
  const isOss = headers.some((name) => /^x-oss-(?:date|security-token)$/.test(name))
  const puts = methods.includes('PUT')
  const lacking = [
    ...(isAws ? ['amz-sdk-invocation-id', 'amz-sdk-request'] : []),
    ...(isOss && (puts || methods.includes('POST')) ? ['x-oss-user-agent'] : []),
    ...(puts ? ['content-type'] : []),
  ]
  return [...new Set([...headers, ...lacking])].sort()
}

/** `https://app.example.com` → `app-example-com`, with a number appended if another rule has that id. */
function idFor(origin: string, taken: Set<string>): string {
  const host =
    origin
      .replace(/^[a-z0-9+.-]*:\/\//, '')
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '')
      .slice(0, 60) || 'pages'
  for (let number = 1; ; number++) {
    const id = number === 1 ? host : `${host}-${number}`
    if (taken.has(id)) continue
    taken.add(id)
    return id
  }
}
