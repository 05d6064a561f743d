import { appendFileSync } from 'node:fs'

/** What a test measured, by name. */
export type Measurements = Readonly<Record<string, number>>

/** Names the file from which a reliability run reads measurements. */
export const tellVariable = 'RELIABILITY_TOLD'

/** Reports a measurement to the reliability run that started this test. Does nothing without such a run. */
export function tell(measurement: Measurements): void {
  const file = process.env[tellVariable]
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(measurement)}\n`)
}
