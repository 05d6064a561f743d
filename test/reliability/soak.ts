/** Figure 16: many connections and a reload every second for a long time, in a small heap. */

import { Agent } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { cpuNanoseconds } from '../bench/accounting.ts'
import { replace } from '../rules/directory.ts'
import { exchange, metric } from '../serve/exchange.ts'
import { generationFile, generationOf, pageRequests } from '../serve/generations.ts'
import type { Program } from '../serve/program.ts'
import type { Measured, Scale } from './figure.ts'
import { inMegabytes, openDescriptors, residentSet, whileServing } from './serving.ts'

const connectionCount = 500
/** The longest pause of a connection between two requests, in milliseconds; the shortest is half of it. */
const longestRest = 3_000
const oldSpaceMegabytes = 64
const container = 256 * 1024 * 1024
const megabyte = 1024 * 1024
const mostSlope = 5 * megabyte
/** Open descriptors late in the run relative to early ones. */
const mostDescriptorGrowth = 1.05
/** Allowed increase after all connections are closed again. */
const mostLeftDescriptors = 5
/** The sidecar keeps a connection to the store for a while. */
const patience = 60_000
/** A slope needs this many seconds; a shorter run shows only the sawtooth of the garbage collector. */
const shortestForSlope = 900
/** Share of the run in which heap and compiled code still grow; left out. */
const warmUpShare = 0.25

interface Sample {
  /** Since the start. */
  readonly seconds: number
  readonly residentBytes: number
  readonly descriptors: number
}

interface Traffic {
  answered: number
  readonly failures: string[]
}

/** Runs for `seconds`. At scale `nightly`, a run too short for a slope does not hold the promise. */
export function measureSoak(seconds: number, scale: Scale): Promise<Measured> {
  const options = {
    files: { 'site.yaml': generationFile(1) },
    nodeFlags: [`--max-old-space-size=${oldSpaceMegabytes}`],
    observe: () => {},
  }
  return whileServing(options, async ({ program, rules }) => {
    const before = await openDescriptors(program.pid)
    const cpuBefore = cpuNanoseconds(program.pid)
    const until = performance.now() + 1_000 * seconds
    const isOver = (): boolean => performance.now() >= until
    const traffic: Traffic = { answered: 0, failures: [] }
    const clients = Array.from({ length: connectionCount }, () => client(program, traffic, isOver))
    const [samples, reloads] = await Promise.all([
      sampleWhile(program, isOver),
      reloadEachSecond(rules, isOver),
      ...clients,
    ])
    const cpu = (cpuNanoseconds(program.pid) - cpuBefore) / 1e9 / seconds
    const applied = await metric(program.admin, 'cors_sidecar_rules_generation')
    const { peak } = await residentSet(program.pid)
    const left = (await fewestDescriptors(program, before)) - before
    return judge({ scale, seconds, cpu, samples, traffic, reloads, applied: (applied ?? 0) - 1, peak, left })
  })
}

async function client({ data }: Program, traffic: Traffic, isOver: () => boolean): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  let latest = 0
  await pause(Math.random() * longestRest)
  while (!isOver())
    for (const sent of pageRequests) {
      const seen = await exchange(`${data}/site/object`, { ...sent, agent }).then(generationOf, String)
      if (typeof seen === 'string') traffic.failures.push(seen)
      else if (seen < latest) traffic.failures.push(`generation ${seen} after ${latest}`)
      else {
        latest = seen
        traffic.answered++
      }
      await pause((0.5 + Math.random() / 2) * longestRest)
    }
  agent.destroy()
}

async function reloadEachSecond(rules: string, isOver: () => boolean): Promise<number> {
  let reloads = 0
  while (!isOver()) {
    await replace(rules, 'site.yaml', generationFile(2 + reloads++))
    await pause(1_000)
  }
  return reloads
}

async function sampleWhile({ pid }: Program, isOver: () => boolean): Promise<readonly Sample[]> {
  const began = performance.now()
  const samples: Sample[] = []
  while (!isOver()) {
    const [{ now }, descriptors] = await Promise.all([residentSet(pid), openDescriptors(pid)])
    samples.push({ seconds: (performance.now() - began) / 1000, residentBytes: now, descriptors })
    await pause(1_000)
  }
  return samples
}

/** The number left when every connection is closed again. */
async function fewestDescriptors({ pid }: Program, wanted: number): Promise<number> {
  const until = performance.now() + patience
  let fewest = await openDescriptors(pid)
  while (fewest > wanted && performance.now() < until) {
    await pause(500)
    fewest = Math.min(fewest, await openDescriptors(pid))
  }
  return fewest
}

interface Soaked {
  readonly scale: Scale
  /** Share of one core. */
  readonly cpu: number
  readonly seconds: number
  readonly samples: readonly Sample[]
  readonly traffic: Traffic
  readonly reloads: number
  readonly applied: number
  readonly peak: number
  /** Descriptors. */
  readonly left: number
}

function judge({ scale, seconds, cpu, samples, traffic, reloads, applied, peak, left }: Soaked): Measured {
  const warm = samples.slice(Math.floor(samples.length * warmUpShare))
  const slope = 3_600 * slopeOf(warm.map(({ seconds, residentBytes }) => [seconds, residentBytes]))
  const quarter = Math.ceil(warm.length / 4)
  const descriptors = warm.map((sample) => sample.descriptors)
  const [first, last] = [median(descriptors.slice(0, quarter)), median(descriptors.slice(-quarter))]
  const isLong = seconds >= shortestForSlope
  const { answered, failures } = traffic
  const slopeInWords = isLong
    ? `RSS slope ${(slope / megabyte).toFixed(1)} MB/h`
    : 'too short for a slope of the RSS'
  return {
    measured: `${(seconds / 60).toFixed(1)} minutes, ${connectionCount} connections, heap ${oldSpaceMegabytes} MB, ${(100 * cpu).toFixed(0)} % of a core: ${answered} requests, ${failures.length} failed${failures.slice(0, 2).map((what) => ` (${what})`)}; ${reloads} files renamed, ${applied} reloads; RSS at most ${inMegabytes(peak)}, ${slopeInWords}; descriptors ${first} early, ${last} late, ${left} more than at first when all is closed`,
    held:
      failures.length === 0 &&
      answered > 0 &&
      applied >= reloads / 2 &&
      peak <= container &&
      (isLong ? slope < mostSlope : scale === 'ordinary') &&
      last <= first * mostDescriptorGrowth &&
      left <= mostLeftDescriptors,
  }
}

/** Slope of the least-squares line. */
function slopeOf(points: readonly (readonly [number, number])[]): number {
  const mean = (index: 0 | 1): number =>
    points.reduce((sum, point) => sum + point[index], 0) / Math.max(1, points.length)
  const [meanX, meanY] = [mean(0), mean(1)]
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0)
  const variance = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  return covariance / variance
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN
