import { execFileSync } from 'node:child_process'
import { chmod, chown, mkdir, rename, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ChildFailure } from '../../src/children/children.ts'
import { readRuleFile, readRules } from '../../src/rule-file/read.ts'
import type { ReloadResult } from '../../src/rules/store.ts'
import { broken, folderWith, replace, rulesOf, storeOn, temporaryFolder } from './directory.ts'

describe('the first load', () => {
  test('serves the valid files of a directory, and reports the mistakes of the others with positions', async () => {
    const directory = await folderWith(await temporaryFolder(), {
      'a.yaml': rulesOf(1),
      'b.yml': rulesOf(2),
      'bad.yaml': 'rules:\n  - allowedOrigins: [https://a.example]\n    allowedMethods: [OPTIONS]\n',
      '_default.yaml': rulesOf(3),
      '_service.yaml': rulesOf(4),
    })
    const store = storeOn(directory)
    const result = await store.reload('start')
    expect(store.live()).toEqual({ a: 1, b: 2, bad: 'none', _default: 3, _service: 4 })
    expect(result).toMatchObject({ cause: 'start', result: 'applied', successful: false, failure: undefined })
    expect(result.snapshot).toBe(store.current())
    expect(result.snapshot.generation).toBe(1)
    expect(result.findings.map(({ file, line, severity }) => [file, line, severity])).toEqual([
      ['bad.yaml', 3, 'error'],
    ])
    expect(result.changes.map(({ file, before, after }) => [file, before, after])).toEqual([
      ['_default.yaml', undefined, 'ok'],
      ['_service.yaml', undefined, 'ok'],
      ['a.yaml', undefined, 'ok'],
      ['b.yml', undefined, 'ok'],
      ['bad.yaml', undefined, 'invalid'],
    ])
  })

  test('of an empty directory is a success without rules', async () => {
    const store = storeOn(await temporaryFolder())
    expect(await store.reload('start')).toMatchObject({ result: 'applied', successful: true, changes: [] })
    expect(store.current().generation).toBe(1)
    expect(await store.reload('rescan')).toMatchObject({ result: 'unchanged', successful: true })
    expect(store.current().generation).toBe(1)
  })

  test.each([
    ['that is missing', 'missing', 'it does not exist'],
    ['that is a file', 'file', 'it is not a directory'],
  ])('of a directory %s fails and says why', async (_case, name, failure) => {
    const folder = await folderWith(await temporaryFolder(), { file: '' })
    const store = storeOn(join(folder, name))
    expect(await store.reload('start')).toMatchObject({
      result: 'failed',
      successful: false,
      failure,
      findings: [],
    })
    expect(store.current().generation).toBe(0)
  })
})

describe('a change', () => {
  test.each([
    ['in place', (folder: string) => writeFile(join(folder, 'a.yaml'), rulesOf(2))],
    ['by rename', (folder: string) => replace(folder, 'a.yaml', rulesOf(2))],
    ['without a final newline', (folder: string) => writeFile(join(folder, 'a.yaml'), rulesOf(2).trimEnd())],
  ])('%s takes effect, and leaves the other buckets as they are', async (_case, change) => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    const before = store.current()
    await change(folder)
    const result = await store.reload('watch')
    expect(store.live()).toEqual({ a: 2, b: 1 })
    expect(store.current().buckets.get('b')).toBe(before.buckets.get('b'))
    expect(store.current().generation).toBe(2)
    expect(result).toMatchObject({ result: 'applied', successful: true })
    expect(result.changes).toEqual([{ file: 'a.yaml', bucket: 'a', before: 'ok', after: 'ok' }])
    // A request that took the rules earlier keeps them.
    expect(before.buckets.get('a')?.rules[0]?.rule.maxAgeSeconds).toBe(1)
  })

  test('of only the file time makes no new generation', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    const before = store.current()
    await replace(folder, 'a.yaml', rulesOf(1))
    expect(await store.reload('watch')).toMatchObject({ result: 'unchanged', changes: [], findings: [] })
    expect(store.current()).toBe(before)
  })

  test('of a file name moves the rules to the other bucket', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(2) })
    const store = storeOn(folder)
    await store.reload('start')
    await rename(join(folder, 'a.yaml'), join(folder, 'c.yaml'))
    await store.reload('watch')
    expect(store.live()).toEqual({ b: 2, c: 1 })
  })

  test('of the extension never leaves the bucket without rules', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(2) })
    const store = storeOn(folder)
    await store.reload('start')
    const seen: unknown[] = []
    store.subscribe(() => seen.push(store.live().a))
    // The old name is gone at once; the new file needs longer because it has no final line break.
    await unlink(join(folder, 'a.yaml'))
    await writeFile(join(folder, 'a.yml'), rulesOf(3).trimEnd())
    await store.reload('watch')
    expect(seen).toEqual([3])
    expect(store.current().generation).toBe(2)
  })

  test('that deletes a file removes its rules', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(2) })
    const store = storeOn(folder)
    await store.reload('start')
    await unlink(join(folder, 'a.yaml'))
    const result = await store.reload('watch')
    expect(store.live()).toEqual({ b: 2 })
    expect(result.changes).toEqual([{ file: 'a.yaml', bucket: 'a', before: 'ok', after: undefined }])
  })
})

