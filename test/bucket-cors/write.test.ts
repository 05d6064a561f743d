import { mkdir, rename, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { type SidecarOptions, startSidecar, type TestSidecar } from './sidecar.ts'

let running: TestSidecar | undefined
async function start(options?: SidecarOptions): Promise<TestSidecar> {
  running = await startSidecar(options)
  return running
}
afterEach(async () => {
  expect(running?.failures ?? []).toEqual([])
  await running?.close()
  running = undefined
})

const origin = 'https://example.com'
const document = (allowed = origin, more = ''): string =>
  `<CORSConfiguration><CORSRule><AllowedOrigin>${allowed}</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>${more}</CORSRule></CORSConfiguration>`

const rules = (allowed = origin): string =>
  `rules:\n  - allowedOrigins: ["${allowed}"]\n    allowedMethods: [PUT]\n`

describe.each(['cos', 'oss', 's3'] as const)('%s', (dialect) => {
  test('a put is live before the response, comes back from get, and is gone after delete', async () => {
    const sidecar = await start({ dialect })
    expect((await sidecar.call('GET')).status).toBe(404)
    expect((await sidecar.preflight(origin)).status).toBe(403)

    const put = await sidecar.call('PUT', document())
    expect(put).toMatchObject({ status: 200, body: '' })
    expect(put.headers['content-type']).toBeUndefined()
    expect((await sidecar.preflight(origin)).status).toBe(200)
    expect((await sidecar.preflight('https://evil.example')).status).toBe(403)
    const got = await sidecar.call('GET')
    expect(got.status).toBe(200)
    expect(got.headers['content-type']).toBe('application/xml')
    expect(got.body).toContain(`<AllowedOrigin>${origin}</AllowedOrigin>`)
    expect(await sidecar.list()).toEqual(['photos.yaml'])
    expect(await sidecar.read('photos.yaml')).toBe(rules())
    expect((await stat(join(sidecar.directory, 'photos.yaml'))).mode & 0o777).toBe(0o640)

    const removed = await sidecar.call('DELETE')
    expect(removed).toMatchObject({ status: 204, body: '' })
    expect((await sidecar.preflight(origin)).status).toBe(403)
    expect((await sidecar.call('GET')).status).toBe(404)
    expect((await sidecar.call('DELETE')).status).toBe(204)
    expect(await sidecar.list()).toEqual([])
    // The store is only asked whether the bucket exists.
    expect(new Set(sidecar.storeRequests.map(({ method }) => method))).toEqual(new Set(['HEAD']))
  })

  test('a caller who is not verified changes nothing and learns nothing', async () => {
    const sidecar = await start({ dialect, files: { 'photos.yaml': rules() } })
    const host = `127.0.0.1:${sidecar.port}`
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const body = method === 'PUT' ? document('*') : ''
      const unsigned = await sidecar.send({ method, target: '/photos/?cors', host, body })
      expect(unsigned.status).toBe(403)
      expect(unsigned.body).toContain('<Code>AccessDenied</Code>')
      const wrong = await sidecar.call(method, body, { secret: 'guess' })
      expect(wrong.status).toBe(403)
      expect(wrong.body).toContain('<Code>SignatureDoesNotMatch</Code>')
      for (const { body: text } of [unsigned, wrong]) expect(text).not.toContain('example.com')
    }
    expect(await sidecar.read('photos.yaml')).toBe(rules())
    expect(sidecar.audits).toEqual([])
    expect(sidecar.storeRequests).toEqual([])
  })
})

describe('who may', () => {
  const tied = `accessKeys:\n  - {id: AKIDEXAMPLE, secret: "secret/with+signs", buckets: [docs]}\n`

  test('a key that names other buckets is refused', async () => {
    const sidecar = await start({ credentials: tied, dialect: 's3' })
    const denied = await sidecar.call('PUT', document())
    expect(denied.status).toBe(403)
    expect(denied.body).toContain('not allowed to use the CORS API of this bucket')
    expect(await sidecar.list()).toEqual([])
    const docs = { target: '/docs/?cors', bucket: 'docs' }
    expect((await sidecar.call('PUT', document(), docs)).status).toBe(200)
  })

  test('the credentials file is read again when it changes; while it is invalid, no key is accepted', async () => {
    const sidecar = await start({ dialect: 's3' })
    expect((await sidecar.call('GET')).status).toBe(404)
    await writeFile(sidecar.credentialsFile, tied)
    expect((await sidecar.call('GET')).status).toBe(403)
    await writeFile(sidecar.credentialsFile, `accessKeys: [{id: AKIDEXAMPLE, secret: "secret/with+signs"\n`)
    const broken = await sidecar.call('GET')
    expect(broken.status).toBe(503)
    expect(broken.body).toContain('<Code>ServiceUnavailable</Code>')
    const reported = sidecar.problems.length
    expect(reported).toBeGreaterThan(0)
    expect(sidecar.problems.join()).not.toContain('with+signs')
    await sidecar.call('GET')
    expect(sidecar.problems).toHaveLength(reported)
    await writeFile(sidecar.credentialsFile, tied.replace(', buckets: [docs]', ''))
    expect((await sidecar.call('GET')).status).toBe(404)
  })
})

