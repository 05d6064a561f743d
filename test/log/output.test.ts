import { type ChildProcessWithoutNullStreams, execFileSync, spawn, spawnSync } from 'node:child_process'
import { on, once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

const source = (file: string): string => JSON.stringify(new URL(`../../src/${file}`, import.meta.url).href)

/** Arguments for Node to run `statements` with a log on standard output. */
const logging = (statements: string): string[] => [
  '--input-type=module',
  '--eval',
  `const { createLog } = await import(${source('log/log.ts')})
   const log = createLog({ level: 'info', onExit: (listener) => process.on('exit', listener) })
   const more = { more: 'x'.repeat(4000) }
   ${statements}`,
]

/** The same with the bare output, after `change` has modified the module `fs`. */
const writing = (change: string, statements: string): string[] => [
  '--input-type=module',
  '--eval',
  `import fs from 'node:fs'
   import { syncBuiltinESMExports } from 'node:module'
   const write = fs.write
   const answerWith = (code) => (...given) => setImmediate(given.at(-1), Object.assign(new Error(code), { code }))
   ${change}
   syncBuiltinESMExports()
   const { standardOutput } = await import(${source('log/output.ts')})
   const output = standardOutput((listener) => process.on('exit', listener))
   ${statements}`,
]

const run = (args: readonly string[]): string =>
  execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 })

test('every line is written when the log is closed', () => {
  const lines = run(
    logging(`
      for (let i = 0; i < 5000; i++) log.info('line ' + i)
      await log.close()
      process.exit(0)`),
  )
    .trimEnd()
    .split('\n')
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(
    Array.from({ length: 5000 }, (_, i) => `line ${i}`),
  )
})

test('a process that crashes writes its last lines', () => {
  const { stdout, status } = spawnSync(
    process.execPath,
    logging(`
      for (let i = 0; i < 50; i++) log.info('line ' + i)
      setImmediate(() => { throw new Error('a fault') })`),
    { encoding: 'utf8' },
  )
  expect(status).not.toBe(0)
  expect(stdout.trimEnd().split('\n')).toHaveLength(50)
})

test('a process that crashes writes more than one chunk of lines, in order and once', () => {
  const { stdout, status } = spawnSync(
    process.execPath,
    logging(`
      for (let i = 0; i < 500; i++) log.info('line ' + i, more)
      throw new Error('a fault')`),
    { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 },
  )
  expect(status).not.toBe(0)
  const text = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).msg)
  expect(text).toEqual(Array.from({ length: 500 }, (_, i) => `line ${i}`))
})

test('text, bytes and lines longer than one chunk are written in the given order', () => {
  const written = run(
    writing(
      '',
      `output.write('ä\\n')
       output.write(Buffer.from('bytes ü\\n'))
       output.write('x'.repeat(1_500_000) + '\\n')
       output.write(Buffer.from('y'.repeat(1_500_000) + '\\n'))
       output.write('last\\n')
       await output.close()
       output.write('too late\\n')`,
    ),
  )
  expect(written).toBe(`ä\nbytes ü\n${'x'.repeat(1_500_000)}\n${'y'.repeat(1_500_000)}\nlast\n`)
})

test('the caller may reuse its buffer at once', () => {
  const written = run(
    writing(
      '',
      `for (const length of [10, 1_500_000]) {
         const bytes = Buffer.alloc(length, 'a')
         bytes[length - 1] = 10
         output.write(bytes)
         bytes.fill('b')
       }
       await output.close()`,
    ),
  )
  expect(written).toBe(`${'a'.repeat(9)}\n${'a'.repeat(1_499_999)}\n`)
})

test('lines that arrive one by one without a reader are kept together', () => {
  const written = run(
    writing(
      `const timers = []
       globalThis.setTimeout = (run) => {
         timers.push(run)
         return { unref() { return this } }
       }
       const elapse = () => timers.splice(0).forEach((run) => run())
       let held
       const lengths = []
       fs.write = (fd, bytes, at, length, ...more) => {
         lengths.push(length)
         if (held === undefined) held = () => write(fd, bytes, at, length, ...more)
         else write(fd, bytes, at, length, ...more)
       }`,
      `output.write('first\\n')
       elapse()
       for (let i = 0; i < 5; i++) {
         output.write('line ' + i + '\\n')
         elapse()
       }
       held()
       await output.close()
       fs.writeSync(1, JSON.stringify(lengths))`,
    ),
  )
  const lines = Array.from({ length: 5 }, (_, i) => `line ${i}\n`).join('')
  expect(written).toBe(`first\n${lines}${JSON.stringify(['first\n'.length, lines.length])}`)
})

