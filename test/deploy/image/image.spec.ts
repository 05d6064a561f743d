import { spawn } from 'node:child_process'
import { chmod, chown, copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { kubeletWrite } from '../../rules/directory.ts'
import { exchange, metric, preflight } from '../../serve/exchange.ts'
import { eventually } from '../../serving.ts'
import { type Image, performSteps, readDockerfile } from './dockerfile.ts'

/**
 * No container engine runs here. The steps of the Dockerfile are performed in clean folders, and the result starts
 * like the image: as user 65532 (if the test runs as root), in a read-only tree, with a Node that may not write
 * anywhere. This does not cover the base image itself.
 */
const project = join(import.meta.dirname, '..', '..', '..')
const dockerfile = join(project, 'deploy', 'Dockerfile')
const isRoot = process.getuid?.() === 0

const origin = 'https://app.example'
const rules = (method: string): string =>
  `rules:\n  - {allowedOrigins: ["${origin}"], allowedMethods: [GET, ${method}]}\n`
const packageFile = z.object({
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
})

describe('the steps of the Dockerfile', () => {
  let scratch = ''
  let image: Image
  let app = ''
  const seconds: string[] = []

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'image-'))
    const started = performance.now()
    image = await performSteps(await readDockerfile(dockerfile), project, scratch)
    seconds.push(((performance.now() - started) / 1000).toFixed(1))
    app = join(image.root, image.workdir)
    // The base image's Node, where user 65532 can reach it.
    await copyFile(process.execPath, join(image.root, 'node'))
    await chmod(scratch, 0o755)
    for (const entry of await readdir(image.root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      if (entry.isSymbolicLink()) continue
      if (isRoot) await chown(path, 0, 0)
      await chmod(path, entry.isDirectory() || path === join(image.root, 'node') ? 0o555 : 0o444)
    }
    await chmod(image.root, 0o555)
  })
  afterAll(async () => {
    await chmod(join(scratch, 'last'), 0o755).catch(() => undefined)
    for (const entry of await readdir(scratch, { recursive: true, withFileTypes: true }))
      if (entry.isDirectory()) await chmod(join(entry.parentPath, entry.name), 0o755)
    await rm(scratch, { recursive: true, force: true })
    console.log(`the steps took ${seconds[0]} s`)
  })

  test('copy no file that Dockerfile.dockerignore excludes', async () => {
    const [first, ...kept] = (await readFile(`${dockerfile}.dockerignore`, 'utf8')).trim().split('\n')
    expect(first).toBe('*')
    const copied = (await readDockerfile(dockerfile))
      .filter(({ name, flags }) => name === 'COPY' && !flags.some((flag) => flag.startsWith('--from')))
      .flatMap(({ rest }) => rest.split(' ').slice(0, -1))
    expect([...new Set(copied)].map((file) => `!${file}`).toSorted()).toEqual(kept.toSorted())
  })

  test('leave the program, its production dependencies, licence and bill of materials, and nothing else', async () => {
    expect((await readdir(app)).toSorted()).toEqual([
      'LICENSE',
      'dist',
      'node_modules',
      'package-lock.json',
      'package.json',
      'sbom.cdx.json',
    ])
    const { dependencies, devDependencies } = packageFile.parse(
      JSON.parse(await readFile(join(project, 'package.json'), 'utf8')),
    )
    const installed = new Set(await readdir(join(app, 'node_modules')))
    const plain = (names: object): readonly string[] =>
      Object.keys(names).filter((name) => !name.startsWith('@'))
    expect(plain(dependencies).filter((name) => !installed.has(name))).toEqual([])
    // A development dependency may also be a transitive production dependency; these never are.
    expect(plain(devDependencies)).toEqual(
      expect.arrayContaining(['typescript', 'vitest', 'node', 'playwright-core']),
    )
    for (const name of ['typescript', 'vitest', 'node', 'playwright-core'])
      expect(installed.has(name)).toBe(false)
    const own = await readdir(join(app, 'dist'), { recursive: true })
    expect(own.filter((name) => /\.ts$|\.map$|^test/.test(name))).toEqual([])
  })

  test('leave Node and its libraries of the base image, and neither a shell nor npm', async () => {
    const names = await readdir(image.root, { recursive: true })
    expect(names).toContain(join('usr', 'local', 'bin', 'node'))
    expect(names.some((name) => /(?:^|\/)libc\.so\.6$/.test(name))).toBe(true)
    const outside = names.filter((name) => !name.startsWith('app'))
    expect(
      outside.filter((name) => /(?:^|\/)(?:sh|bash|dash|busybox|npm|npx|apt|dpkg|perl)$/.test(name)),
    ).toEqual([])
    expect((await readdir(image.root)).toSorted()).toEqual(['app', 'lib', 'lib64', 'node', 'tmp', 'usr'])
  })

  test('name every installed package and its version in the bill of materials', async () => {
    const bill = z
      .object({
        bomFormat: z.literal('CycloneDX'),
        components: z.array(
          z.object({ name: z.string(), version: z.string(), group: z.string().optional() }),
        ),
      })
      .parse(JSON.parse(await readFile(join(app, 'sbom.cdx.json'), 'utf8')))
    const listed = bill.components.map(({ group, name, version }) =>
      group === undefined ? `${name}@${version}` : `${group}/${name}@${version}`,
    )
    expect(new Set(listed)).toEqual(new Set(await installedPackages(join(app, 'node_modules'))))
  })

  test('end in an image that names itself, runs as 65532 and has no health check of its own', () => {
    expect(image.user).toBe('65532:65532')
    expect(image.entrypoint).toEqual(['/usr/local/bin/node', '/app/dist/cmd/main.js'])
    expect(image.command).toEqual(['serve'])
    for (const label of ['title', 'description', 'licenses', 'version', 'revision'])
      expect(image.labels).toContain(`org.opencontainers.image.${label}=`)
  })

  test('build a program that serves, reloads and drains in a read-only tree', async () => {
    const mount = await mkdtemp(join(tmpdir(), 'image-rules-'))
    await chmod(mount, 0o755)
    await kubeletWrite(mount, { 'photos.yaml': rules('PUT') })
    const store = createServer((_request, response) => response.end('from the store'))
    await new Promise<void>((resolve) => store.listen(0, '127.0.0.1', resolve))
    const { port } = store.address() as AddressInfo
    const [, entry = ''] = image.entrypoint
    const permissions = ['--permission', '--allow-fs-read=*', '--allow-net', '--allow-child-process'].filter(
      (flag) => process.allowedNodeEnvironmentFlags.has(flag.split('=')[0] ?? ''),
    )
    const child = spawn(
      join(image.root, 'node'),
      [...permissions, join(image.root, entry), ...image.command],
      {
        cwd: app,
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          ...image.env,
          CORS_SIDECAR_UPSTREAM: `http://127.0.0.1:${port}`,
          CORS_SIDECAR_RULES: mount,
          CORS_SIDECAR_LISTEN: '127.0.0.1:0',
          CORS_SIDECAR_ADMIN: '127.0.0.1:0',
        },
        ...(isRoot ? { uid: 65532, gid: 65532 } : {}),
      },
    )
    const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)))
    try {
      const { data, admin } = await servingAt(child.stdout)
      expect((await exchange(`${admin}/healthz`)).status).toBe(200)
      expect((await exchange(`${admin}/readyz`)).status).toBe(200)
      expect((await exchange(`${data}/photos/x`)).body.toString()).toBe('from the store')
      const ask = (method: string) => exchange(`${data}/photos/x`, preflight(origin, method))
      expect((await ask('PUT')).status).toBe(200)
      expect((await ask('DELETE')).status).toBe(403)
      await kubeletWrite(mount, { 'photos.yaml': rules('DELETE') })
      expect(
        (
          await eventually(
            () => ask('DELETE'),
            ({ status }) => status === 200,
          )
        ).status,
      ).toBe(200)
      expect(await metric(admin, 'cors_sidecar_rules_generation')).toBe(2)
      child.kill('SIGTERM')
      expect(await ended).toBe(0)
    } finally {
      child.kill('SIGKILL')
      await ended
      store.close()
      await rm(mount, { recursive: true, force: true })
    }
  })
})

