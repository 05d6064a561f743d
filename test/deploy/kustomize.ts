import { spawnSync } from 'node:child_process'
import { parseAllDocuments } from 'yaml'
import { type Manifest, manifestSchema } from './schemas.ts'

/** The first that is there: `KUSTOMIZE_PATH`, kustomize, or the one in kubectl. */
const command: readonly string[] | undefined = [
  ...(process.env.KUSTOMIZE_PATH ? [[process.env.KUSTOMIZE_PATH, 'build']] : []),
  ['kustomize', 'build'],
  ['kubectl', 'kustomize'],
].find(([program = '', subcommand = '']) => spawnSync(program, [subcommand, '--help']).status === 0)

export const hasKustomize = command !== undefined
/** Program and arguments, to which the folder is added. */
export const kustomizeCommand = command ?? []

/** What `kustomize build` makes of a folder; throws what it complains of, warnings included. */
export function render(folder: string): readonly Manifest[] {
  const [program = '', ...args] = kustomizeCommand
  const { status, stdout, stderr } = spawnSync(program, [...args, folder], { encoding: 'utf8' })
  if (status !== 0 || stderr !== '') throw new Error(`${program}: ${stderr}`)
  return manifestsOf(stdout)
}

/** The objects of a YAML file, however many. */
export const manifestsOf = (text: string): readonly Manifest[] =>
  parseAllDocuments(text).map((document) => manifestSchema.parse(document.toJS()))