test('a single line is written without waiting for others', async () => {
  const child = spawn(process.execPath, logging("log.info('alone'); process.stdin.resume()"))
  const [chunk] = await once(child.stdout, 'data')
  child.kill()
  expect(JSON.parse(String(chunk))).toMatchObject({ msg: 'alone' })
})

test('after a partial write the rest is written', () => {
  const written = run(
    writing(
      'fs.write = (fd, bytes, at, length, ...more) => write(fd, bytes, at, Math.min(length, 7), ...more)',
      "for (let i = 0; i < 100; i++) output.write('line ' + i + '\\n'); await output.close()",
    ),
  )
  expect(written).toBe(Array.from({ length: 100 }, (_, i) => `line ${i}\n`).join(''))
})

test('a reader that is slow for a while gets every line once', () => {
  const written = run(
    writing(
      `let refusals = 3
       fs.write = (...given) => refusals-- > 0 ? answerWith('EAGAIN')(...given) : write(...given)`,
      "for (let i = 0; i < 100; i++) output.write('line ' + i + '\\n'); await output.close()",
    ),
  )
  expect(written).toBe(Array.from({ length: 100 }, (_, i) => `line ${i}\n`).join(''))
})

test('a write to a full pipe is retried soon, then less and less often, until the reader takes something', () => {
  const waits = run(
    writing(
      `const waits = []
       const wait = globalThis.setTimeout
       globalThis.setTimeout = (run, milliseconds) => {
         waits.push(milliseconds)
         return wait(run, milliseconds < 1_000 ? 0 : milliseconds)
       }
       const taken = [0, 0, 0, 0, 0, 0, 0, 4, 0, 6]
       fs.write = (...given) => {
         const bytes = taken.shift()
         if (bytes === 0) answerWith('EAGAIN')(...given)
         else setImmediate(given.at(-1), null, bytes)
       }`,
      `output.write('some line\\n')
       await output.close()
       process.stdout.write(JSON.stringify(waits))`,
    ),
  )
  const [aLine, theEnd, ...retries] = JSON.parse(waits)
  expect([aLine, theEnd]).toEqual([50, 1_000])
  expect(retries).toEqual([1, 2, 4, 8, 16, 16, 16, 1])
})

test('a process that ends while the pipe is full tries for a second to write its last lines, with pauses', () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    writing(
      `fs.write = answerWith('EAGAIN')
       let attempts = 0
       fs.writeSync = () => {
         attempts++
         throw Object.assign(new Error('EAGAIN'), { code: 'EAGAIN' })
       }`,
      `output.write('line\\n')
       process.on('exit', () => process.stderr.write(String(attempts)))
       process.exit(3)`,
    ),
    { encoding: 'utf8' },
  )
  expect(status).toBe(3)
  expect(Number(stderr)).toBeGreaterThan(1)
  expect(Number(stderr)).toBeLessThan(2_000)
})

test('a failed write is retried once in each wait, no matter how many lines arrive', () => {
  for (const code of ['EAGAIN', 'ENOSPC']) {
    const attempts = run(
      writing(
        `const timers = []
         globalThis.setTimeout = (run) => {
           timers.push(run)
           return { unref() { return this } }
         }
         let attempts = 0
         fs.write = (...given) => {
           attempts++
           answerWith('${code}')(...given)
         }
         fs.writeSync = () => { throw Object.assign(new Error('EIO'), { code: 'EIO' }) }`,
        `const counts = []
         const answered = async () => {
           for (let i = 0; i < 3; i++) await new Promise(setImmediate)
           counts.push(attempts)
           attempts = 0
         }
         for (let i = 0; i < 10; i++) {
           output.write('x'.repeat(340_000) + '\\n')
           await answered()
         }
         for (let i = 0; i < 3; i++) {
           timers.splice(0).forEach((run) => run())
           await answered()
         }
         process.stdout.write(JSON.stringify(counts))`,
      ),
    )
    expect([code, JSON.parse(attempts)]).toEqual([code, [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1]])
  }
})

