import { forgetPeak, peakResidentBytes, residentNow } from '../accounting.ts'
import { atMost } from '../budgets.ts'
import { megabytes, ratio } from '../figures.ts'
import {
  type Direction,
  directions,
  gigabyte,
  measure,
  megabyte,
  type Stores,
  startProxy,
  startSidecar,
  startStores,
  type Transferred,
} from '../forwarders.ts'
import type { Bench, SectionResult } from '../section.ts'
import { medianOf, ratiosOf, spreadOf } from '../stats.ts'
import type { Table } from '../table.ts'

/** Large objects: CPU per gigabyte compared with nginx, and memory by size, direction, TLS and concurrency. */
export async function streams(bench: Bench): Promise<SectionResult> {
  const stores = await startStores(bench)
  const beside = await besideNginx(bench, stores)
  const memory = await memoryOfStreams(bench, stores)
  await stores.end()
  bench.progress('')
  return {
    title: 'Streams',
    notes: [
      `Downloads come from nginx (a sparse file, sendfile). Uploads go to a store that counts the bytes and discards them. Both ends compare the number of bytes. The client is one Node process, so MB/s is what client, forwarder and store reach together on these cores. nginx forwards with one worker, \`proxy_buffering off\` and \`proxy_request_buffering off\`, and its default buffers; its CPU is that of master and worker. Over TLS both are checked to use the same version and cipher.`,
      'For the memory table, each row has its own sidecar, and growth is the peak minus the resident memory before the load. With 64 objects of 5 GB at a time, all 64 stream until 10 GB have passed and are then aborted.',
      ...(bench.options.full ? [] : ['Objects of 5 GB are measured with `--full` only.']),
    ],
    tables: [beside.table, memory],
    budgets: beside.budgets,
    ratios: beside.ratios,
  }
}

/** The ratios to nginx for plain HTTP only, for a quick run. */
export async function streamRatios(bench: Bench): Promise<SectionResult['ratios']> {
  const stores = await startStores(bench)
  const { ratios } = await besideNginx(bench, stores, [false])
  await stores.end()
  return ratios
}

interface Beside {
  readonly title: string
  readonly isSecure: boolean
  readonly direction: Direction
  readonly sidecar: readonly Transferred[]
  readonly nginx: readonly Transferred[]
  /** One per round. */
  readonly ratios: readonly number[]
}

async function besideNginx(
  bench: Bench,
  stores: Stores,
  secure: readonly boolean[] = [false, true],
): Promise<Pick<SectionResult, 'budgets' | 'ratios'> & { readonly table: Table }> {
  const all: Beside[] = []
  for (const isSecure of secure)
    for (const direction of directions) all.push(await compare(bench, stores, direction, isSecure))
  const plain = all.filter(({ isSecure }) => !isSecure)
  const middle = (
    measured: readonly Transferred[],
    pick: 'cpuSecondsPerGigabyte' | 'megabytesPerSecond',
  ): number => medianOf(measured.map((one) => one[pick]))
  return {
    table: {
      columns: ['100 MB, one at a time', 'CPU s/GB', 'nginx CPU s/GB', 'CPU / nginx', 'MB/s', 'nginx MB/s'],
      rows: all.map(({ title, sidecar, nginx, ratios }) => [
        title,
        middle(sidecar, 'cpuSecondsPerGigabyte').toFixed(2),
        middle(nginx, 'cpuSecondsPerGigabyte').toFixed(2),
        ratio(spreadOf(ratios)),
        middle(sidecar, 'megabytesPerSecond').toFixed(0),
        middle(nginx, 'megabytesPerSecond').toFixed(0),
      ]),
    },
    budgets: all.map(({ title, isSecure, ratios }) =>
      atMost(`100 MB ${title}: CPU per GB / nginx, buffering off`, ratios, isSecure ? 1.2 : 1, {
        remedy: isSecure
          ? 'Node encrypts and decrypts in pieces of 16 KB, each with its own call into OpenSSL'
          : 'larger pieces from the sockets: Node reads 64 KB at a time',
      }),
    ),
    ratios: Object.fromEntries(
      plain.map(({ title, ratios }) => [`100 MB ${title} / nginx`, medianOf(ratios)]),
    ),
  }
}

