/// <reference lib="dom" />
import type UPlot from 'uplot'
import type { Rates } from './rates.ts'
import { reasonNames, reasonWords } from './rates.ts'

declare global {
  interface Window {
    readonly uPlot: typeof UPlot
  }
}

/** A chart of rates. Colours come from the style sheet; the width is that of `place`. */
export function createPlot(place: HTMLElement): (rates: Rates, window: number) => void {
  let plot: UPlot | undefined
  let latest: Rates = { times: [], series: reasonNames.map(() => []) }
  let seconds = 300
  const span = (): [number, number] => {
    const end = latest.times.at(-1) ?? Date.now() / 1000
    return [end - seconds, end]
  }
  const draw = (): void => {
    plot?.destroy()
    plot = new window.uPlot(optionsFor(place, span), dataOf(latest), place)
  }
  draw()
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)
  new ResizeObserver(() => plot?.setSize(sizeOf(place))).observe(place)
  return (rates, window) => {
    latest = rates
    seconds = window
    plot?.setData(dataOf(rates))
  }
}

const dataOf = ({ times, series }: Rates): UPlot.AlignedData => [
  [...times],
  ...series.map((values) => [...values]),
]

const sizeOf = (place: HTMLElement): { width: number; height: number } => ({
  width: Math.max(240, place.clientWidth),
  height: place.clientWidth < 500 ? 200 : 240,
})

const dashes: readonly (readonly number[])[] = [[], [6, 3], [2, 3], [8, 3, 2, 3], [4, 4], [1, 4]]

function optionsFor(place: HTMLElement, span: () => [number, number]): UPlot.Options {
  const style = getComputedStyle(document.documentElement)
  const colour = (name: string): string => style.getPropertyValue(`--${name.replaceAll('_', '-')}`).trim()
  const axis = {
    stroke: colour('soft'),
    grid: { stroke: colour('line'), width: 1 },
    ticks: { stroke: colour('line'), width: 1 },
  }
  return {
    ...sizeOf(place),
    cursor: { drag: { x: false, y: false } },
    scales: { x: { range: span }, y: { range: (_plot, _low, high) => [0, Math.max(high * 1.1, 0.5)] } },
    axes: [
      { ...axis, space: 70, values: (_plot, ticks) => ticks.map(timeText) },
      { ...axis, size: 46, values: (_plot, ticks) => ticks.map(rateText) },
    ],
    series: [
      {
        label: 'time',
        // Without a pointer on the chart, the legend shows the latest values.
        value: (_plot: UPlot, time: number | null) => (time === null ? 'now' : timeText(time)),
      },
      ...reasonNames.map((reason, index) => ({
        label: reasonWords[reason],
        stroke: colour(reason),
        fill: reason === 'matched' ? `${colour(reason)}22` : undefined,
        width: 2,
        dash: [...(dashes[index] ?? [])],
        points: { show: false },
        paths: window.uPlot.paths.stepped?.({ align: -1 }),
        value: (plot: UPlot, rate: number | null, at: number) => rateText(rate ?? lastOf(plot.data[at]) ?? 0),
      })),
    ].map(withoutUndefined),
  }
}

const lastOf = (values: ArrayLike<number | null | undefined> | undefined): number | null | undefined =>
  values?.[values.length - 1]

/** uPlot treats a property with the value `undefined` as set. */
function withoutUndefined(series: object): UPlot.Series {
  return Object.fromEntries(Object.entries(series).filter(([, value]) => value !== undefined))
}

const timeText = (time: number): string => new Date(time * 1000).toLocaleTimeString('en-GB')

const rateText = (rate: number): string =>
  rate === 0 ? '0' : rate.toLocaleString('en', { maximumSignificantDigits: 2 })