test('the digest of an empty body is compared, too', async () => {
  const sidecar = await start({ dialect: 'oss', files: { 'photos.yaml': rules() } })
  const wrong = { headers: { 'Content-MD5': 'AAAAAAAAAAAAAAAAAAAAAA==' } }
  const empty = { headers: { 'Content-MD5': '1B2M2Y8AsgTpgAmY7PhCfg==' } }
  for (const method of ['GET', 'DELETE']) {
    expect((await sidecar.call(method, undefined, wrong)).body).toContain('<Code>BadDigest</Code>')
    expect((await sidecar.call(method, undefined, empty)).status).toBeLessThan(300)
  }
})

describe('what is put', () => {
  test.each([
    ['no XML', '{}', 'MalformedXML'],
    ['cut off', document().slice(0, -5), 'MalformedXML'],
    ['a DOCTYPE', `<!DOCTYPE a [<!ENTITY x "y">]>${document()}`, 'MalformedXML'],
    ['a wrong root', document().replaceAll('CORSConfiguration', 'Configuration'), 'MalformedXML'],
    ['no rule', '<CORSConfiguration></CORSConfiguration>', 'MalformedXML'],
    ['no origin', document().replace(/<AllowedOrigin>.*<\/AllowedOrigin>/, ''), 'MalformedXML'],
    ['no method', document().replace(/<AllowedMethod>.*<\/AllowedMethod>/, ''), 'MalformedXML'],
    ['seconds that are no number', document(origin, '<MaxAgeSeconds>soon</MaxAgeSeconds>'), 'MalformedXML'],
    ['two wildcards', document('https://*.*.example'), 'InvalidRequest'],
    ['an unsupported method', document().replace('PUT', 'PATCH'), 'InvalidRequest'],
    ['a lower-case method', document().replace('PUT', 'put'), 'InvalidRequest'],
    ['a wildcard to expose', document(origin, '<ExposeHeader>x-*</ExposeHeader>'), 'InvalidRequest'],
    [
      'a header that would split lines',
      document(origin, '<ExposeHeader>a&#13;b</ExposeHeader>'),
      'InvalidRequest',
    ],
    ['an origin with a path', document('https://example.com/x'), 'InvalidRequest'],
    ['UTF-16', Buffer.from(document(), 'utf16le').toString('latin1'), 'MalformedXML'],
    ['nothing', '', 'MalformedXML'],
  ])('%s is refused as %s', async (_, body, code) => {
    const sidecar = await start({ dialect: 's3', files: { 'photos.yaml': rules() } })
    const answer = await sidecar.call('PUT', body)
    expect(answer.status).toBe(400)
    expect(answer.body).toContain(`<Code>${code}</Code>`)
    expect(await sidecar.read('photos.yaml')).toBe(rules())
    expect(sidecar.audits).toEqual([])
  })

  test('an unknown element may be repeated', async () => {
    const sidecar = await start()
    const more = '<Future>1</Future><Future><Deep/></Future>'
    const body = document(origin, more).replace('</CORSConfiguration>', `${more}</CORSConfiguration>`)
    expect((await sidecar.call('PUT', body)).status).toBe(200)
    expect(await sidecar.read('photos.yaml')).toBe(rules())
  })

  test('an unknown element is ignored; an origin with only a warning is stored', async () => {
    const sidecar = await start({ dialect: 's3' })
    const body = document('*', '<FutureElement>x</FutureElement>')
    expect((await sidecar.call('PUT', body)).status).toBe(200)
    expect(await sidecar.read('photos.yaml')).toBe(rules('*'))
  })

  test.each([
    ['cos', 65_536],
    ['oss', 16_384],
  ] as const)('%s accepts no more than %i bytes, with any Content-Length', async (dialect, limit) => {
    const sidecar = await start({ dialect })
    const body = document().padEnd(limit, ' ')
    expect((await sidecar.call('PUT', body)).status).toBe(200)
    for (const headers of [undefined, { 'Transfer-Encoding': 'chunked' }]) {
      const answer = await sidecar.call('PUT', `${body} `, headers === undefined ? {} : { headers })
      expect(answer.status).toBe(400)
      expect(answer.body).toContain('<Code>EntityTooLarge</Code>')
    }
  })

  test('a body that differs from its digest and a malformed digest are refused', async () => {
    const sidecar = await start({ dialect: 'oss' })
    const bad = await sidecar.call('PUT', document(), {
      headers: { 'Content-MD5': 'AAAAAAAAAAAAAAAAAAAAAA==' },
    })
    expect(bad.status).toBe(400)
    expect(bad.body).toContain('<Code>BadDigest</Code>')
    const invalid = await sidecar.call('PUT', document(), { headers: { 'Content-MD5': 'xyz' } })
    expect(invalid.status).toBe(400)
    expect(invalid.body).toContain('<Code>InvalidDigest</Code>')
    expect(await sidecar.list()).toEqual([])
  })

  test('ids, headers and seconds survive, and so does the case of header names', async () => {
    const sidecar = await start()
    const more =
      '<ID>a &amp; b</ID><AllowedHeader>X-Cos-Meta-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>0</MaxAgeSeconds>'
    const body = document(origin, more).replace('</CORSConf', '<ResponseVary>true</ResponseVary></CORSConf')
    expect((await sidecar.call('PUT', body)).status).toBe(200)
    expect((await sidecar.call('GET')).body).toBe(
      [
        "<?xml version='1.0' encoding='utf-8' ?>",
        '<CORSConfiguration>',
        '\t<CORSRule>',
        '\t\t<ID>a &amp; b</ID>',
        `\t\t<AllowedOrigin>${origin}</AllowedOrigin>`,
        '\t\t<AllowedMethod>PUT</AllowedMethod>',
        '\t\t<AllowedHeader>X-Cos-Meta-*</AllowedHeader>',
        '\t\t<ExposeHeader>ETag</ExposeHeader>',
        '\t\t<MaxAgeSeconds>0</MaxAgeSeconds>',
        '\t</CORSRule>',
        '\t<ResponseVary>true</ResponseVary>',
        '</CORSConfiguration>',
        '',
      ].join('\n'),
    )
  })
})

