import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { blocksOf } from '../guides/blocks.ts'
import { hasKustomize, manifestsOf, render } from './kustomize.ts'
import { schemaProblems } from './schemas.ts'

const deploy = join(import.meta.dirname, '..', '..', 'deploy')
const guide = readFileSync(join(deploy, 'guides', 'kubernetes.md'), 'utf8')
const blocks = [...guide.matchAll(/^```yaml.*\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)
const blockWith = (part: string): string => blocks.find((text) => text.includes(part)) ?? expect.fail(part)

test('the commands are run in a cluster by test/kubernetes, but for those that say why not', () => {
  const commands = blocksOf(guide).flatMap((block) => {
    if (block.kind === 'not run') return block.text.startsWith('cors-sidecar ') ? [block.reason] : []
    return block.kind === 'in a cluster' ? [block.block.kind] : [`runs without a cluster: ${block.kind}`]
  })
  expect(commands).toEqual([
    'commands', // helm
    'background', // port-forward
    'commands', // doctor
    'commands', // the copy of the overlay
    'file', // its patch
    'commands', // apply
    'file', // the Ingress
    'commands', // apply
    'needs an ingress controller, a host name and a certificate',
  ])
})

test('the ingress fits the schema of Kubernetes and leads to the Service of the overlay', async () => {
  const [ingress] = manifestsOf(blockWith('kind: Ingress'))
  expect(await schemaProblems(ingress ?? expect.fail())).toEqual([])
  const [service] = manifestsOf(readFileSync(join(deploy, 'overlays/legacy/service.yaml'), 'utf8'))
  expect(service?.metadata.name).toBe('cors-sidecar')
  expect(JSON.stringify(service)).toContain('"name":"http","port":80')
  expect(blockWith('kind: Ingress')).toContain('service: {name: cors-sidecar, port: {name: http}}')
  expect(blockWith('kind: HTTPRoute')).toContain('{name: cors-sidecar, port: 80}')
})

test.skipIf(!hasKustomize)('the patch for the CA of the store applies to a copy of the overlay', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'guide-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(deploy, folder, { recursive: true })
  const mine = join(folder, 'overlays', 'mine')
  cpSync(join(folder, 'overlays', 'legacy'), mine, { recursive: true })
  writeFileSync(join(mine, 'store-ca.yaml'), blockWith('CORS_SIDECAR_UPSTREAM_CA'))
  const kustomization = join(mine, 'kustomization.yaml')
  const text = readFileSync(kustomization, 'utf8')
  writeFileSync(kustomization, text.replace('patches:\n', 'patches:\n  - path: store-ca.yaml\n'))
  const deployment = render(mine).find(({ kind }) => kind === 'Deployment') ?? expect.fail()
  expect(await schemaProblems(deployment)).toEqual([])
  const rendered = JSON.stringify(deployment)
  expect(rendered).toContain('{"name":"CORS_SIDECAR_UPSTREAM_CA","value":"/etc/store-ca/ca.crt"}')
  expect(rendered).toContain('{"mountPath":"/etc/store-ca","name":"store-ca","readOnly":true}')
  expect(rendered).toContain('{"configMap":{"name":"kube-root-ca.crt"},"name":"store-ca"}')
})
