import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'

/** One instruction: its name, its `--flags`, and the rest of its line. */
export interface Instruction {
  readonly name: string
  readonly flags: readonly string[]
  readonly rest: string
}

/** The instructions of a Dockerfile, with continued lines joined. */
export async function readDockerfile(file: string): Promise<readonly Instruction[]> {
  const text = await readFile(file, 'utf8')
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
  return lines
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [name = '', ...words] = line.trim().split(' ')
      const flags = words.slice(
        0,
        words.findIndex((word) => !word.startsWith('--')),
      )
      return { name, flags, rest: words.slice(flags.length).join(' ') }
    })
}

/** What an image has besides its files. */
export interface Image {
  /** The folder that is its `/`. */
  readonly root: string
  readonly workdir: string
  readonly env: Readonly<Record<string, string>>
  readonly user: string
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  readonly labels: string
}

/**
 * Performs the steps in folders below `scratch` instead of images. Replaces only the base image, by this machine's
 * Node and npm. `context` is the build context.
 */
export async function performSteps(
  instructions: readonly Instruction[],
  context: string,
  scratch: string,
): Promise<Image> {
  const stages = new Map<string, string>()
  let image: Image | undefined
  for (const { name, flags, rest } of instructions) {
    if (name === 'FROM') {
      const stage = rest.split(' AS ')[1] ?? 'last'
      const root = join(scratch, stage)
      await mkdir(root)
      stages.set(stage, root)
      image = { root, workdir: '/', env: {}, user: 'root', entrypoint: [], command: [], labels: '' }
    } else if (image !== undefined) image = await perform(image, { name, flags, rest }, context, stages)
  }
  if (image === undefined) throw new Error('No FROM.')
  return image
}

async function perform(
  image: Image,
  { name, flags, rest }: Instruction,
  context: string,
  stages: ReadonlyMap<string, string>,
): Promise<Image> {
  const folder = join(image.root, image.workdir)
  switch (name) {
    case 'WORKDIR':
      await mkdir(join(image.root, rest), { recursive: true })
      return { ...image, workdir: rest }
    case 'COPY': {
      const stage = flags.find((flag) => flag.startsWith('--from='))?.slice('--from='.length)
      const from = stage === undefined ? context : stages.get(stage)
      if (from === undefined) throw new Error(`COPY from ${stage}, which is no stage.`)
      await copy(from, rest.split(' '), folder)
      return image
    }
    case 'RUN':
      await promisify(execFile)('sh', ['-ec', rest], { cwd: folder, maxBuffer: 10_000_000 })
      return image
    case 'ENV':
      return { ...image, env: { ...image.env, ...Object.fromEntries([rest.split('=')]) } }
    case 'USER':
      return { ...image, user: rest }
    case 'ENTRYPOINT':
      return { ...image, entrypoint: JSON.parse(rest) }
    case 'CMD':
      return { ...image, command: JSON.parse(rest) }
    case 'LABEL':
      return { ...image, labels: rest }
    case 'ARG':
    case 'EXPOSE':
      return image
    default:
      throw new Error(`The Dockerfile has a step that this test does not know: ${name}`)
  }
}

/** Copies a folder's contents, or files into a folder, like COPY. */
async function copy(from: string, words: readonly string[], folder: string): Promise<void> {
  const target = join(folder, words.at(-1) ?? '')
  for (const word of words.slice(0, -1)) {
    const source = join(from, word)
    const isFolder = (await stat(source)).isDirectory()
    await cp(source, isFolder ? target : join(target, basename(word)), {
      recursive: true,
      verbatimSymlinks: true,
    })
  }
}