describe('files that people wrote', () => {
  const json = JSON.stringify({
    CORSRules: [{ AllowedOrigins: ['https://a.example'], AllowedMethods: ['GET'] }],
  })
  const xml = document('https://a.example')
  test.each([
    ['JSON', 'photos.json', json, 'is JSON'],
    ['XML', 'photos.xml', xml, 'is XML'],
    ['comments', 'photos.yaml', `# ours\n${rules('https://a.example')}`, 'carries comments'],
    [
      'a comment behind a value',
      'photos.yaml',
      rules('https://a.example').replace(/\n$/, ' # x\n'),
      'comments',
    ],
    ['errors', 'photos.yaml', 'rules: [{allowedOrigins: nothing}]\n', 'has errors'],
  ])('a file with %s is not rewritten, and not deleted, unless that is asked for', async (_, file, text, reason) => {
    const sidecar = await start({ files: { [file]: text } })
    for (const method of ['PUT', 'DELETE']) {
      const answer = await sidecar.call(method, method === 'PUT' ? document() : undefined)
      expect(answer.status).toBe(409)
      expect(answer.body).toContain(reason)
    }
    expect(await sidecar.read(file)).toBe(text)
    expect(sidecar.audits).toEqual([])
    await sidecar.close()

    const bold = await start({ files: { [file]: text }, overwriteAuthored: true })
    expect((await bold.call('PUT', document())).status).toBe(200)
    expect(await bold.list()).toEqual([file])
    expect((await bold.call('GET')).body).toContain(origin)
    expect((await bold.preflight(origin)).status).toBe(200)
    expect((await bold.call('DELETE')).status).toBe(204)
    expect(await bold.list()).toEqual([])
  })

  test('putting the same content changes no file, of a person or of the API', async () => {
    const text = `# ours\n${rules()}`
    const sidecar = await start({ files: { 'photos.yaml': text } })
    expect((await sidecar.call('PUT', document())).status).toBe(200)
    expect(await sidecar.read('photos.yaml')).toBe(text)
    expect(sidecar.audits).toEqual([])
  })

  test('the yaml-language-server line does not count as a comment, and is kept', async () => {
    const modeline = '# yaml-language-server: $schema=schema/rule-file.json\n'
    const sidecar = await start({ files: { 'photos.yaml': modeline + rules('https://a.example') } })
    expect((await sidecar.call('PUT', document())).status).toBe(200)
    expect(await sidecar.read('photos.yaml')).toBe(modeline + rules())
  })

  test('the same content is not live while another file claims its host', async () => {
    const hosts = 'hosts: [assets.example.com]\n'
    const files = { 'photos.yaml': rules() + hosts, 'docs.yaml': rules() + hosts }
    const sidecar = await start({ files })
    const answer = await sidecar.call('PUT', document())
    expect(answer.status).toBe(503)
    expect(answer.body).toContain('not active yet')
    expect((await sidecar.preflight(origin)).status).toBe(403)
    expect(await sidecar.read('photos.yaml')).toBe(rules() + hosts)
  })

  test('a symbolic link is left alone', async () => {
    const sidecar = await start()
    const target = join(sidecar.directory, '.elsewhere')
    await writeFile(target, rules('https://a.example'))
    await symlink(target, join(sidecar.directory, 'photos.yaml'))
    const answer = await sidecar.call('PUT', document())
    expect(answer.status).toBe(409)
    expect(answer.body).toContain('a link')
  })

  test('a symbolic link that leads nowhere is left alone', async () => {
    const sidecar = await start()
    await symlink(join(sidecar.directory, '.missing'), join(sidecar.directory, 'photos.yaml'))
    const answer = await sidecar.call('PUT', document())
    expect(answer.status).toBe(409)
    expect(answer.body).toContain('a link')
  })

  test('two files for one bucket are left alone', async () => {
    const sidecar = await start({
      files: { 'photos.yaml': rules(), 'photos.json': json },
      overwriteAuthored: true,
    })
    for (const method of ['PUT', 'DELETE'])
      expect((await sidecar.call(method, method === 'PUT' ? document() : undefined)).status).toBe(409)
    expect(await sidecar.list()).toEqual(['photos.json', 'photos.yaml'])
  })

  test('a .yml file is rewritten in place, and its other fields are kept', async () => {
    const settings = 'mode: enforce\nvary: dialect\nhosts: [assets.example.com]\n'
    const tests = `tests:\n  - {origin: "https://evil.example", method: PUT, expect: deny}\n`
    const sidecar = await start({ files: { 'photos.yml': rules('https://a.example') + settings + tests } })
    expect((await sidecar.call('PUT', document())).status).toBe(200)
    expect(await sidecar.list()).toEqual(['photos.yml'])
    const kept =
      'vary: dialect\nhosts: ["assets.example.com"]\ntests:\n  - {origin: "https://evil.example", method: PUT, expect: deny}\n'
    expect(await sidecar.read('photos.yml')).toBe(rules() + kept)

    const failing = await sidecar.call('PUT', document('*'))
    expect(failing.status).toBe(409)
    expect(failing.body).toContain('tests')
    expect(await sidecar.read('photos.yml')).toBe(rules() + kept)

    expect((await sidecar.call('DELETE')).status).toBe(204)
    expect(await sidecar.read('photos.yml')).toBe(`rules: []\n${kept}`)
    expect((await sidecar.call('GET')).status).toBe(404)
    expect((await sidecar.preflight(origin)).status).toBe(403)
  })

  test('a deletion that the tests of the file forbid is refused', async () => {
    const tests = `tests:\n  - {origin: "${origin}", method: PUT, expect: allow}\n`
    const sidecar = await start({ files: { 'photos.yaml': rules() + tests } })
    expect((await sidecar.call('DELETE')).status).toBe(409)
    expect(await sidecar.read('photos.yaml')).toBe(rules() + tests)
  })

  test('_default does not answer GET, and is never written', async () => {
    const sidecar = await start({ files: { '_default.yaml': rules('https://a.example') } })
    expect((await sidecar.preflight('https://a.example')).status).toBe(200)
    expect((await sidecar.call('GET')).status).toBe(404)
    expect((await sidecar.call('PUT', document())).status).toBe(200)
    expect(await sidecar.list()).toEqual(['_default.yaml', 'photos.yaml'])
    expect((await sidecar.preflight('https://a.example')).status).toBe(403)
    const special = await sidecar.call('PUT', document(), { target: '/_default/?cors', bucket: '_default' })
    expect(special.status).toBe(501)
    expect(await sidecar.read('_default.yaml')).toBe(rules('https://a.example'))
  })
})