describe('a file that gets an error', () => {
  test('keeps its last good rules until it is fixed, and affects no other bucket', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    const good = store.current().buckets.get('a')

    await writeFile(join(folder, 'a.yaml'), broken)
    const bad = await store.reload('watch')
    expect(bad).toMatchObject({ result: 'failed', successful: false, failure: undefined })
    expect(bad.changes).toEqual([{ file: 'a.yaml', bucket: 'a', before: 'ok', after: 'stale' }])
    expect(bad.findings).toMatchObject([{ file: 'a.yaml', severity: 'error' }])
    expect(store.current().buckets.get('a')).toBe(good)

    // While it stays invalid nothing changes, but the reload is not successful either.
    expect(await store.reload('rescan')).toMatchObject({
      result: 'unchanged',
      successful: false,
      findings: [],
    })

    await writeFile(join(folder, 'b.yaml'), rulesOf(2))
    expect(await store.reload('watch')).toMatchObject({ result: 'applied', successful: false })
    expect(store.live()).toEqual({ a: 1, b: 2 })

    await writeFile(join(folder, 'a.yaml'), rulesOf(3))
    expect(await store.reload('watch')).toMatchObject({ result: 'applied', successful: true })
    expect(store.live()).toEqual({ a: 3, b: 2 })
  })

  test('keeps them also when it was fixed to its earlier content', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    await writeFile(join(folder, 'a.yaml'), broken)
    await store.reload('watch')
    await writeFile(join(folder, 'a.yaml'), rulesOf(1))
    expect(await store.reload('watch')).toMatchObject({ result: 'applied', successful: true })
    expect(store.current().files).toMatchObject([{ state: 'ok' }])
  })

  test.each([
    [
      'is larger than any rule file',
      (path: string) => writeFile(path, `# ${'x'.repeat(3_000_000)}\n`),
      'file-too-large',
    ],
    ['is a FIFO, without waiting for a writer', makeFifo, 'file-unreadable'],
    ['is a link that leads nowhere', (path: string) => symlink('nowhere', path), 'file-unreadable'],
    ['is a link to itself', (path: string) => symlink('a.yaml', path), 'file-unreadable'],
    ['is a device', (path: string) => symlink('/dev/zero', path), 'file-unreadable'],
    ['is empty', (path: string) => writeFile(path, ''), 'empty-file'],
  ])('because it %s', async (_case, spoil, code) => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    await unlink(join(folder, 'a.yaml'))
    await spoil(join(folder, 'a.yaml'))
    await writeFile(join(folder, 'b.yaml'), rulesOf(2))
    const result = await store.reload('watch')
    expect(store.live()).toEqual({ a: 1, b: 2 })
    expect(result.findings.map((finding) => finding.code)).toContain(code)
    await rm(join(folder, 'a.yaml'))
    await writeFile(join(folder, 'a.yaml'), rulesOf(3))
    await store.reload('watch')
    expect(store.live()).toEqual({ a: 3, b: 2 })
  })

  test('because it crashes the process that reads it', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(2) })
    const store = storeOn(folder, {
      async read(file) {
        if (file === 'a.yaml') throw new RangeError('out of everything')
        return { content: undefined, hosts: [], findings: [] }
      },
    })
    const result = await store.reload('start')
    expect(result.findings).toMatchObject([
      { file: 'a.yaml', message: expect.stringContaining('out of everything') },
    ])
    expect(result.snapshot.files).toHaveLength(2)
  })

  test('because its process took too long; it is tried again after a minute, or when a reload is requested', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
    let isBusy = true
    let attempts = 0
    const store = storeOn(folder, {
      async read(...given) {
        attempts++
        if (isBusy) throw new ChildFailure('it took longer than 5 s')
        return readRuleFile(...given)
      },
    })
    const { findings } = await store.reload('start')
    expect(findings).toMatchObject([
      { code: 'file-unreadable', message: expect.stringContaining('it took longer than 5 s') },
    ])
    store.clock.pass(59_000)
    await store.reload('rescan')
    expect(attempts).toBe(1)
    store.clock.pass(1_000)
    await store.reload('rescan')
    expect([store.live(), attempts]).toEqual([{ a: 'none' }, 2])
    isBusy = false
    // The last two share one run.
    await Promise.all([store.reload('watch'), store.reload('watch'), store.reload('signal')])
    expect([store.live(), attempts]).toEqual([{ a: 1 }, 3])
  })

  test('because its process failed, but the same bytes under another name are read', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
    const store = storeOn(folder, {
      async read(file, ...given) {
        if (file === 'a.yaml') throw new ChildFailure('its process ended')
        return readRuleFile(file, ...given)
      },
    })
    await store.reload('start')
    await writeFile(join(folder, 'b.yaml'), rulesOf(1))
    await store.reload('watch')
    expect(store.live()).toEqual({ a: 'none', b: 1 })
  })

  test('because it may not be read any more', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    await writeFile(join(folder, 'a.yaml'), rulesOf(2))
    await writeFile(join(folder, 'b.yaml'), rulesOf(2))
    await chmod(join(folder, 'a.yaml'), 0)
    const result = await unprivileged(folder, () => store.reload('watch'))
    expect(result.findings).toMatchObject([{ file: 'a.yaml', code: 'file-unreadable' }])
    expect(store.live()).toEqual({ a: 1, b: 2 })
    await chmod(join(folder, 'a.yaml'), 0o644)
    await unprivileged(folder, () => store.reload('watch'))
    expect(store.live()).toEqual({ a: 2, b: 2 })
  })
})

