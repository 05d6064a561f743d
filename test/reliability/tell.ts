import { appendFileSync } from 'node:fs'

/** What a test measured, by name. */
export type Told = Readonly<Record<string, number>>

/** Names the file that a reliability run reads measurements from. */
export const tellVariable = 'RELIABILITY_TOLD'

/** Tells the reliability run that started this test what was measured. Without such a run nothing happens. */
export function tell(measurement: Told): void {
  const file = process.env[tellVariable]
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(measurement)}\n`)
}