test('a bucket that gets its first file keeps the dialect of _default', async () => {
  const sidecar = await start({
    dialect: 's3',
    files: { '_default.yaml': `dialect: oss\n${rules('https://a.example')}` },
  })
  expect((await sidecar.call('PUT', document())).status).toBe(200)
  expect(await sidecar.read('photos.yaml')).toBe(`${rules()}dialect: oss\n`)
  expect((await sidecar.preflight(origin)).headers['x-oss-request-id']).toBeDefined()
})

describe('names and paths', () => {
  test.each([
    '/..%2fphotos/?cors',
    '/%2e%2e/?cors',
    '/.photos/?cors',
    '/photos%00/?cors',
    '/-photos/?cors',
    `/${'a'.repeat(64)}/?cors`,
    '//photos/?cors',
  ])('%s writes no file', async (target) => {
    const sidecar = await start({ dialect: 's3' })
    await sidecar.call('PUT', document(), { target })
    expect(await sidecar.list()).toEqual([])
    expect(sidecar.audits).toEqual([])
  })

  test('?cors twice, or with another sub-resource, is refused', async () => {
    const sidecar = await start()
    for (const target of ['/photos/?cors&lifecycle', '/photos/?cors&cors', '/photos/?cors&%63ors='])
      expect((await sidecar.call('PUT', document(), { target })).status).toBe(400)
    expect(await sidecar.list()).toEqual([])
  })
})

