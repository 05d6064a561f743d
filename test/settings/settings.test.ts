import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readYamlTree } from '../../src/rule-file/yaml.ts'
import { printSettings } from '../../src/settings/print.ts'
import { type ReadSettings, readSettings, type Settings } from '../../src/settings/settings.ts'
import type { Environment, Flags } from '../../src/settings/sources.ts'
import { flagOf, settingEntries, variableOf } from '../../src/settings/table.ts'

const store = 'http://127.0.0.1:9000'

const read = (flags: Flags = {}, environment: Environment = {}, text?: string): ReadSettings =>
  readSettings({
    flags,
    environment,
    config:
      text === undefined
        ? undefined
        : { file: 'sidecar.yaml', text, source: readYamlTree(text, { aliases: 'refuse' }) },
  })

/** Settings that must be valid. */
function settingsOf(flags: Flags = {}, environment: Environment = {}, text?: string): Settings {
  const result = read({ upstream: store, ...flags }, environment, text)
  if (result.kind === 'issues') throw new Error(result.issues.join('\n'))
  return result.settings
}

/** The mistakes of settings that must be invalid. */
function issuesOf(flags: Flags, environment: Environment = {}, text?: string): readonly string[] {
  const result = read(flags, environment, text)
  if (result.kind === 'settings') throw new Error('these settings were expected to be refused')
  return result.issues
}