async function compare(
  bench: Bench,
  stores: Stores,
  direction: Direction,
  isSecure: boolean,
): Promise<Beside> {
  const title = nameOf(direction, isSecure)
  const sidecar = await startSidecar(bench, stores, direction, isSecure)
  const nginx = await startProxy(bench, stores, direction, isSecure)
  const order = { direction, bytes: 100 * megabyte, transfers: 8, atATime: 1, ca: stores.cert }
  const measured: { sidecar: Transferred; nginx: Transferred }[] = []
  for (let round = 0; round <= bench.options.rounds; round++) {
    bench.progress(`100 MB ${title} beside nginx, ${round === 0 ? 'warming up' : `round ${round}`}`)
    const ofSidecar = (): Promise<Transferred> => measure(bench, sidecar, order)
    const ofNginx = (): Promise<Transferred> => measure(bench, nginx, order)
    // Rounds alternate in which one starts.
    const both =
      round % 2 === 0
        ? { sidecar: await ofSidecar(), nginx: await ofNginx() }
        : { nginx: await ofNginx(), sidecar: await ofSidecar() }
    if (both.sidecar.tls !== both.nginx.tls)
      throw new Error(`TLS is not the same: ${both.sidecar.tls}, and with nginx ${both.nginx.tls}`)
    if (round > 0) measured.push(both)
  }
  await Promise.all([sidecar.end(), nginx.end()])
  const ofSidecar = measured.map(({ sidecar }) => sidecar)
  const ofNginx = measured.map(({ nginx }) => nginx)
  const cpu = (all: readonly Transferred[]): readonly number[] =>
    all.map(({ cpuSecondsPerGigabyte }) => cpuSecondsPerGigabyte)
  const ratios = ratiosOf(cpu(ofSidecar), cpu(ofNginx))
  return { title, isSecure, direction, sidecar: ofSidecar, nginx: ofNginx, ratios }
}

const nameOf = (direction: Direction, isSecure: boolean): string =>
  `${direction.toUpperCase()}${isSecure ? ' over TLS' : ''}`

async function memoryOfStreams(bench: Bench, stores: Stores): Promise<Table> {
  const sizes = bench.options.full ? [100 * megabyte, 5 * gigabyte] : [100 * megabyte]
  const rows: string[][] = []
  for (const bytes of sizes)
    for (const atATime of [1, 64])
      for (const isSecure of [false, true])
        for (const direction of directions) {
          const size = bytes < gigabyte ? '100 MB' : '5 GB'
          const title = `${size} ${nameOf(direction, isSecure)}, ${atATime} at a time`
          bench.progress(`memory: ${title}`)
          const sidecar = await startSidecar(bench, stores, direction, isSecure)
          const rest = residentNow(sidecar.pid)
          forgetPeak(sidecar.pid)
          const transfers = atATime === 64 ? 64 : bytes < gigabyte ? 20 : 1
          const order = { direction, bytes, transfers, atATime, ca: stores.cert }
          const isTooMuch = bytes * transfers > 10 * gigabyte
          const limit = isTooMuch ? { stopAfter: 10 * gigabyte } : {}
          const seen = await measure(bench, sidecar, { ...order, ...limit })
          const peak = peakResidentBytes(sidecar.pid)
          await sidecar.end()
          rows.push([
            title,
            megabytes(peak),
            megabytes(peak - rest),
            seen.megabytesPerSecond.toFixed(0),
            seen.cpuSecondsPerGigabyte.toFixed(2),
          ])
        }
  return { columns: ['memory of the sidecar', 'peak RSS', 'growth', 'MB/s', 'CPU s/GB'], rows }
}
