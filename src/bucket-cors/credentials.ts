import {
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml'
import type { AccessKey, AccessKeys } from '../auth/verdict.ts'
import { isBucketName } from '../plan/address.ts'
import type { Finding } from '../plan/finding.ts'

/** What a credentials file says; `keys` is `undefined` when anything in it is wrong. */
export interface ReadCredentials {
  readonly keys: AccessKeys | undefined
  readonly findings: readonly Finding[]
}

/** Bounds of a credentials file, checked before it is parsed. */
export const maxCredentialsBytes = 262_144
export const maxAccessKeys = 1000

/**
 * Reads `accessKeys: [{id, secret, buckets: [..]}]` (YAML). Every scalar is text as it is written, so that a secret
 * of digits needs no quotes. No message ever quotes a value of the file: any of them may be a secret.
 * `file` is the name shown in findings.
 */
export function readCredentials(file: string, bytes: Uint8Array): ReadCredentials {
  const findings: Finding[] = []
  const lines = new LineCounter()
  const report = (offset: number, code: string, message: string): void => {
    const { line, col: column } = lines.linePos(offset)
    findings.push({
      file,
      line: Math.max(line, 1),
      column: Math.max(column, 1),
      severity: 'error',
      code,
      message,
    })
  }
  const text = decode(bytes)
  if (text === undefined) {
    report(0, 'unreadable', `The file is not UTF-8 text of at most ${maxCredentialsBytes} bytes.`)
    return { keys: undefined, findings }
  }
  // prettyErrors would copy lines of the file, secrets included, into the messages.
  const document = parseDocument(text, { schema: 'failsafe', lineCounter: lines, prettyErrors: false })
  for (const { pos, code } of [...document.errors, ...document.warnings])
    report(pos[0], 'invalid-yaml', `This is not valid YAML (${code}).`)
  visit(document, {
    Alias: (_, { range }) =>
      report(range?.[0] ?? 0, 'alias', 'Aliases are not read here: write the value out.'),
  })
  if (findings.length > 0) return { keys: undefined, findings }
  const keys = readDocument(document.contents, report)
  return findings.length > 0 ? { keys: undefined, findings } : { keys, findings }
}

type Report = (offset: number, code: string, message: string) => void

function decode(bytes: Uint8Array): string | undefined {
  if (bytes.length > maxCredentialsBytes) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function readDocument(contents: Node | null, report: Report): AccessKeys {
  const keys = new Map<string, AccessKey>()
  const list = fieldsOf(contents, ['accessKeys'], report)?.get('accessKeys')
  if (list === undefined || !isSeq(list) || list.items.length === 0) {
    if (contents === null || isMap(contents))
      report(
        startOf(list ?? contents),
        'access-keys',
        'accessKeys must be a list of access keys, at least one.',
      )
    return keys
  }
  if (list.items.length > maxAccessKeys)
    report(startOf(list), 'access-keys', `There are more than ${maxAccessKeys} access keys.`)
  for (const item of list.items.slice(0, maxAccessKeys)) {
    const key = readKey(item, report)
    if (key === undefined) continue
    if (keys.has(key.id)) report(startOf(item), 'duplicate-key', 'This id stands in the file twice.')
    keys.set(key.id, key)
  }
  return keys
}

/** Visible ASCII without what separates the fields of a credential in any of the schemes. */
const idForm = /^[A-Za-z0-9._@+~-]{1,128}$/

function readKey(item: unknown, report: Report): AccessKey | undefined {
  const fields = fieldsOf(item, ['id', 'secret', 'buckets'], report)
  if (fields === undefined) return undefined
  const at = startOf(item)
  const id = textOf(fields.get('id'))
  const secret = textOf(fields.get('secret'))
  if (id === undefined || !idForm.test(id))
    report(
      startOf(fields.get('id')) || at,
      'id',
      'id must be 1 to 128 of A-Z a-z 0-9 . _ @ + ~ -: the access key id as the client sends it.',
    )
  if (secret === undefined || !/^[^\p{Cc}]{1,1024}$/u.test(secret))
    report(
      startOf(fields.get('secret')) || at,
      'secret',
      'secret must be 1 to 1024 characters, none of them a control.',
    )
  const buckets = fields.has('buckets') ? readBuckets(fields.get('buckets'), report) : undefined
  return id === undefined || secret === undefined ? undefined : { id, secret, buckets }
}

function readBuckets(node: unknown, report: Report): readonly string[] {
  if (!isSeq(node) || node.items.length === 0) {
    report(
      startOf(node),
      'buckets',
      'buckets must list at least one bucket; leave it out to allow every bucket.',
    )
    return []
  }
  const names: string[] = []
  for (const item of node.items) {
    const name = textOf(item)
    if (name === undefined || !isBucketName(name))
      report(
        startOf(item),
        'bucket',
        'A bucket name is 1 to 63 of A-Z a-z 0-9 . _ -, starting with a letter or digit.',
      )
    else names.push(name)
  }
  return names
}

/** The values of a mapping by key; reports what is no mapping, and every key that is not in `allowed`. */
function fieldsOf(
  node: unknown,
  allowed: readonly string[],
  report: Report,
): ReadonlyMap<string, unknown> | undefined {
  if (!isMap(node)) {
    if (node !== null)
      report(startOf(node), 'not-a-mapping', `A mapping is expected here: ${allowed.join(', ')}.`)
    return undefined
  }
  const fields = new Map<string, unknown>()
  for (const pair of (node as YAMLMap).items as readonly Pair[]) {
    const name = textOf(pair.key)
    if (name === undefined || !allowed.includes(name))
      report(startOf(pair.key), 'unknown-key', `This key is not known here. Known: ${allowed.join(', ')}.`)
    else fields.set(name, pair.value)
  }
  return fields
}

const textOf = (node: unknown): string | undefined =>
  isScalar(node) && typeof node.value === 'string' ? node.value : undefined

/** Where a node begins, in characters from the start of the file. */
function startOf(node: unknown): number {
  if (isScalar(node) || isMap(node) || isSeq(node)) return node.range?.[0] ?? 0
  return 0
}