describe('effective settings', () => {
  test('only the store has no default', () => {
    expect(settingsOf()).toEqual({
      upstream: { kind: 'tcp', secure: false, host: '127.0.0.1', port: 9000 },
      rules: './rules',
      listen: { host: '0.0.0.0', port: 8080 },
      admin: { host: '127.0.0.1', port: 9464 },
      dialect: 'cos',
      hostSuffix: [],
      unconfigured: 'refuse',
      bucketCorsApi: 'read',
      credentials: undefined,
      upstreamCa: undefined,
      tlsCert: undefined,
      tlsKey: undefined,
      debugHeaders: false,
      headersTimeout: 15_000,
      upstreamTimeout: 60_000,
      idleTimeout: 120_000,
      maxHeaderSize: 16_384,
      forwardedFor: 'off',
      strictStart: false,
      candidateRules: undefined,
      adminTokenFile: undefined,
      overwriteAuthored: false,
      logLevel: 'info',
      logFormat: undefined,
      drainTimeout: 30_000,
      workers: 1,
    } satisfies Settings)
  })

  /** Three values of each setting, different from each other and from the default. */
  const texts: Readonly<Record<string, readonly [flag: string, variable: string, file: string]>> = {
    upstream: ['http://a:1', 'https://b:2', 'unix:/c.sock'],
    rules: ['a', 'b', 'c'],
    listen: ['[::1]:1', '127.0.0.1:2', 'localhost:3'],
    admin: ['[::1]:1', '127.0.0.1:2', 'localhost:3'],
    dialect: ['oss', 's3', 'oss'],
    hostSuffix: ['a.example', 'b.example', 'c.example'],
    unconfigured: ['forward', 'refuse', 'forward'],
    bucketCorsApi: ['off', 'read', 'off'],
    credentials: ['a', 'b', 'c'],
    upstreamCa: ['a', 'b', 'c'],
    tlsCert: ['a', 'b', 'c'],
    tlsKey: ['a', 'b', 'c'],
    debugHeaders: ['true', 'false', 'true'],
    headersTimeout: ['1s', '20ms', '3s'],
    upstreamTimeout: ['1s', '20ms', '3s'],
    idleTimeout: ['1s', '20ms', '3s'],
    maxHeaderSize: ['32KiB', '1MiB', '8000'],
    forwardedFor: ['append', 'replace', 'append'],
    strictStart: ['true', 'false', 'true'],
    candidateRules: ['a', 'b', 'c'],
    adminTokenFile: ['a', 'b', 'c'],
    overwriteAuthored: ['true', 'false', 'true'],
    logLevel: ['debug', 'error', 'trace'],
    logFormat: ['json', 'text', 'json'],
    drainTimeout: ['1s', '20ms', '3s'],
    workers: ['2', '3', '4'],
  }
  /** Settings that others require. */
  const company: Readonly<Record<string, Flags>> = {
    upstreamCa: { upstream: 'https://store.example' },
    tlsCert: { tlsKey: 'key.pem' },
    tlsKey: { tlsCert: 'cert.pem' },
  }

  test('the table of precedence covers every setting', () => {
    expect(Object.keys(texts).sort()).toEqual(settingEntries.map(({ name }) => name).sort())
  })

  test.each(Object.entries(texts))('%s: flag over variable over file', (name, [flag, variable, file]) => {
    const flags = name === 'upstream' ? {} : { upstream: store, ...company[name] }
    const environment = { [variableOf(name)]: variable }
    const text = `${name}: "${file}"\n`
    const live = (result: ReadSettings): readonly string[] => {
      if (result.kind === 'issues') return result.issues
      return result.effective
        .filter((entry) => entry.name === name)
        .flatMap((entry) => [...entry.texts, entry.place])
    }
    expect(live(read({ ...flags, [name]: flag }, environment, text))).toEqual([flag, flagOf(name)])
    expect(live(read(flags, environment, text))).toEqual([variable, variableOf(name)])
    expect(live(read(flags, {}, text))).toEqual([file, `sidecar.yaml:1:${name.length + 3}`])
  })

  test.each([
    [{ debugHeaders: 'false' }, { CORS_SIDECAR_DEBUG_HEADERS: 'true' }, 'debugHeaders: true', false],
    [{}, { CORS_SIDECAR_DEBUG_HEADERS: 'off' }, 'debugHeaders: true', false],
    [{}, {}, 'debugHeaders: on', true],
    [{ debugHeaders: true }, {}, 'debugHeaders: off', true],
  ])('a switch can be turned off again: %j %j %s', (flags, environment, text, expected) => {
    expect(settingsOf(flags, environment, text).debugHeaders).toBe(expected)
  })

  test.each([
    ['repeated flags', { hostSuffix: ['a.example', 'b.example'] }, {}, undefined],
    ['a comma in the variable', {}, { CORS_SIDECAR_HOST_SUFFIX: 'a.example, b.example' }, undefined],
    ['a list in the file', {}, {}, 'hostSuffix:\n  - a.example\n  - b.example\n'],
    ['spellings of one name', { hostSuffix: ['.A.Example.', 'a.example', 'b.example'] }, {}, undefined],
  ])('host suffixes come from %s', (_, flags, environment, text) => {
    expect(settingsOf(flags, environment, text).hostSuffix).toEqual(['a.example', 'b.example'])
  })

  test('an empty variable counts as not set', () => {
    const settings = settingsOf(
      {},
      { CORS_SIDECAR_CREDENTIALS: '', CORS_SIDECAR_LISTEN: ' ' },
      'listen: ":81"',
    )
    expect(settings.credentials).toBeUndefined()
    expect(settings.listen).toEqual({ host: '0.0.0.0', port: 81 })
  })

  test.each(['', '# nothing yet\n', '---\n'])('a config file without settings sets nothing: %j', (text) => {
    expect(settingsOf({}, {}, text)).toEqual(settingsOf())
  })

  test('other variables and flags are ignored', () => {
    expect(
      settingsOf({ printConfig: true, config: 'x' }, { PATH: '/bin', CORS: 'x', CORS_SIDECAR: 'x' }),
    ).toEqual(settingsOf())
  })
})