describe('files that contradict each other', () => {
  test('two files for one bucket are both errors, and the last good rules stay', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    await writeFile(join(folder, 'a.json'), JSON.stringify({ rules: [] }))
    const result = await store.reload('watch')
    expect(result.findings.map(({ file, code }) => [file, code])).toEqual(
      expect.arrayContaining([
        ['a.json', 'duplicate-bucket'],
        ['a.yaml', 'duplicate-bucket'],
      ]),
    )
    expect(result.snapshot.files.map(({ file, state }) => [file, state])).toEqual([
      ['a.json', 'stale'],
      ['a.yaml', 'stale'],
      ['b.yaml', 'ok'],
    ])
    expect(store.live()).toEqual({ a: 1, b: 1 })
    await unlink(join(folder, 'a.json'))
    expect(await store.reload('watch')).toMatchObject({ result: 'applied', successful: true })
    expect(store.live()).toEqual({ a: 1, b: 1 })
  })

  test('two files for one bucket at start leave it without rules', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'a.yml': rulesOf(2) })
    const store = storeOn(folder)
    await store.reload('start')
    expect(store.live()).toEqual({ a: 'none' })
  })

  const withHost = (version: number, host: string): string => rulesOf(version, `hosts: [${host}]\n`)

  test('one host in two files: both are in error, with the place of the host', async () => {
    const folder = await folderWith(await temporaryFolder(), {
      'a.yaml': withHost(1, 'img.example'),
      'b.yaml': rulesOf(1),
    })
    const store = storeOn(folder)
    await store.reload('start')
    await writeFile(join(folder, 'b.yaml'), withHost(2, 'img.example'))
    const result = await store.reload('watch')
    expect(result.findings.filter(({ code }) => code === 'duplicate-host')).toMatchObject([
      { file: 'a.yaml', line: 1, column: 9, code: 'duplicate-host' },
      { file: 'b.yaml', line: 1, column: 9, code: 'duplicate-host' },
    ])
    expect(store.live()).toEqual({ a: 1, b: 1 })
    expect([...store.current().hosts]).toEqual([['img.example', 'a']])
    await writeFile(join(folder, 'a.yaml'), rulesOf(3))
    await store.reload('watch')
    expect(store.live()).toEqual({ a: 3, b: 2 })
    expect([...store.current().hosts]).toEqual([['img.example', 'b']])
  })

  test('a host moves to another file in one step', async () => {
    const folder = await folderWith(await temporaryFolder(), {
      'a.yaml': withHost(1, 'img.example'),
      'b.yaml': rulesOf(1),
    })
    const store = storeOn(folder)
    await store.reload('start')
    await writeFile(join(folder, 'a.yaml'), rulesOf(2))
    await writeFile(join(folder, 'b.yaml'), withHost(2, 'img.example'))
    expect(await store.reload('watch')).toMatchObject({ result: 'applied', successful: true })
    expect([...store.current().hosts]).toEqual([['img.example', 'b']])
  })

  test('a host does not move because the file that has it gets an error', async () => {
    const folder = await folderWith(await temporaryFolder(), {
      'a.yaml': withHost(1, 'img.example'),
      'b.yaml': rulesOf(1),
    })
    const store = storeOn(folder)
    await store.reload('start')
    await writeFile(join(folder, 'a.yaml'), broken)
    await writeFile(join(folder, 'b.yaml'), withHost(2, 'img.example'))
    const { findings } = await store.reload('watch')
    expect(findings.filter(({ code }) => code === 'duplicate-host')).toMatchObject([{ file: 'b.yaml' }])
    expect([...store.current().hosts]).toEqual([['img.example', 'a']])
    expect(store.live()).toEqual({ a: 1, b: 1 })
  })

  const claims = (host: string): string => `hosts: [${host}]\nrules: [{allowedOrigins: nothing}]\n`

  test('a host that a bad file claims from the start leads to its bucket, which has no rules', async () => {
    const folder = await folderWith(await temporaryFolder(), {
      'a.yaml': claims('IMG.example'),
      'b.yaml': withHost(1, 'doc.example'),
      'c.yaml': withHost(1, 'doc.example'),
      '_default.yaml': claims('any.example'),
    })
    const store = storeOn(folder)
    await store.reload('start')
    const hosts = store.current().hosts
    expect(hosts.get('img.example')).toBe('a')
    expect(['b', 'c']).toContain(hosts.get('doc.example'))
    expect(hosts.size).toBe(2)
    expect(store.live()).toEqual({ a: 'none', b: 'none', c: 'none', _default: 'none' })

    await writeFile(join(folder, 'a.yaml'), claims('new.example'))
    await store.reload('watch')
    expect(store.current().hosts.has('img.example')).toBe(false)
    expect(store.current().hosts.get('new.example')).toBe('a')
  })

  test('a host that a file with an error claims is not used for another file, in either order of the two', async () => {
    for (const first of ['a.yaml', 'b.yaml']) {
      const both = { 'a.yaml': claims('img.example'), 'b.yaml': withHost(1, 'img.example') }
      const folder = await folderWith(await temporaryFolder(), { [first]: both[first as keyof typeof both] })
      const store = storeOn(folder)
      await store.reload('start')
      await folderWith(folder, both)
      const { findings } = await store.reload('watch')
      expect(findings.filter(({ code }) => code === 'duplicate-host')).toMatchObject([{ file: 'b.yaml' }])
      // What was live stays: nothing, or the rules of the file that was valid before.
      const live = first === 'b.yaml' ? 1 : 'none'
      expect(store.live()).toEqual({ a: 'none', b: live })
      expect(store.live()[store.current().hosts.get('img.example') ?? '']).toBe(live)
    }
  })
})