describe('the audit', () => {
  test('logs who changed which bucket, with the old and the new rules', async () => {
    const sidecar = await start({ files: { 'photos.yaml': rules('https://a.example') } })
    await sidecar.call('PUT', document())
    await sidecar.call('DELETE')
    const before = { allowedOrigins: ['https://a.example'] }
    const after = { allowedOrigins: [origin] }
    const who = { accessKeyId: 'AKIDEXAMPLE', bucket: 'photos', file: 'photos.yaml', client: '127.0.0.1' }
    expect(sidecar.audits).toMatchObject([
      { ...who, action: 'put', from: [before], to: [after] },
      { ...who, action: 'delete', from: [after], to: [] },
    ])
    for (const { requestId } of sidecar.audits) expect(requestId).not.toBe('')
  })
})

describe('the disk', () => {
  test('concurrent writers leave one complete configuration, and each gets an answer', async () => {
    const sidecar = await start()
    const origins = Array.from({ length: 12 }, (_, i) => `https://writer-${i}.example`)
    const answers = await Promise.all(origins.map((allowed) => sidecar.call('PUT', document(allowed))))
    expect(answers.map(({ status }) => status)).toEqual(origins.map(() => 200))
    expect(sidecar.audits.map(({ from }) => from[0]?.allowedOrigins[0])).toEqual([
      undefined,
      ...sidecar.audits.slice(0, -1).map(({ to }) => to[0]?.allowedOrigins[0]),
    ])
    expect(await sidecar.list()).toEqual(['photos.yaml'])
    const last = sidecar.audits.at(-1)?.to[0]?.allowedOrigins[0] ?? ''
    expect(await sidecar.read('photos.yaml')).toBe(rules(last))
    expect((await sidecar.preflight(last)).status).toBe(200)
  })

  test('a missing rules directory gives 503, and the old rules stay', async () => {
    const sidecar = await start({ files: { 'photos.yaml': rules('https://a.example') } })
    await rename(sidecar.directory, `${sidecar.directory}-away`)
    for (const method of ['PUT', 'DELETE']) {
      const answer = await sidecar.call(method, method === 'PUT' ? document() : undefined)
      expect(answer.status).toBe(503)
      expect(answer.body).toContain('<Code>ServiceUnavailable</Code>')
    }
    expect((await sidecar.preflight('https://a.example')).status).toBe(200)
    expect(sidecar.audits).toEqual([])
  })

  test('an old temporary file of a killed process is removed', async () => {
    const sidecar = await start()
    const old = '.photos.yaml.0123456789abcdef.tmp'
    const young = '.photos.yaml.fedcba9876543210.tmp'
    for (const name of [old, young, '.keep']) await writeFile(join(sidecar.directory, name), 'rules: [')
    await utimes(join(sidecar.directory, old), 0, 0)
    await utimes(join(sidecar.directory, '.keep'), 0, 0)
    await sidecar.call('PUT', document())
    expect((await sidecar.list()).sort()).toEqual(['.keep', young, 'photos.yaml'].sort())
  })

  test('a file name that is taken by a folder gives 503', async () => {
    const sidecar = await start()
    await mkdir(join(sidecar.directory, 'photos.yaml'))
    const answer = await sidecar.call('PUT', document())
    expect(answer.status).toBe(503)
    expect(await sidecar.list()).toEqual(['photos.yaml'])
  })
})