describe('addresses', () => {
  test.each([
    ['http://minio', { kind: 'tcp', secure: false, host: 'minio', port: 80 }],
    ['https://minio/', { kind: 'tcp', secure: true, host: 'minio', port: 443 }],
    ['HTTP://MinIO:9000', { kind: 'tcp', secure: false, host: 'minio', port: 9000 }],
    ['http://my_store.local.:1', { kind: 'tcp', secure: false, host: 'my_store.local.', port: 1 }],
    ['http://[2001:DB8::1]:65535', { kind: 'tcp', secure: false, host: '2001:db8::1', port: 65_535 }],
    ['http://10.0.0.1', { kind: 'tcp', secure: false, host: '10.0.0.1', port: 80 }],
    ['unix:/run/store.sock', { kind: 'unix', path: '/run/store.sock' }],
    ['unix:///run/store.sock', { kind: 'unix', path: '/run/store.sock' }],
    ['unix:/run/minio@main.sock', { kind: 'unix', path: '/run/minio@main.sock' }],
    [`unix:/${'s'.repeat(106)}`, { kind: 'unix', path: `/${'s'.repeat(106)}` }],
  ])('--upstream %s', (text, expected) => {
    expect(settingsOf({ upstream: text }).upstream).toEqual(expected)
  })

  test.each([
    ['127.0.0.1:8080', { host: '127.0.0.1', port: 8080 }],
    ['[::1]:8080', { host: '::1', port: 8080 }],
    ['[::]:0', { host: '::', port: 0 }],
    [':8080', { host: '0.0.0.0', port: 8080 }],
    ['localhost:65535', { host: 'localhost', port: 65_535 }],
  ])('--listen %s', (text, expected) => {
    expect(settingsOf({ listen: text, admin: 'localhost:1' }).listen).toEqual(expected)
    expect(settingsOf({ admin: text, listen: 'localhost:1' }).admin).toEqual(expected)
  })

  test.each([
    ['S3.Example.COM', 's3.example.com'],
    ['.s3.example.com', 's3.example.com'],
    ['s3.example.com.', 's3.example.com'],
    ['localhost', 'localhost'],
    ['3com.example', '3com.example'],
    ['1.2.3.4.example', '1.2.3.4.example'],
  ])('--host-suffix %s', (text, expected) => {
    expect(settingsOf({ hostSuffix: [text] }).hostSuffix).toEqual([expected])
  })
})

describe('quantities', () => {
  test.each([
    ['10ms', 10],
    ['500ms', 500],
    ['15s', 15_000],
    ['2m', 120_000],
    ['24h', 86_400_000],
    ['0015s', 15_000],
  ])('a timeout of %s', (text, expected) => {
    expect(settingsOf({ headersTimeout: text }).headersTimeout).toBe(expected)
  })

  test.each(['0', '0s', '0ms'])('--drain-timeout %s waits for nothing', (text) => {
    expect(settingsOf({ drainTimeout: text }).drainTimeout).toBe(0)
  })

  test.each([
    ['1024', 1024],
    ['16KiB', 16_384],
    ['64KiB', 65_536],
    ['1MiB', 1_048_576],
  ])('--max-header-size %s', (text, expected) => {
    expect(settingsOf({ maxHeaderSize: text }).maxHeaderSize).toBe(expected)
  })

  test('YAML numbers are read as they are written', () => {
    const settings = settingsOf({}, {}, 'workers: 010\ndrainTimeout: 0\nmaxHeaderSize: 2048\n')
    expect([settings.workers, settings.drainTimeout, settings.maxHeaderSize]).toEqual([10, 0, 2048])
  })
})

