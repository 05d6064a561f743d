/**
 * Recognises files that are clearly not CORS rules. They get one error that names what they are, instead of ten
 * about their keys.
 */

import { type FileFormat, formatOf } from './names.ts'
import { errorAt, type Problem, type SourceMap, type SourceNode } from './source.ts'

/** An error for content in another of our formats than the extension says. */
export function wrongExtension(file: string, text: string, format: FileFormat): Problem | undefined {
  const actual = formatSeen(text, format)
  if (actual === undefined || actual === format) return undefined
  const name = file.slice(file.lastIndexOf('/') + 1)
  const stem = formatOf(name) === undefined ? name : name.slice(0, name.lastIndexOf('.'))
  const at = text.search(/\S/)
  const message = `the file is named .${name.slice(stem.length + 1)} but contains ${actual.toUpperCase()}: rename it to ${stem}.${actual}`
  return errorAt(at, at + 1, 'wrong-extension', message)
}

/** The format that `text` appears to have. JSON in a YAML file is not reported, because JSON is valid YAML. */
export function formatSeen(text: string, format: FileFormat): FileFormat | undefined {
  if (format === 'xml') return /^\s*(?:\{\s*["}]|\[\s*[{\]"])/.test(text) ? 'json' : yamlSeen(text)
  if (/^\s*<(?:\?xml|[A-Za-z]+[\s>:])/.test(text)) return 'xml'
  return format === 'json' ? yamlSeen(text) : undefined
}

/** Skips each line in one way only: `\s` instead of `[^\S\n]` would take exponential time on empty lines. */
const yamlSeen = (text: string): FileFormat | undefined =>
  /^(?:[^\S\n]*(?:#[^\n]*)?\n|---[^\S\n]*\n)*(?:[A-Za-z]\w*:(?:\s|$)|- +\w+:\s)/.test(text)
    ? 'yaml'
    : undefined

interface Kind {
  readonly is: (root: SourceMap) => boolean
  /** What it is, and what to do. */
  readonly message: string
}

const has = ({ entries }: SourceMap, ...keys: readonly string[]): boolean =>
  keys.every((wanted) => entries.some(({ key }) => key === wanted))

const textOf = (root: SourceMap, key: string): unknown => {
  const value = root.entries.find((entry) => entry.key === key)?.value
  return value?.kind === 'scalar' ? value.value : undefined
}

/** The mapping, or the first one of the list, at `key`; `*` is any key. */
const inside = (root: SourceMap, key: string): SourceMap | undefined => {
  const value = root.entries.find((entry) => key === '*' || entry.key === key)?.value
  const first = value?.kind === 'list' ? value.items[0] : value
  return first?.kind === 'map' ? first : undefined
}

/**
 * CORS configurations that `convert` can read are not listed here: they get the code `foreign-format` and the
 * command that converts them.
 */
const kinds: readonly Kind[] = [
  {
    is: (root) => has(root, 'Statement') && (has(root, 'Version') || inside(root, 'Statement') !== undefined),
    message:
      'this is a bucket policy (who may read and write), not a CORS configuration: keep it with the store, and write CORS rules into this file',
  },
  {
    is: (root) => has(root, 'openapi') || has(root, 'swagger'),
    message:
      'this is an OpenAPI description, as API Gateway imports it, not a CORS configuration: write CORS rules into this file',
  },
  {
    is: (root) =>
      has(root, 'AllowOrigins') || has(inside(root, 'CorsConfiguration') ?? empty, 'AllowOrigins'),
    message:
      'this is the CORS configuration of an API Gateway, not of a bucket: write AllowOrigins as allowedOrigins, AllowMethods as allowedMethods, AllowHeaders as allowedHeaders, in a list of rules',
  },
  {
    is: (root) =>
      ['Expiration', 'Transitions', 'NoncurrentVersionExpiration'].some((key) =>
        has(inside(root, 'Rules') ?? empty, key),
      ),
    message: 'this is a lifecycle configuration, not a CORS configuration: write CORS rules into this file',
  },
  {
    is: (root) =>
      has(root, 'format_version', 'terraform_version') || has(root, 'terraform_version', 'lineage'),
    message:
      'this is a Terraform state or plan, and it has no CORS rules of a bucket: write CORS rules into this file',
  },
  {
    is: (root) =>
      has(root, 'AWSTemplateFormatVersion') ||
      (has(root, 'Resources') && has(inside(inside(root, 'Resources') ?? empty, '*') ?? empty, 'Type')),
    message:
      'this is a CloudFormation template, and no bucket in it has a CorsConfiguration: write CORS rules into this file',
  },
  {
    is: (root) => has(root, 'service', 'provider'),
    message:
      'this is a configuration of the Serverless Framework, and no bucket in it has CORS rules: write CORS rules into this file',
  },
  {
    is: (root) => has(root, 'deployment', 'version') || (has(root, 'runtime', 'name') && !has(root, 'rules')),
    message: 'this is a Pulumi file, and no bucket in it has CORS rules: write CORS rules into this file',
  },
  {
    is: (root) => textOf(root, 'kind') === 'storage#bucket' || has(root, 'storage_url', 'location'),
    message: 'this is a bucket of Google Cloud Storage without CORS rules: write CORS rules into this file',
  },
  {
    is: (root) => has(root, 'bucketId', 'bucketName') || has(root, 'bucketId', 'bucketType'),
    message: 'this is a bucket of Backblaze B2 without CORS rules: write CORS rules into this file',
  },
  {
    is: (root) => has(root, 'apiVersion', 'kind'),
    message:
      'this is a Kubernetes manifest, not a rule file: put the rules themselves into a file of this directory, as a mounted ConfigMap does',
  },
]

const empty: SourceMap = { kind: 'map', entries: [], offset: 0, end: 0 }

/** An error for a document that is clearly something else. */
export function otherDocument(root: SourceNode): Problem | undefined {
  if (root.kind !== 'map' || has(root, 'CORSRules') || has(root, 'rules')) return undefined
  const kind = kinds.find(({ is }) => is(root))
  const span = root.entries[0]?.keySpan ?? root
  return kind === undefined ? undefined : errorAt(span.offset, span.end, 'other-document', kind.message)
}

const roots: Readonly<Record<string, string>> = {
  Error:
    'this is an error response of a store, not a CORS configuration: if its Code is AccessDenied, sign the request and send it again',
  LifecycleConfiguration: 'this is a lifecycle configuration, not a CORS configuration',
  ListBucketResult: 'this is a list of objects, not a CORS configuration: add ?cors to the request',
  AccessControlPolicy: 'this is an access control list, not a CORS configuration',
  html: 'this is an HTML page, perhaps a saved error page, not a CORS configuration',
}

/** The same check for the root element of an XML text. */
export function otherXml(text: string): Problem | undefined {
  const found = /^(?:\s|<\?[^>]*\?>|<!--(?:(?!-->)[\s\S])*-->)*<([A-Za-z]+)/.exec(text)
  const name = found?.[1] ?? ''
  if (found === null || !Object.hasOwn(roots, name)) return undefined
  const at = found[0].length - name.length - 1
  return errorAt(at, found[0].length, 'other-document', roots[name] ?? '')
}

const sources: readonly { readonly is: RegExp; readonly message: string }[] = [
  {
    is: /^[ \t]*(?:(?:resource|data|module|variable|provider|output)\s+"[^"\n]+"[^:\n]*\{|(?:locals|terraform|cors_rule)\s*\{|inputs\s*=\s*\{)/m,
    message:
      'Terraform source is a program and cannot be read: run "terraform show -json" and convert its output',
  },
  {
    is: /^(?:import\s.+\sfrom\s+['"]|import\s+['"\w]|from\s+[\w.]+\s+import\s|(?:const|let|var|export)\s+\w|package\s+\w+;?\s*$|using\s+[\w.]+;|#!\/)/m,
    message:
      'this is a program and cannot be read: run "cdk synth --json", "pulumi stack export" or the equivalent command of its tool, and convert the output',
  },
]

/** Characters to search, because source code is recognisable by its first lines. */
const maxSourceLooked = 4096

/** The message about source code of a tool that generates CORS configurations; `undefined` for other text. */
export function sourceCode(text: string): string | undefined {
  const start = text.slice(0, maxSourceLooked)
  if (/^\s*[[{<]/.test(start)) return undefined
  return sources.find(({ is }) => is.test(start))?.message
}