describe('names in the directory', () => {
  test('hidden files, backups and folders are not read and not reported', async () => {
    const folder = await folderWith(await temporaryFolder(), {
      'a.yaml': rulesOf(1),
      '.hidden.yaml': rulesOf(2),
      '.a.yaml.swp': 'x',
      'a.yaml~': rulesOf(3),
      'a.yaml.bak': rulesOf(4),
      'a.yaml.tmp': rulesOf(5),
    })
    await folderWith(join(folder, 'presets'), { 'b.yaml': rulesOf(6) })
    await mkdir(join(folder, 'c.yaml'))
    const store = storeOn(folder)
    expect(await store.reload('start')).toMatchObject({ successful: true, findings: [] })
    expect(store.live()).toEqual({ a: 1 })
    expect(store.current().files).toHaveLength(1)
  })

  test('that share their content are read once, and each is reported under its own name', async () => {
    const lax = 'rules:\n  - {allowedOrigins: ["*"], allowedMethods: [GET], maxAgeSeconds: 100000}\n'
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': lax, 'b.yaml': lax, 'c.yml': lax })
    const read: string[] = []
    const store = storeOn(folder, {
      async read(file, bytes, dialect) {
        read.push(file)
        return readRules(file, bytes, dialect)
      },
    })
    const { findings } = await store.reload('start')
    expect(store.live()).toEqual({ a: 100_000, b: 100_000, c: 100_000 })
    expect(store.current().buckets.get('b')?.name).toBe('b')
    // a.yaml or b.yaml, depending on which look ends first. The format is part of the content.
    expect(read.map(extname).sort()).toEqual(['.yaml', '.yml'])
    const byFile = Map.groupBy(findings, ({ file }) => file)
    expect([...byFile.keys()]).toEqual(['a.yaml', 'b.yaml', 'c.yml'])
    expect(byFile.get('b.yaml')).toEqual(
      byFile.get('a.yaml')?.map((finding) => ({ ...finding, file: 'b.yaml' })),
    )
  })

  test('a file name that cannot be a bucket is an error', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a b.yaml': rulesOf(1), 'a.yaml': rulesOf(2) })
    const store = storeOn(folder)
    const result = await store.reload('start')
    expect(result.findings).toMatchObject([{ file: 'a b.yaml', code: 'bucket-name', severity: 'error' }])
    expect(store.current().files).toMatchObject([{ file: 'a b.yaml', state: 'invalid' }, { state: 'ok' }])
    expect(store.live()).toMatchObject({ a: 2 })
  })

  test('a file name that may be a mistake is reported once, and is no failure', async () => {
    const folder = await folderWith(await temporaryFolder(), {
      README: 'x',
      'b.YAML': rulesOf(1),
      'a.yaml': rulesOf(2),
    })
    const store = storeOn(folder)
    const result = await store.reload('start')
    expect(result.successful).toBe(true)
    expect(result.findings.map(({ file, severity }) => [file, severity])).toEqual([
      ['README', 'warning'],
      ['b.YAML', 'warning'],
    ])
    expect(store.live()).toEqual({ a: 2 })
    await writeFile(join(folder, 'LICENSE'), 'x')
    expect((await store.reload('watch')).findings).toMatchObject([{ file: 'LICENSE' }])
    expect((await store.reload('watch')).findings).toEqual([])
  })
})

