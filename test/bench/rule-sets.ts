import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { folderWith } from '../rules/directory.ts'

/** The bucket of every load that uses only one; {@link bucketName} gives it index 0. */
export const bucket = 'assets'
export const origin = 'https://app-99.example.com'
export const deniedOrigin = 'https://app-100.example.com'
export const methods = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'] as const
export const requestedHeaders = 'authorization,content-type,x-amz-date'
export const exposedHeaders = ['ETag', 'Content-Length', 'x-cos-request-id'] as const
export const maxAgeSeconds = 600

/** One hundred origins; pages use the last one. */
export const origins: readonly string[] = Array.from(
  { length: 100 },
  (_, index) => `https://app-${index}.example.com`,
)

/** Header fields of the preflight in all loads. */
export const preflightHeaders: Readonly<Record<string, string>> = {
  Origin: origin,
  'Access-Control-Request-Method': 'PUT',
  'Access-Control-Request-Headers': requestedHeaders,
}

interface RuleText {
  readonly id: string
  readonly origins: readonly string[]
  readonly maxAge?: number
}

const ruleText = ({ id, origins, maxAge = maxAgeSeconds }: RuleText): string => `  - id: ${id}
    allowedOrigins: [${origins.map((origin) => JSON.stringify(origin)).join(', ')}]
    allowedMethods: [${methods.join(', ')}]
    allowedHeaders: ["*"]
    exposeHeaders: [${exposedHeaders.join(', ')}]
    maxAgeSeconds: ${maxAge}
`
const file = (rules: readonly RuleText[]): string => `rules:\n${rules.map(ruleText).join('')}`

/** One rule for each of {@link origins}, so that only the last of a hundred matches. */
export const hundredRules = file(origins.map((origin, index) => ({ id: `app-${index}`, origins: [origin] })))

/**
 * Rules with one origin each. The last is {@link origin}; the others are unique to this bucket. `maxAge`
 * distinguishes two versions of a file.
 */
export const rulesFile = (ruleCount: number, bucketIndex: number, maxAge = maxAgeSeconds): string =>
  file(
    Array.from({ length: ruleCount }, (_, index) => ({
      id: `rule-${index}`,
      origins: [index === ruleCount - 1 ? origin : `https://app-${bucketIndex}-${index}.example.com`],
      maxAge,
    })),
  )

/** One rule with `count` origins; {@link origin} is the last. */
export const manyOrigins = (count: number): string =>
  file([
    {
      id: 'many',
      origins: Array.from({ length: count }, (_, index) =>
        index === count - 1 ? origin : `https://app-${index}.example.net`,
      ),
    },
  ])

/** How many origins fit into each of 100 rules in a file of 64 KB, the most that a vendor stores. */
export const originsPerFullRule = 34

/** The largest file; {@link origin} is the last origin of its last rule. */
export const fullFile = (maxAge = maxAgeSeconds): string => {
  const rule = (number: number): string => {
    const named = Array.from({ length: originsPerFullRule }, (_, index) => `https://${number}-${index}.io`)
    const origins = number === 99 ? [...named.slice(1), origin] : named
    return `- {allowedOrigins: [${origins.join(',')}], allowedMethods: [PUT], allowedHeaders: ["*"], maxAgeSeconds: ${maxAge}}`
  }
  return `rules:\n${Array.from({ length: 100 }, (_, number) => rule(number)).join('\n')}\n`
}

export const bucketName = (index: number): string => (index === 0 ? bucket : `${bucket}-${index}`)

/** {@link bucketName} in Lua, and the path of an object in that bucket. */
export const luaPath = `function(index) return index == 0 and "/${bucket}/object" or "/${bucket}-" .. index .. "/object" end`

/** Writes a folder of `count` buckets; `text` returns the rules of each. */
export async function writeRules(
  folder: string,
  count: number,
  text: (index: number) => string,
): Promise<string> {
  await folderWith(folder, {})
  for (let index = 0; index < count; index++)
    await writeFile(join(folder, `${bucketName(index)}.yaml`), text(index))
  return folder
}
