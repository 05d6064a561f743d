import type { AccessKey, AccessKeys } from '../auth/verification.ts'
import { isBucketName } from '../plan/address.ts'
import type { Finding } from '../plan/finding.ts'
import { createLineIndex, type SourceNode, writtenText } from '../rule-file/source.ts'
import { readYamlTree } from '../rule-file/yaml.ts'
import { maxAccessKeys, maxCredentialsBytes } from './credentials-bounds.ts'

/** `keys` is `undefined` when anything in the file is wrong. */
export interface ReadCredentials {
  readonly keys: AccessKeys | undefined
  readonly findings: readonly CredentialsFinding[]
}

/** The codes are not those of rule files. */
interface CredentialsFinding extends Omit<Finding, 'code'> {
  readonly code: string
}

/**
 * Reads `accessKeys: [{id, secret, buckets: [..]}]` (YAML). Every scalar is read as text, so a secret of digits
 * needs no quotes. Messages never quote a value of the file: it may be a secret. `file` is the name shown in
 * findings.
 */
export function readCredentials(file: string, bytes: Uint8Array): ReadCredentials {
  const findings: CredentialsFinding[] = []
  const text = decode(bytes)
  const placeOf = createLineIndex(text ?? '')
  const report = (offset: number, code: string, message: string): void => {
    findings.push({ file, ...placeOf(offset), severity: 'error', code, message })
  }
  if (text === undefined) {
    report(0, 'unreadable', `The file is not UTF-8 text of at most ${maxCredentialsBytes} bytes.`)
    return { keys: undefined, findings }
  }
  const { root, problems } = readYamlTree(text, { aliases: 'refuse', maxTokens })
  // The messages of the reader quote the file, so only their codes are used.
  for (const { offset, code } of problems)
    if (code === 'yaml-alias-limit')
      report(offset, 'alias', 'Aliases are not supported here: write the value out.')
    else if (code !== 'empty-file') report(offset, 'invalid-yaml', `This is not valid YAML (${code}).`)
  if (findings.length > 0) return { keys: undefined, findings }
  const keys = readDocument(root, text, report)
  return findings.length > 0 ? { keys: undefined, findings } : { keys, findings }
}

/** Enough for a thousand keys with ten buckets each. */
const maxTokens = 200_000

type Report = (offset: number, code: string, message: string) => void

function decode(bytes: Uint8Array): string | undefined {
  if (bytes.length > maxCredentialsBytes) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function readDocument(root: SourceNode | undefined, text: string, report: Report): AccessKeys {
  const keys = new Map<string, AccessKey>()
  const list = root === undefined ? undefined : fieldsOf(root, ['accessKeys'], report)?.get('accessKeys')
  if (list?.kind !== 'list' || list.items.length === 0) {
    if (root === undefined || root.kind === 'map')
      report(
        (list ?? root)?.offset ?? 0,
        'access-keys',
        'accessKeys must be a list of access keys, at least one.',
      )
    return keys
  }
  if (list.items.length > maxAccessKeys)
    report(list.offset, 'access-keys', `There are more than ${maxAccessKeys} access keys.`)
  for (const item of list.items.slice(0, maxAccessKeys)) {
    const key = readKey(item, text, report)
    if (key === undefined) continue
    if (keys.has(key.id)) report(item.offset, 'duplicate-key', 'This id appears twice in the file.')
    keys.set(key.id, key)
  }
  return keys
}

/** Letters, digits and a few marks. None of them separates credential fields in any of the schemes. */
const idForm = /^[A-Za-z0-9._@+~-]{1,128}$/

function readKey(item: SourceNode, text: string, report: Report): AccessKey | undefined {
  const fields = fieldsOf(item, ['id', 'secret', 'buckets'], report)
  if (fields === undefined) return undefined
  const textOf = (name: string): string | undefined => {
    const node = fields.get(name)
    return node === undefined ? undefined : writtenText(node, text)
  }
  const placeOf = (name: string): number => fields.get(name)?.offset ?? item.offset
  const id = textOf('id')
  const secret = textOf('secret')
  if (id === undefined || !idForm.test(id))
    report(
      placeOf('id'),
      'id',
      'id must be the access key id as the client sends it: 1 to 128 characters from A-Z a-z 0-9 . _ @ + ~ -',
    )
  if (secret === undefined || !/^[^\p{Cc}]{1,1024}$/u.test(secret))
    report(placeOf('secret'), 'secret', 'secret must be 1 to 1024 characters, without control characters.')
  const listed = fields.get('buckets')
  const buckets = listed === undefined ? undefined : readBuckets(listed, text, report)
  return id === undefined || secret === undefined ? undefined : { id, secret, buckets }
}

function readBuckets(node: SourceNode, text: string, report: Report): readonly string[] {
  if (node.kind !== 'list' || node.items.length === 0) {
    report(
      node.offset,
      'buckets',
      'buckets must list at least one bucket; leave it out to allow every bucket.',
    )
    return []
  }
  return node.items.flatMap((item) => {
    const name = writtenText(item, text)
    if (name !== undefined && isBucketName(name)) return [name]
    report(
      item.offset,
      'bucket',
      'A bucket name is 1 to 63 of A-Z a-z 0-9 . _ -, starting with a letter or digit.',
    )
    return []
  })
}

/**
 * The values of a mapping by key. Reports a node that is not a mapping, repeated keys, and keys not in `allowed`.
 */
function fieldsOf(
  node: SourceNode,
  allowed: readonly string[],
  report: Report,
): ReadonlyMap<string, SourceNode> | undefined {
  if (node.kind !== 'map') {
    report(node.offset, 'not-a-mapping', `A mapping is expected here: ${allowed.join(', ')}.`)
    return undefined
  }
  const fields = new Map<string, SourceNode>()
  for (const { key, keySpan, value } of node.entries) {
    if (!allowed.includes(key))
      report(keySpan.offset, 'unknown-key', `Unknown key. Allowed keys: ${allowed.join(', ')}.`)
    else if (fields.has(key))
      report(keySpan.offset, 'duplicate-key', 'This key appears twice in the mapping.')
    else fields.set(key, value)
  }
  return fields
}
