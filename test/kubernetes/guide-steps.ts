import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Block, blocksOf, missingLine } from '../guides/blocks.ts'
import { addressOf, createNamespace } from './cluster.ts'
import { installMinio, storeNamespace } from './installed-minio.ts'
import { copyDeploy, type Scene } from './minio-steps.ts'
import { fillIn, project, runLines, startLine } from './readme.ts'
import { askPreflights, carryObjects, createBucket, s3At } from './s3.ts'
import { NotTested, require } from './step.ts'

/** The page's namespaces, and those in which they are followed, so that a cluster's own are left alone. */
const inFront = { 'object-store': 'cors-sidecar-test-guide', storage: storeNamespace }
const operator = { 'object-store': 'cors-sidecar-test-tls', tenant: 'cors-sidecar-test-tenant' }
export const guideNamespaces = [inFront['object-store'], ...Object.values(operator)]

/** deploy/guides/kubernetes.md, block by block. */
export async function guideSteps(scene: Scene): Promise<void> {
  const { cluster, client, steps } = scene
  const folder = await mkdtemp(join(scene.folder, 'guide-'))
  await copyDeploy(project, folder)
  await mkdir(join(folder, 'rules'))
  await cp(join(folder, 'deploy/overlays/legacy/rules/photos.yaml'), join(folder, 'rules/photos.yaml'))
  const stops: (() => void)[] = []
  const served = async (namespace: string): Promise<string> => {
    const base = `http://${await addressOf(cluster, namespace, 'cors-sidecar')}`
    await createBucket(s3At(base, client))
    return `${await carryObjects(base, client)}; preflights: ${await askPreflights(base, client)}`
  }
  const requireNames = (): void => {
    if (!cluster.hasDns) throw new NotTested('this cluster resolves no names: no CoreDNS could be built')
  }
  try {
    await steps.step('guide: an installed MinIO, helm, port-forward, doctor, Ingress', async () => {
      requireNames()
      await createNamespace(cluster, inFront['object-store'])
      const followed = await follow(scene, folder, inFront, stops, [
        '## MinIO is already installed',
        '## Ingress in front, with TLS',
      ])
      return `${followed} blocks did what the page says; ${await served(inFront['object-store'])}`
    })
    await steps.step('guide: the certificate of an Operator tenant', async () => {
      requireNames()
      if (cluster.certify === undefined) throw new NotTested("this cluster's CA signs nothing for a test")
      const name = `minio.${operator.tenant}.svc.cluster.local`
      await installMinio(cluster, operator.tenant, 443, await cluster.certify(name))
      await createNamespace(cluster, operator['object-store'])
      const followed = await follow(scene, folder, operator, stops, [
        '### Trust the certificate of an Operator tenant',
      ])
      return `${followed} blocks did what the page says; over TLS: ${await served(operator['object-store'])}`
    })
  } finally {
    for (const stop of stops) stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Performs the blocks below these headings. Resolves with their number. */
async function follow(
  { cluster }: Scene,
  folder: string,
  namespaces: Readonly<Record<string, string>>,
  stops: (() => void)[],
  headings: readonly string[],
): Promise<number> {
  const page = await readFile(join(project, 'deploy/guides/kubernetes.md'), 'utf8')
  const sections = page.split(/^(?=##)/m)
  const blocks = headings.flatMap((heading) => {
    const section = sections.find((text) => text.startsWith(`${heading}\n`))
    require(section !== undefined, `the page has no heading ${heading}`)
    return blocksOf(section).flatMap((block) => (block.kind === 'in a cluster' ? [block.block] : []))
  })
  const { name, digest } = cluster.sidecar
  const here = (text: string): string =>
    Object.entries(namespaces).reduce(
      (written, [theirs, ours]) => written.replaceAll(new RegExp(`\\b${theirs}\\b`, 'g'), ours),
      text.replaceAll('registry.example.com/cors-sidecar', name).replaceAll('sha256:…', digest),
    )
  for (const block of blocks) await perform(block)
  return blocks.length

  async function perform(block: Block): Promise<void> {
    if (block.kind === 'file') return writeFile(join(folder, block.path), here(block.text))
    if (block.kind === 'background') {
      stops.push(await startLine(cluster, folder, here(block.text.trim()), block.expected))
      return
    }
    require(block.kind === 'commands', `a block of the kind ${block.kind} is not for a cluster`)
    const overlay = join(folder, 'deploy/overlays/mine/kustomization.yaml')
    // What "First time" has readers edit.
    if (block.text.includes('apply --server-side -k'))
      await fillIn(overlay, { 'cors-sidecar': cluster.sidecar }, namespaces['object-store'])
    const expectedExit = block.exit === 0 ? '' : `|| test $? = ${block.exit}`
    const output = await runLines(cluster, folder, [`{ ${here(block.text)}} ${expectedExit}`])
    const missing = missingLine(block.expected, output)
    require(missing === undefined, `${block.text}: the output has no "${missing}": ${output}`)
  }
}
