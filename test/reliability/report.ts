import { appendFileSync } from 'node:fs'

/** What a test measured, by name. */
export type Measurements = Readonly<Record<string, number>>

/** Environment variable with the path of the file from which a reliability run reads measurements. */
export const reportVariable = 'RELIABILITY_MEASUREMENTS'

/** Reports a measurement to the reliability run that started this test. Does nothing without such a run. */
export function report(measurement: Measurements): void {
  const file = process.env[reportVariable]
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(measurement)}\n`)
}
