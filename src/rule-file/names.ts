import { isBucketName } from '../plan/address.ts'
import { type Finding, findingAbout } from '../plan/finding.ts'
import { fallbackName, serviceName } from '../plan/snapshot.ts'
import { type Problem, problemAt } from './source.ts'

/** Where editors find the output of `cors-sidecar schema`, relative to the rules directory. */
export const schemaPath = 'schema/rule-file.json'

/** The first line of a YAML rule file that has the schema beside it. */
export const schemaLine = `# yaml-language-server: $schema=${schemaPath}\n`

export type FileFormat = 'yaml' | 'json' | 'xml'

/** What a file name in the rules directory means. */
export type FileName =
  | { readonly kind: 'rules'; readonly bucket: string; readonly format: FileFormat }
  /** Hidden names, editor backups, other extensions: clearly not meant as rule files. */
  | { readonly kind: 'ignored' }
  /** Not read, but probably meant as a rule file. `finding` says what is wrong with the name. */
  | { readonly kind: 'refused'; readonly finding: Finding }

const formats: ReadonlyMap<string, FileFormat> = new Map([
  ['yaml', 'yaml'],
  ['yml', 'yaml'],
  ['json', 'json'],
  ['xml', 'xml'],
])

/** The format for the extension of `file`; `undefined` for any other extension. */
export function formatOf(file: string): FileFormat | undefined {
  return formats.get(file.slice(file.lastIndexOf('.') + 1))
}

/** Classifies the base name of a file. The part before the extension is the bucket. */
export function readFileName(file: string): FileName {
  if (file.startsWith('.')) return { kind: 'ignored' }
  const dot = file.lastIndexOf('.')
  if (dot < 0) return refused(file, 'file-name', 'no extension, so not read: name it BUCKET.yaml, or move it')
  const extension = file.slice(dot + 1)
  const format = formats.get(extension)
  if (format === undefined) {
    if (!formats.has(extension.toLowerCase())) return { kind: 'ignored' }
    return refused(file, 'file-name', `not read: write the extension as .${extension.toLowerCase()}`)
  }
  const bucket = file.slice(0, dot)
  if (!isBucketName(bucket) && bucket !== fallbackName && bucket !== serviceName)
    return refused(
      file,
      'bucket-name',
      `the file is named after its bucket, and ${JSON.stringify(bucket)} cannot be one: 1 to 63 of A-Z a-z 0-9 . _ -, starting with a letter or digit`,
    )
  return { kind: 'rules', bucket, format }
}

/** Common names of files with a CORS configuration: cors.json, cors-config.json, s3-cors.json, photos.cors.json. */
const corsName = /(?:^|[._-])cors(?:[._-]?(?:config|configuration|rules|policy|settings))?$/i

/** Whether `bucket` describes the content of a file rather than a bucket. */
export const isCorsName = (bucket: string): boolean => corsName.test(bucket)

/** A finding about a file that is named after its content, and so applies to a bucket of that name. */
export function namedForCors(file: string): Problem[] {
  const name = readFileName(file.slice(file.lastIndexOf('/') + 1))
  if (name.kind !== 'rules' || !isCorsName(name.bucket)) return []
  const message = `these are the rules of a bucket named ${JSON.stringify(name.bucket)}: name the file after the bucket that they are for`
  return [problemAt({ offset: 0, end: 0 }, 'file-named-cors', message)]
}

const refused = (...about: Parameters<typeof findingAbout>): FileName => ({
  kind: 'refused',
  finding: findingAbout(...about),
})