test('a missing reader, or a full disk, neither ends the process nor keeps it alive', () => {
  for (const code of ['EPIPE', 'ENOSPC', 'EIO']) {
    const { status, stderr } = spawnSync(
      process.execPath,
      writing(
        `fs.write = answerWith('${code}')
         fs.writeSync = () => { throw Object.assign(new Error('${code}'), { code: '${code}' }) }`,
        `for (let i = 0; i < 1000; i++) output.write('x'.repeat(4000) + '\\n')
         await new Promise(setImmediate)
         output.write('more\\n')
         await output.close()`,
      ),
      { encoding: 'utf8' },
    )
    expect([code, status, stderr]).toEqual([code, 0, ''])
  }
})

test('a reader that never reads delays the exit for a limited time only', () => {
  const { status, stdout } = spawnSync(
    process.execPath,
    writing(
      `fs.write = answerWith('EAGAIN')
       fs.writeSync = () => { throw Object.assign(new Error('EAGAIN'), { code: 'EAGAIN' }) }`,
      `output.write('line\\n')
       await output.close()
       process.stderr.write('closed')
       process.exit(3)`,
    ),
    { encoding: 'utf8' },
  )
  expect([status, stdout]).toEqual([3, ''])
})

test('a pipe that is never read does not keep the process from ending', async () => {
  const child = spawn(
    process.execPath,
    logging(`
      // Like cmd/main.ts; afterwards a pipe is non-blocking.
      process.stdout.on('error', () => {})
      for (let i = 0; i < 500; i++) log.info('line', more)
      await new Promise((resolve) => setTimeout(resolve, 200))
      await log.close()
      process.exit(3)`),
  )
  expect(await once(child, 'exit')).toEqual([3, null])
})

/** Reads until `bytes` have arrived. */
async function readBytes({ stdout }: ChildProcessWithoutNullStreams, bytes: number): Promise<number> {
  let count = 0
  for await (const [chunk] of on(stdout, 'data')) {
    count += chunk.length
    if (count > bytes) return count
  }
  return count
}

const almostAll = 15 * 1024 * 1024

test('lines dropped because of a slow reader are counted and reported', async () => {
  const child = spawn(
    process.execPath,
    logging(`
      for (let i = 0; i < 6000; i++) log.info('line', more)
      process.stdin.once('data', async () => {
        log.info('last')
        await log.close()
        process.exit(0)
      })
      process.stderr.write('written')`),
  )
  // Nothing reads until everything is written.
  await once(child.stderr, 'data')
  const output = text(child.stdout)
  // What was kept is written before the next line arrives.
  await readBytes(child, almostAll)
  child.stdin.write('go')
  const lines = (await output)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  const kept = lines.filter(({ msg }) => msg === 'line').length
  const [found, ...more] = lines.filter(({ lost }) => lost > 0)
  expect(more).toEqual([])
  expect(kept).toBeLessThan(6000)
  expect(kept + found.lost).toBe(6000)
  expect(found).toMatchObject({
    level: 'warn',
    msg: `lost ${found.lost} log lines: standard output is too slow or its disk is full`,
  })
  expect(lines.at(-1)).toMatchObject({ msg: 'last' })
})

test('lost lines are reported as soon as there is room, without waiting for another line', async () => {
  const child = spawn(
    process.execPath,
    logging(`
      for (let i = 0; i < 6000; i++) log.info('line', more)
      process.stdin.resume()
      process.stderr.write('written')`),
  )
  await once(child.stderr, 'data')
  const loss = /"msg":"lost \d+ log lines: [^"]*","lost":\d+}\n/
  let end = ''
  for await (const [chunk] of on(child.stdout, 'data')) {
    const found = end + chunk
    if (loss.test(found)) break
    // The line may be split across two chunks.
    end = found.slice(-1000)
  }
  child.kill()
})

test('a failed write is retried without waiting for another line', async () => {
  const child = spawn(
    process.execPath,
    writing(
      `let attempts = 0
       fs.write = (...given) => {
         attempts++
         answerWith('ENOSPC')(...given)
       }`,
      `// More than is kept: not one line more fits.
       for (let i = 0; i < 6000; i++) output.write('x'.repeat(4000) + '\\n')
       const timer = setInterval(() => {
         if (attempts === 0) return
         clearInterval(timer)
         fs.write = write
         syncBuiltinESMExports()
       }, 5)
       process.stdin.resume()`,
    ),
  )
  const count = await readBytes(child, almostAll)
  child.kill()
  expect(count).toBeGreaterThan(almostAll)
})
