import { readdirSync, readFileSync } from 'node:fs'
import { STATUS_CODES } from 'node:http'
import { describe, expect, test } from 'vitest'
import { applyPatch, type HeaderLines, readFacts } from '../src/http.ts'
import { plan, wordError } from '../src/plan/plan.ts'
import { nextSnapshot, nothingLoaded } from '../src/plan/snapshot.ts'
import { readRules } from '../src/rule-file/read.ts'
import { identity, loaded, setup } from './core.ts'

/**
 * Complete exchanges in readable files. Sections: `rules NAME`, `request`, `store` (the store's response, or
 * `unreachable`), `response` (what the client gets). Ids come from test/core.ts; Date and Connection are Node's.
 */
const folder = new URL('./exchanges/', import.meta.url)
const suffixes = ['cos.ap-beijing.myqcloud.com', 'oss-cn-hangzhou.aliyuncs.com', 's3.amazonaws.com']

function sections(text: string): Map<string, string> {
  const parts = text.split(/^### /m).slice(1)
  return new Map(
    parts.map((part) => {
      const end = part.indexOf('\n')
      return [part.slice(0, end), part.slice(end + 1).replace(/\n$/, '')]
    }),
  )
}

interface Message {
  readonly first: string
  readonly headers: HeaderLines
  readonly body: string
}

function parse(text: string): Message {
  const [head = '', ...body] = text.split('\n\n')
  const [first = '', ...lines] = head.split('\n')
  return { first, headers: lines.flatMap((line) => line.split(/: ?(.*)/s, 2)), body: body.join('\n\n') }
}

function text(status: number, headers: HeaderLines, body: string): string {
  const lines = []
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`)
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines].join('\n')
  return body === '' ? head : `${head}\n\n${body}`
}

function run(exchange: Map<string, string>): string {
  const files = [...exchange]
    .filter(([name]) => name.startsWith('rules '))
    .map(([name, yaml]) => {
      const file = name.slice('rules '.length)
      const read = readRules(file, new TextEncoder().encode(`${yaml}\n`), 'cos')
      expect(read.findings.filter(({ severity }) => severity === 'error')).toEqual([])
      return loaded(file.replace(/\.\w+$/, ''), read.content)
    })
  const request = parse(exchange.get('request') ?? '')
  const [method = '', target = ''] = request.first.split(' ')
  const facts = readFacts(method, target, '1.1', request.headers)
  const options = { ...setup, hostSuffixes: suffixes, debugHeaders: exchange.has('debug headers') }
  const planned = plan(nextSnapshot(nothingLoaded, files, 'cos', 0), options, facts, identity)
  if (planned.act === 'answer') {
    const { status, headers, body } = planned.response
    return text(status, ['Content-Length', String(Buffer.byteLength(body)), ...headers], body)
  }
  if (planned.act !== 'forward') throw new Error(`not requested: ${planned.act}`)
  const store = exchange.get('store') ?? ''
  if (store === 'unreachable') {
    const error = { status: 502, code: 'BadGateway', message: 'The object store cannot be reached.' }
    const { status, headers, body } = wordError(planned, options, facts, identity, error)
    return text(status, ['Content-Length', String(Buffer.byteLength(body)), ...headers], body)
  }
  const answer = parse(store)
  return text(Number(answer.first.split(' ')[1]), applyPatch(answer.headers, planned.patch), answer.body)
}

describe('whole exchanges', () => {
  test.each(readdirSync(folder).sort())('%s', (name) => {
    const exchange = sections(readFileSync(new URL(name, folder), 'utf8'))
    expect(run(exchange)).toBe(exchange.get('response'))
  })
})
