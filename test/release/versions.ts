/** Exits with 1 unless package, chart and changelog agree on the released version. Needs only Node. */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const textOf = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

/** Each place with a version, and that version. */
export function releaseVersions(): readonly (readonly [string, string | undefined])[] {
  const chart = textOf('deploy/chart/Chart.yaml')
  return [
    ['package.json', /"version": "([^"]+)"/.exec(textOf('package.json'))?.[1]],
    ['package-lock.json', /"version": "([^"]+)"/.exec(textOf('package-lock.json'))?.[1]],
    ['deploy/chart/Chart.yaml version', /^version: (.+)$/m.exec(chart)?.[1]],
    ['deploy/chart/Chart.yaml appVersion', /^appVersion: (.+)$/m.exec(chart)?.[1]],
    ['CHANGELOG.md', /^## \[(\d[^\]]*)\] - \d{4}-\d{2}-\d{2}$/m.exec(textOf('CHANGELOG.md'))?.[1]],
  ]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wanted = process.argv[2]
  const wrong = releaseVersions().filter(([, version]) => version !== wanted)
  for (const [place, version] of wrong) console.error(`${place} names ${version}, not ${wanted}`)
  process.exitCode = wrong.length === 0 ? 0 : 1
}