describe('a directory that goes away', () => {
  test('keeps all rules, and takes effect again when it is back', async () => {
    const folder = join(await temporaryFolder(), 'rules')
    await folderWith(folder, { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    const before = store.current()
    await rm(folder, { recursive: true })
    for (const cause of ['watch', 'rescan', 'request'] as const)
      expect(await store.reload(cause)).toMatchObject({
        result: 'failed',
        successful: false,
        failure: 'it does not exist',
        changes: [],
      })
    expect(store.current()).toBe(before)
    await folderWith(folder, { 'a.yaml': rulesOf(2), 'b.yaml': rulesOf(1) })
    expect(await store.reload('rescan')).toMatchObject({ result: 'applied', successful: true })
    expect(store.live()).toEqual({ a: 2, b: 1 })
  })

  test('or becomes unreadable keeps all rules', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    const failure = 'permission denied: check its owner and mode'
    const result = await unprivileged(folder, async () => {
      await chmod(folder, 0)
      return store.reload('rescan').finally(() => chmod(folder, 0o755))
    })
    expect(result).toMatchObject({ result: 'failed', failure })
    expect(store.live()).toEqual({ a: 1 })
    expect(await store.reload('rescan')).toMatchObject({ result: 'unchanged', successful: true })
  })

  test('and one that is emptied counts as missing until the rescan after next', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    await unlink(join(folder, 'a.yaml'))
    await unlink(join(folder, 'b.yaml'))
    const failure = 'it no longer has any rule file, as when a volume is unmounted'
    expect(await store.reload('watch')).toMatchObject({
      result: 'failed',
      failure,
      pending: ['a.yaml', 'b.yaml'],
    })
    expect(await store.reload('request')).toMatchObject({ result: 'failed', failure })
    expect(store.live()).toEqual({ a: 1, b: 1 })
    store.clock.pass(5_000)
    expect(await store.reload('rescan')).toMatchObject({ result: 'applied', successful: true, pending: [] })
    expect(store.live()).toEqual({})
  })

  test('and one that is emptied and filled again never loses its rules', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    const before = store.current()
    await unlink(join(folder, 'a.yaml'))
    await store.reload('watch')
    await writeFile(join(folder, 'a.yaml'), rulesOf(1))
    store.clock.pass(5_000)
    expect(await store.reload('rescan')).toMatchObject({ result: 'unchanged', successful: true })
    expect(store.current()).toBe(before)
  })

  test('but a file that the bucket CORS API deleted is gone at once, also the last one', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    await unlink(join(folder, 'a.yaml'))
    expect(await store.reload('bucket-cors')).toMatchObject({
      result: 'applied',
      failure: undefined,
      pending: [],
    })
    expect(store.live()).toEqual({})
  })
})