describe('mistakes', () => {
  const upstreamForms = 'http://HOST:PORT, https://HOST:PORT or unix:/path/to.sock'
  const targets =
    'request targets are signed and therefore forwarded byte for byte, so nothing can be added to them'

  test.each<[flags: Flags, issue: string]>([
    [{ upstream: '' }, '--upstream: it is empty: write a value, or leave it out'],
    [
      { upstream: 'minio:9000' },
      '--upstream: "minio:9000" has no scheme: write http://minio:9000 or https://minio:9000',
    ],
    [
      { upstream: '127.0.0.1' },
      '--upstream: "127.0.0.1" has no scheme: write http://127.0.0.1 or https://127.0.0.1',
    ],
    [
      { upstream: 'ftp://minio' },
      `--upstream: "ftp://minio" is not the URL of a store: write ${upstreamForms}`,
    ],
    [
      { upstream: 'http:/minio' },
      `--upstream: "http:/minio" is not the URL of a store: write ${upstreamForms}`,
    ],
    [{ upstream: 'http://' }, `--upstream: "http://" has no valid HOST or HOST:PORT: write ${upstreamForms}`],
    [
      { upstream: 'http://:9000' },
      `--upstream: "http://:9000" has no valid HOST or HOST:PORT: write ${upstreamForms}`,
    ],
    [
      { upstream: 'http://a b' },
      `--upstream: "http://a b" has no valid HOST or HOST:PORT: write ${upstreamForms}`,
    ],
    [
      { upstream: 'http://300.1.1.1' },
      `--upstream: "http://300.1.1.1" has no valid HOST or HOST:PORT: write ${upstreamForms}`,
    ],
    [
      { upstream: 'http://::1:9000' },
      `--upstream: "http://::1:9000" has no valid HOST or HOST:PORT: write ${upstreamForms}`,
    ],
    [
      { upstream: 'http://[::g]' },
      `--upstream: "http://[::g]" has no valid HOST or HOST:PORT: write ${upstreamForms}`,
    ],
    [
      { upstream: 'http://m%69nio' },
      `--upstream: "http://m%69nio" has no valid HOST or HOST:PORT: write ${upstreamForms}`,
    ],
    [{ upstream: 'http://minio:0' }, '--upstream: port 0 is out of range: write 1 to 65535'],
    [{ upstream: 'http://minio:65536' }, '--upstream: port 65536 is out of range: write 1 to 65535'],
    [
      { upstream: 'http://minio:9000/base' },
      `--upstream: "http://minio:9000/base" has a path: ${targets}: write http://minio:9000`,
    ],
    [
      { upstream: 'https://minio//' },
      `--upstream: "https://minio//" has a path: ${targets}: write https://minio`,
    ],
    [
      { upstream: 'http://minio?x=1' },
      `--upstream: "http://minio?x=1" has a query: ${targets}: write http://minio`,
    ],
    [
      { upstream: 'http://minio#top' },
      `--upstream: "http://minio#top" has a fragment: ${targets}: write http://minio`,
    ],
    [
      { upstream: 'http://minio\\x' },
      `--upstream: "http://minio\\\\x" contains a backslash: write ${upstreamForms}`,
    ],
    [
      { upstream: 'unix:store.sock' },
      '--upstream: "unix:store.sock" has no absolute socket path: write unix:/path/to.sock',
    ],
    [
      { upstream: 'unix:/run/' },
      '--upstream: "unix:/run/" has no absolute socket path: write unix:/path/to.sock',
    ],
    [
      { upstream: `unix:/${'s'.repeat(107)}` },
      "--upstream: the socket path is longer than 107 bytes, the system's limit: use a shorter one",
    ],
    [
      { listen: '8080' },
      '--listen: "8080" is a port without an address: write 127.0.0.1:8080 or 0.0.0.0:8080',
    ],
    [
      { listen: 'localhost' },
      '--listen: "localhost" is not HOST:PORT: write it like 0.0.0.0:8080, :8080 or [::1]:8080',
    ],
    [{ listen: '::1' }, '--listen: "::1" is an IPv6 address without a port: write [::1]:8080'],
    [
      { listen: '*:80' },
      '--listen: "*:80" is not HOST:PORT: write it like 0.0.0.0:8080, :8080 or [::1]:8080',
    ],
    [
      { listen: 'http://a:80' },
      '--listen: "http://a:80" is not HOST:PORT: write it like 0.0.0.0:8080, :8080 or [::1]:8080',
    ],
    [{ admin: ':65536' }, '--admin: port 65536 is out of range: write 0 to 65535 (0 selects a free port)'],
    [{ admin: '0.0.0.0:8080' }, '--admin: it is the same address as --listen: use different addresses'],
    [{ dialect: 'aws' }, '--dialect: "aws" is not one of its values: write cos, oss, s3 or http'],
    [{ dialect: 'AWS' }, '--dialect: "AWS" is not one of its values: write cos, oss, s3 or http'],
    [
      { hostSuffix: ['*.s3.example'] },
      '--host-suffix: "*.s3.example" has a wildcard: write only the name, such as s3.example.com for *.s3.example.com',
    ],
    [
      { hostSuffix: ['s3.example:80'] },
      '--host-suffix: "s3.example:80" has a port: write only the name, because the port in Host is ignored',
    ],
    [
      { hostSuffix: ['127.0.0.1'] },
      '--host-suffix: "127.0.0.1" is an IP address, which cannot have a bucket name before it: write a host name, such as s3.example.com',
    ],
    [
      { hostSuffix: ['[::1]'] },
      '--host-suffix: "[::1]" is an IP address, which cannot have a bucket name before it: write a host name, such as s3.example.com',
    ],
    [{ hostSuffix: ['a..b'] }, '--host-suffix: "a..b" is not a host name: write one such as s3.example.com'],
    [
      { hostSuffix: ['http://a'] },
      '--host-suffix: "http://a" is not a host name: write one such as s3.example.com',
    ],
    [
      { hostSuffix: [`${'a'.repeat(64)}.b`] },
      `--host-suffix: "${'a'.repeat(64)}.b" is not a host name: write one such as s3.example.com`,
    ],
    [{ unconfigured: 'allow' }, '--unconfigured: "allow" is not one of its values: write refuse or forward'],
    [{ bucketCorsApi: 'on' }, '--bucket-cors-api: "on" is not one of its values: write off, read or write'],
    [
      { bucketCorsApi: 'write' },
      '--bucket-cors-api: write needs access keys to verify callers: add --credentials FILE with the keys that may change the rules',
    ],
    [
      { upstreamCa: 'ca.pem' },
      '--upstream-ca: --upstream is not https://, so no certificate is checked: use https://, or remove --upstream-ca',
    ],
    [{ tlsCert: 'a.pem' }, '--tls-cert: a certificate needs its key: add --tls-key FILE'],
    [{ tlsKey: 'a.pem' }, '--tls-key: a key needs its certificate: add --tls-cert FILE'],
    [{ rules: 'a\nb' }, '--rules: it contains a control character, such as a line break: remove it'],
    [{ debugHeaders: 'yes' }, '--debug-headers: "yes" is neither true nor false: write true or false'],
    [
      { headersTimeout: '15' },
      '--headers-timeout: "15" has no unit: write 15s for seconds or 15ms for milliseconds',
    ],
    [{ headersTimeout: '0' }, '--headers-timeout: "0" is out of range: write 10ms to 24h'],
    [{ headersTimeout: '9ms' }, '--headers-timeout: "9ms" is out of range: write 10ms to 24h'],
    [{ idleTimeout: '25h' }, '--idle-timeout: "25h" is out of range: write 10ms to 24h'],
    [
      { upstreamTimeout: '1.5s' },
      '--upstream-timeout: "1.5s" is not a duration: write a whole number with its unit, such as 500ms, 15s, 2m or 1h',
    ],
    [
      { upstreamTimeout: '-1s' },
      '--upstream-timeout: "-1s" is not a duration: write a whole number with its unit, such as 500ms, 15s, 2m or 1h',
    ],
    [
      { drainTimeout: '1d' },
      '--drain-timeout: "1d" is not a duration: write a whole number with its unit, such as 500ms, 15s, 2m or 1h',
    ],
    [{ drainTimeout: '99h' }, '--drain-timeout: "99h" is out of range: write 0 to 24h'],
    [
      { maxHeaderSize: '16KB' },
      '--max-header-size: "16KB" is not a size: write bytes, KiB or MiB, such as 16384, 16KiB or 1MiB',
    ],
    [{ maxHeaderSize: '1' }, '--max-header-size: "1" is out of range: write 1KiB to 1MiB'],
    [
      { maxHeaderSize: '999999999999MiB' },
      '--max-header-size: "999999999999MiB" is out of range: write 1KiB to 1MiB',
    ],
    [
      { forwardedFor: 'false' },
      '--forwarded-for: "false" is not one of its values: write off, append or replace',
    ],
    [
      { logLevel: 'verbose' },
      '--log-level: "verbose" is not one of its values: write trace, debug, info, warn, error, fatal or silent',
    ],
    [{ workers: '0' }, '--workers: 0 is out of range: write a whole number from 1 to 128'],
    [{ workers: 'auto' }, '--workers: "auto" is not a whole number: write a whole number from 1 to 128'],
    [{ workers: '1e2' }, '--workers: "1e2" is not a whole number: write a whole number from 1 to 128'],
  ])('%j', (flags, issue) => {
    expect(issuesOf({ upstream: store, ...flags })).toEqual([issue])
  })

  test('the store has to be given', () => {
    expect(issuesOf({})).toEqual([
      '--upstream is missing: write --upstream http://HOST:PORT, set CORS_SIDECAR_UPSTREAM, or write upstream: in the config file',
    ])
  })

  test.each([
    'http://root:hunter2@minio',
    'root:hunter2@minio:9000',
    'ftp://root:hunter2@minio',
    'unix:hunter2@x',
  ])('a password in the URL is refused and not repeated: %s', (upstream) => {
    expect(issuesOf({ upstream })).toEqual([
      `--upstream: it contains a user name or password, which the proxy does not use (requests carry their own signatures): write ${upstreamForms}`,
    ])
    expect(issuesOf({}, {}, `upstream: "${upstream}"\n`).join()).not.toContain('hunter2')
  })

  test.each([
    ['CORS_SIDECAR_UPSTRAEM', 'CORS_SIDECAR_UPSTRAEM: unknown variable: did you mean CORS_SIDECAR_UPSTREAM?'],
    [
      'CORS_SIDECAR_HOSTSUFFIX',
      'CORS_SIDECAR_HOSTSUFFIX: unknown variable: did you mean CORS_SIDECAR_HOST_SUFFIX?',
    ],
    ['CORS_SIDECAR_CONFG', 'CORS_SIDECAR_CONFG: unknown variable: did you mean CORS_SIDECAR_CONFIG?'],
    ['CORS_SIDECAR_', 'CORS_SIDECAR_: unknown variable'],
    ['CORS_SIDECAR_SOMETHING_ELSE', 'CORS_SIDECAR_SOMETHING_ELSE: unknown variable'],
    ['CORS_SIDECAR_REPORT', 'CORS_SIDECAR_REPORT: unknown variable'],
    ['CORS_SIDECAR_\u001b[2J', '"CORS_SIDECAR_\\u001b[2J": unknown variable'],
  ])('an unknown variable, whose value is not shown: %j', (variable, issue) => {
    expect(issuesOf({ upstream: store }, { [variable]: 'topsecret' })).toEqual([issue])
  })

  test.each([
    'CORS_SIDECAR_SERVICE_HOST',
    'CORS_SIDECAR_SERVICE_PORT',
    'CORS_SIDECAR_SERVICE_PORT_HTTP',
    'CORS_SIDECAR_PORT',
    'CORS_SIDECAR_PORT_8080_TCP',
    'CORS_SIDECAR_PORT_8080_TCP_ADDR',
    'CORS_SIDECAR_ADMIN_SERVICE_HOST',
    'CORS_SIDECAR_ADMIN_PORT_9464_TCP_PROTO',
    'CORS_SIDECAR_CONFIG',
  ])('%s is not an unknown variable', (variable) => {
    expect(settingsOf({}, { [variable]: 'tcp://10.0.0.1:8080' })).toEqual(settingsOf())
  })

  test.each<[text: string, issues: readonly string[]]>([
    [
      'host-suffix: a.example',
      ['sidecar.yaml:1:1: "host-suffix": unknown setting: did you mean hostSuffix?'],
    ],
    ['hostSuffixes: [a]', ['sidecar.yaml:1:1: "hostSuffixes": unknown setting: did you mean hostSuffix?']],
    [
      '# x\n  upstreamTimout: 1s',
      ['sidecar.yaml:2:3: "upstreamTimout": unknown setting: did you mean upstreamTimeout?'],
    ],
    ['config: a.yaml', ['sidecar.yaml:1:1: "config": unknown setting']],
    ['__proto__: a', ['sidecar.yaml:1:1: "__proto__": unknown setting']],
    ['? [listen]\n: ":80"', ['sidecar.yaml:1:3: a key must be plain text']],
    ['listen:', ['sidecar.yaml:1:8: listen: it has no value: write one, or remove the line']],
    ['listen: ~', ['sidecar.yaml:1:9: listen: it has no value: write one, or remove the line']],
    ['credentials: null', ['sidecar.yaml:1:14: credentials: it has no value: write one, or remove the line']],
    ['listen: ""', ['sidecar.yaml:1:9: listen: it is empty: write a value, or leave it out']],
    ['listen: [":80"]', ['sidecar.yaml:1:9: listen: a list is given: write one value']],
    ['listen: {port: 80}', ['sidecar.yaml:1:9: listen: it contains nested keys: write one value']],
    [
      'listen: 80',
      ['sidecar.yaml:1:9: listen: "80" is a port without an address: write 127.0.0.1:80 or 0.0.0.0:80'],
    ],
    [
      'hostSuffix: [a.example, {b: c}]',
      ['sidecar.yaml:1:13: hostSuffix: an item is not text: write names only'],
    ],
    [
      'hostSuffix:\n  - a.example\n  - "b c"',
      ['sidecar.yaml:3:5: hostSuffix: "b c" is not a host name: write one such as s3.example.com'],
    ],
    ['workers: &n 2\nrules: *n', ['sidecar.yaml:2:8: an alias is not allowed here: write the value out']],
    [
      'rules: |\n  a\n  b\n',
      ['sidecar.yaml:1:8: rules: it contains a control character, such as a line break: remove it'],
    ],
    [
      'idleTimeout: 15',
      ['sidecar.yaml:1:14: idleTimeout: "15" has no unit: write 15s for seconds or 15ms for milliseconds'],
    ],
    ['tlsKey: a.pem', ['sidecar.yaml:1:9: a key needs its certificate: add --tls-cert FILE']],
    ['a: 1\na: 2', ['sidecar.yaml:2:1: "a" is given twice: keep one']],
    ['rules: a: b', ['sidecar.yaml:1:8: a second ": " on one line: put the value in quotes']],
    ['rules: !!js/function x', ['sidecar.yaml:1:8: the tag "!!js/function" is not allowed: remove it']],
    [
      '- upstream',
      ['sidecar.yaml:1:1: it contains no settings: write lines such as upstream: http://127.0.0.1:9000'],
    ],
    [
      'http://127.0.0.1:9000',
      ['sidecar.yaml:1:1: it contains no settings: write lines such as upstream: http://127.0.0.1:9000'],
    ],
    [
      `# ${'x'.repeat(65_536)}`,
      ['sidecar.yaml: it is longer than 65536 characters, the limit for a config file'],
    ],
  ])('in the config file: %j', (text, issues) => {
    expect(issuesOf({ upstream: store }, {}, text)).toEqual(issues)
  })

  test('two documents are refused', () => {
    expect(issuesOf({ upstream: store }, {}, 'rules: a\n---\nrules: b\n')).toHaveLength(1)
  })

  test('a file with a syntax error gives no further messages about missing settings', () => {
    expect(issuesOf({ tlsCert: 'a' }, {}, 'rules: "a')).toEqual([
      'sidecar.yaml:1:8: this quote is not closed',
    ])
  })

  test('all mistakes of all sources are reported at once, one line each', () => {
    const text = 'upstreem: http://minio\nidleTimeout: 15\nlisten: [a]\nupstream: "minio"\n'
    const issues = issuesOf(
      { workers: '0', tlsKey: 'k.pem', logLevel: 'info' },
      { CORS_SIDECAR_LOG_LEVEL: 'loud', CORS_SIDECAR_NOPE: '1' },
      text,
    )
    expect(issues).toEqual([
      'CORS_SIDECAR_NOPE: unknown variable',
      'sidecar.yaml:1:1: "upstreem": unknown setting: did you mean upstream?',
      'sidecar.yaml:4:11: upstream: "minio" has no scheme: write http://minio or https://minio',
      'sidecar.yaml:3:9: listen: a list is given: write one value',
      'sidecar.yaml:2:14: idleTimeout: "15" has no unit: write 15s for seconds or 15ms for milliseconds',
      'CORS_SIDECAR_LOG_LEVEL: "loud" is not one of its values: write trace, debug, info, warn, error, fatal or silent',
      '--workers: 0 is out of range: write a whole number from 1 to 128',
      '--tls-key: a key needs its certificate: add --tls-cert FILE',
    ])
  })

  test.each([
    { upstream: 'http://\u00fc.example/path' },
    { upstream: '\u212aelvin.example' },
    { listen: '\u212aelvin.example:80' },
    { hostSuffix: ['*.\u00fc.example'] },
    { hostSuffix: ['\u212aelvin.example'] },
  ])('letters beyond ASCII are refused, and shown as escapes: %j', (flags) => {
    const issues = issuesOf({ upstream: store, ...flags })
    expect(issues).toHaveLength(1)
    expect(issues[0]).toMatch(/^[ -~]*\\u(?:00fc|212a)[ -~]*$/)
  })

  test('a message is one line of printable characters, for any input', () => {
    const names = settingEntries.map(({ name }) => name)
    const pieces = [
      'http://',
      'unix:',
      '/',
      '*',
      '.',
      ':',
      '[',
      ']',
      '::1',
      '80',
      'ms',
      'KiB',
      'a.example',
      '\u212a',
      '\u202e',
    ]
    const given = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: 'binary', maxLength: 2 })))
        .map((all) => all.join('')),
    )
    fc.assert(
      fc.property(fc.constantFrom(...names), given, (name, text) => {
        const flags = { upstream: store, [name]: name === 'hostSuffix' ? [text] : text }
        const result = read(flags, { [`CORS_SIDECAR_${text}`]: text }, `${text}: ${text}`)
        if (result.kind === 'issues')
          for (const issue of result.issues) expect(issue).toMatch(/^[ -~…]{1,700}$/)
      }),
      { numRuns: 200 },
    )
  })
})

