import { spawnSync } from 'node:child_process'
import { parseAllDocuments } from 'yaml'
import { type Manifest, manifestSchema } from './schemas.ts'

/** The first that exists: `KUSTOMIZE_PATH`, kustomize, or kubectl's. */
const command: readonly string[] | undefined = [
  ...(process.env.KUSTOMIZE_PATH ? [[process.env.KUSTOMIZE_PATH, 'build']] : []),
  ['kustomize', 'build'],
  ['kubectl', 'kustomize'],
].find(([program = '', subcommand = '']) => spawnSync(program, [subcommand, '--help']).status === 0)

export const hasKustomize = command !== undefined
/** Program and arguments; the folder is appended. */
export const kustomizeCommand = command ?? []

/** The output of `kustomize build`; throws its errors and warnings. */
export function render(folder: string): readonly Manifest[] {
  const [program = '', ...args] = kustomizeCommand
  const { status, stdout, stderr } = spawnSync(program, [...args, folder], { encoding: 'utf8' })
  if (status !== 0 || stderr !== '') throw new Error(`${program}: ${stderr}`)
  return manifestsOf(stdout)
}

/** All objects in a YAML file. */
export const manifestsOf = (text: string): readonly Manifest[] =>
  parseAllDocuments(text).map((document) => manifestSchema.parse(document.toJS()))