describe('a file that is being written', () => {
  const whole = rulesOf(600)
  const cuts = Array.from({ length: whole.length - 1 }, (_, index) => index + 1)

  test.each([
    ['in place', (path: string, text: string) => writeFile(path, text)],
    ['as a new file', async (path: string, text: string) => rm(path).then(() => writeFile(path, text))],
  ])('%s never goes live half written, wherever it is cut', async (_case, write) => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    const path = join(folder, 'a.yaml')
    const generations: unknown[] = []
    store.subscribe(() => generations.push(store.live().a))
    for (const cut of cuts) {
      await write(path, whole.slice(0, cut))
      store.clock.duringNextWait(() => writeFile(path, whole))
      await store.reload('watch')
      expect(store.live()).toEqual({ a: 600 })
      await writeFile(path, rulesOf(1))
      await store.reload('watch')
    }
    expect(new Set(generations)).toEqual(new Set([600, 1]))
  })

  test('again and again with the same bytes is still being written', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    const path = join(folder, 'a.yaml')
    const half = 'rules: []\n'
    await writeFile(path, half)
    store.clock.duringNextWait(async () => {
      await writeFile(path, half)
      await utimes(path, new Date(), new Date(Date.now() + 1_000))
      store.clock.duringNextWait(() => writeFile(path, rulesOf(2)))
    })
    await store.reload('watch')
    expect(store.live()).toEqual({ a: 2 })
    expect(store.current().generation).toBe(2)
  })

  test('with its last line incomplete is waited for longer', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    await writeFile(join(folder, 'a.yaml'), 'rules: []\nhosts: [a.exam')
    const started = store.clock.elapsed()
    store.clock.duringNextWait(async () => {
      expect(store.clock.elapsed() - started).toBeGreaterThanOrEqual(400)
      expect(store.live()).toEqual({ a: 1 })
      await writeFile(join(folder, 'a.yaml'), rulesOf(2))
    })
    await store.reload('watch')
    expect(store.live()).toEqual({ a: 2 })
  })

  test('without end keeps its last good rules, is reported, and does not delay the others', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    let version = 2
    const again = async (): Promise<void> => {
      await writeFile(join(folder, 'a.yaml'), rulesOf(version++))
      store.clock.duringNextWait(again)
    }
    await again()
    await writeFile(join(folder, 'b.yaml'), rulesOf(2))
    expect(await store.reload('watch')).toMatchObject({ result: 'applied', pending: ['a.yaml'] })
    expect(store.live()).toEqual({ a: 1, b: 2 })
    store.clock.duringNextWait(async () => {})
    expect(await store.reload('rescan')).toMatchObject({ result: 'applied', pending: [] })
    expect(store.live()).toEqual({ a: version - 1, b: 2 })
  })

  test('all the time delays no other file, and is loaded when it stops changing', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    let version = 2
    let isHot = true
    const again = async (): Promise<void> => {
      if (isHot) await writeFile(join(folder, 'a.yaml'), rulesOf(version++))
      if (isHot) store.clock.duringNextWait(again)
    }
    await again()
    await store.reload('watch')
    await writeFile(join(folder, 'b.yaml'), rulesOf(2))
    const began = store.clock.elapsed()
    await again()
    expect(await store.reload('watch')).toMatchObject({ result: 'applied', pending: ['a.yaml'] })
    expect(store.live()).toEqual({ a: 1, b: 2 })
    expect(store.clock.elapsed() - began).toBeLessThanOrEqual(300)
    isHot = false
    expect(await store.reload('watch')).toMatchObject({ pending: [] })
    expect(store.live()).toEqual({ a: version - 1, b: 2 })
  })

  test('under another name and renamed is loaded at once', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    for (const version of [2, 3, 4]) {
      const began = store.clock.elapsed()
      const beside = join(folder, '.new')
      await writeFile(beside, rulesOf(version).trimEnd())
      // Written a while ago, because within one tick of the clock a rename leaves no trace.
      await utimes(beside, new Date(), new Date(Date.now() - 1_000))
      await rename(beside, join(folder, 'a.yaml'))
      await store.reload('watch')
      expect(store.live()).toEqual({ a: version })
      expect(store.clock.elapsed()).toBe(began)
    }
    // Written in place, the same file needs the debounce time.
    const began = store.clock.elapsed()
    await writeFile(join(folder, 'a.yaml'), rulesOf(5))
    await store.reload('watch')
    expect(store.live()).toEqual({ a: 5 })
    expect(store.clock.elapsed() - began).toBeGreaterThanOrEqual(150)
  })

  test('and deleted before it is complete is never loaded', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    await writeFile(join(folder, 'b.yaml'), rulesOf(1))
    store.clock.duringNextWait(() => unlink(join(folder, 'b.yaml')))
    expect(await store.reload('watch')).toMatchObject({ result: 'unchanged', pending: [] })
    expect(store.live()).toEqual({ a: 1 })
  })

  test('and missing for a moment keeps its rules throughout', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    const before = store.current()
    await unlink(join(folder, 'a.yaml'))
    store.clock.duringNextWait(() => writeFile(join(folder, 'a.yaml'), rulesOf(1)))
    expect(await store.reload('watch')).toMatchObject({ result: 'unchanged' })
    expect(store.current()).toBe(before)
  })
})