describe('print-config', () => {
  const print = (flags: Flags, environment: Environment = {}, text?: string): string => {
    const result = read(flags, environment, text)
    return result.kind === 'issues' ? result.issues.join('\n') : printSettings(result.effective)
  }

  test('prints the effective settings and their sources', () => {
    const flags = {
      upstream: 'https://store:9000',
      hostSuffix: ['s3.example', 'oss.example'],
      debugHeaders: true,
    }
    const environment = {
      CORS_SIDECAR_IDLE_TIMEOUT: '1500ms',
      CORS_SIDECAR_CREDENTIALS: '/etc/keys # 1.yaml',
    }
    const text = 'listen: "[::1]:8443"\nlogLevel: debug\nmaxHeaderSize: 17000\n'
    expect(print(flags, environment, text)).toBe(`\
# cors-sidecar serve: flags override variables, and variables override the config file
upstream: https://store:9000 # --upstream
rules: ./rules # default
listen: "[::1]:8443" # sidecar.yaml:1:9
admin: 127.0.0.1:9464 # default
dialect: cos # default
hostSuffix: # --host-suffix
  - s3.example
  - oss.example
unconfigured: refuse # default
bucketCorsApi: read # default
credentials: "/etc/keys # 1.yaml" # CORS_SIDECAR_CREDENTIALS
# upstreamCa: not set
# tlsCert: not set
# tlsKey: not set
debugHeaders: true # --debug-headers
headersTimeout: 15s # default
upstreamTimeout: 60s # default
idleTimeout: 1500ms # CORS_SIDECAR_IDLE_TIMEOUT
maxHeaderSize: 17000 # sidecar.yaml:3:16
forwardedFor: off # default
strictStart: false # default
# candidateRules: not set
# adminTokenFile: not set
overwriteAuthored: false # default
logLevel: debug # sidecar.yaml:2:11
# logFormat: not set
drainTimeout: 30s # default
workers: 1 # default
`)
  })

  test.each<[Flags]>([
    [{ upstream: store }],
    [
      {
        upstream: 'unix:/run/a b.sock',
        rules: '007',
        credentials: 'null',
        candidateRules: '~',
        adminTokenFile: '*x',
      },
    ],
    [
      {
        upstream: 'https://[::1]',
        listen: '[::]:0',
        drainTimeout: '0',
        idleTimeout: '24h',
        headersTimeout: '601s',
      },
    ],
    [
      {
        upstream: 'http://a',
        rules: 'true',
        hostSuffix: ['1.a', 'null'],
        maxHeaderSize: '1MiB',
        strictStart: 'on',
      },
    ],
    [{ upstream: 'http://a', tlsCert: ' a ', tlsKey: 'it\'s "b": é' }],
  ])('is a config file that gives the same settings again: %j', (flags) => {
    expect(read({}, {}, print(flags))).toMatchObject({ kind: 'settings', settings: settingsOf(flags) })
  })
})