/** The addresses in the program's log. */
async function servingAt(log: NodeJS.ReadableStream): Promise<{ data: string; admin: string }> {
  const serving = z.object({ msg: z.literal('serving'), 'server.port': z.number(), 'admin.port': z.number() })
  // The log is read to its end, or the program would block on a full pipe.
  const lines = createInterface(log)
  return new Promise((resolve, reject) => {
    lines.on('close', () => reject(new Error('The program ended before it served.')))
    lines.on('line', (line) => {
      const { success, data } = serving.safeParse(JSON.parse(line))
      if (success)
        resolve({
          data: `http://127.0.0.1:${data['server.port']}`,
          admin: `http://127.0.0.1:${data['admin.port']}`,
        })
    })
  })
}

/** `name@version` of every package below a node_modules folder, nested ones included. */
async function installedPackages(folder: string): Promise<readonly string[]> {
  const files = await readdir(folder, { recursive: true })
  const isPackage = /(?:^|\/node_modules\/)(?:@[^/]+\/)?[^/@.][^/]*\/package\.json$/
  const manifests = files.filter((file) => isPackage.test(file.replaceAll(sep, '/')))
  return Promise.all(
    manifests.map(async (file) => {
      const { name, version } = z
        .object({ name: z.string(), version: z.string() })
        .parse(JSON.parse(await readFile(join(folder, file), 'utf8')))
      return `${name}@${version}`
    }),
  )
}