describe('reloads that are asked for together', () => {
  test('run one after the other, and those that wait share one', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
    const store = storeOn(folder)
    const received: ReloadResult[] = []
    store.subscribe((result) => received.push(result))
    const first = store.reload('start')
    const waiting = [store.reload('watch'), store.reload('rescan'), store.reload('request')]
    expect((await first).cause).toBe('start')
    const results = await Promise.all(waiting)
    expect(new Set(results).size).toBe(1)
    expect(received).toEqual([await first, results[0]])
    expect(results[0]).toMatchObject({ cause: 'watch', result: 'unchanged' })
    await store.reload('signal')
    expect(received).toHaveLength(3)
  })

  test('see what was written before they were asked for', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
    const store = storeOn(folder)
    const first = store.reload('start')
    for (let version = 2; version < 12; version++) {
      await replace(folder, 'a.yaml', rulesOf(version))
      const result = await store.reload('request')
      expect(result.snapshot.buckets.get('a')?.rules[0]?.rule.maxAgeSeconds).toBe(version)
    }
    await first
  })

  test('count as asked for by the bucket CORS API when one of them is', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    await unlink(join(folder, 'a.yaml'))
    const results = await Promise.all([
      store.reload('watch'),
      store.reload('rescan'),
      store.reload('bucket-cors'),
    ])
    expect(results.map(({ result }) => result)).toEqual(['failed', 'applied', 'applied'])
    expect(store.live()).toEqual({})
  })
})

test('an unsubscribed listener is not called', async () => {
  const store = storeOn(await temporaryFolder())
  let heard = 0
  const unsubscribe = store.subscribe(() => heard++)
  await store.reload('start')
  unsubscribe()
  await store.reload('request')
  expect(heard).toBe(1)
})

async function makeFifo(path: string): Promise<void> {
  execFileSync('mkfifo', [path])
}

/** Runs `action` without root's permission to read everything. */
async function unprivileged<Result>(folder: string, action: () => Promise<Result>): Promise<Result> {
  if (process.getuid?.() !== 0) return action()
  const nobody = 65_534
  await chmod(folder, 0o755)
  await chown(folder, nobody, nobody)
  process.seteuid?.(nobody)
  try {
    return await action()
  } finally {
    process.seteuid?.(0)
  }
}
