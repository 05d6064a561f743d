import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

const filesIn = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))

const program = [...filesIn('src'), ...filesIn('cmd')]

const withoutComments = (file: string): string =>
  readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')

/** Names that a file exports, declared there or re-exported. */
function exportsOf(text: string): readonly string[] {
  const declared = text.matchAll(
    /^export (?:async )?(?:function\*?|const|let|class|interface|type) ([A-Za-z_$][\w$]*)/gm,
  )
  const listed = text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)
  return [
    ...[...declared].map(([, name = '']) => name),
    ...[...listed].flatMap(([, names = '']) => namesIn(names, 'last')),
  ]
}

/** The names in `a, type b as c`: those before `as`, or those after it. */
const namesIn = (list: string, which: 'first' | 'last'): readonly string[] =>
  list
    .split(',')
    .map((item) =>
      item
        .trim()
        .replace(/^type /, '')
        .split(/\s+as\s+/),
    )
    .map((names) => (which === 'first' ? names[0] : names.at(-1)) ?? '')
    .filter((name) => name !== '')

/**
 * `file name` of everything that `file` imports by name or re-exports; `file *` for a namespace or a dynamic
 * import.
 */
function importsOf(file: string): readonly string[] {
  const text = withoutComments(file)
  const target = (path: string): string => relative(root, resolve(root, dirname(file), path))
  const named = text.matchAll(/\b(?:import|export) (?:type )?\{([^}]*)\} from '(\.[^']+)'/g)
  const whole = text.matchAll(/\bimport (?:type )?\* as \w+ from '(\.[^']+)'/g)
  const dynamic = text.matchAll(/\bimport\('(\.[^']+)'\)/g)
  return [
    ...[...named].flatMap(([, names = '', path = '']) =>
      namesIn(names, 'first').map((name) => `${target(path)} ${name}`),
    ),
    ...[...whole, ...dynamic].map(([, path = '']) => `${target(path)} *`),
  ]
}

/**
 * Exported for tests: steps of a standard, limits, and the entry points of a folder. Add to it only with a reason.
 */
const forTests: Readonly<Record<string, readonly string[]>> = {
  'src/auth/cos.ts': ['httpString', 'signKey', 'signature', 'stringToSign'],
  'src/auth/oss-v1.ts': ['canonicalizedResource', 'stringToSign'],
  'src/auth/oss-v4.ts': ['canonicalQueryString', 'canonicalUri', 'names'],
  'src/auth/request-parts.ts': ['maxParameters', 'maxTargetLength'],
  'src/auth/v4.ts': ['signingKey', 'stringToSign'],
  'src/auth/verify.ts': ['maxAuthorizationLength'],
  'src/bucket-cors/bucket-cors.ts': ['AuditEntry'],
  'src/bucket-cors/call.ts': ['RefusedChange'],
  'src/cors/request.ts': ['maxEmptyElements', 'maxRequestedHeadersLength'],
  'src/demo/local-port.ts': ['LocalPort'],
  'src/dialect/named.ts': ['vendorNames'],
  'src/doctor/connection-problems.ts': ['isLocalAddress'],
  'src/doctor/examine.ts': ['oddTarget'],
  'src/http.ts': ['mergeVary'],
  'src/log/redact.ts': ['isSecretName'],
  'src/log/request-line.ts': ['traceId'],
  'src/proxy/forward.ts': ['ForwarderOptions'],
  'src/rule-file/foreign/formats.ts': ['foreignFormats'],
  'src/rule-file/propose/apply-remedy.ts': ['applyRemedy'],
  'src/rules/store.ts': ['RulesStoreOptions'],
  'src/rules/watch.ts': ['WatchTimes', 'WatchTrouble'],
  'src/settings/settings.ts': ['ReadSettings'],
  'src/children/children.ts': ['ChildLimits', 'createChildren'],
  'src/workers/replica.ts': ['Replica'],
  'src/workers/stats.ts': ['mergeTop'],
}

const exported = program.flatMap((file) => exportsOf(withoutComments(file)).map((name) => ({ file, name })))

const unusedBy = (files: readonly string[]): readonly string[] => {
  const used = new Set(files.flatMap(importsOf))
  return exported
    .filter(({ file, name }) => !used.has(`${file} ${name}`) && !used.has(`${file} *`))
    .map(({ file, name }) => `${file} ${name}`)
}

const unused = unusedBy(program)
const listed = Object.entries(forTests).flatMap(([file, names]) => names.map((name) => `${file} ${name}`))

test('every exported name is imported elsewhere in the program, or listed as one for tests', () => {
  expect(exported.length).toBeGreaterThan(300)
  expect(unused.filter((name) => !listed.includes(name))).toEqual([])
})

test('the list holds only names that tests import and the program does not', () => {
  expect(listed.filter((name) => !unused.includes(name))).toEqual([])
  const unusedAnywhere = unusedBy([...program, ...filesIn('test')])
  expect(listed.filter((name) => unusedAnywhere.includes(name))).toEqual([])
})
