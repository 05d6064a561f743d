import { adminEndpointsPage } from './admin-endpoints.ts'
import { doctorCodesPage } from './doctor-codes.ts'
import { lintCodesPage } from './lint-codes.ts'
import { logFieldsPage } from './log-fields.ts'
import { metricsPage } from './metrics.ts'
import { settingsPage } from './settings.ts'

/** Every generated reference page, by its file. */
export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  const doctor = await doctorCodesPage()
  return new Map([
    ['rules/lint-codes.md', lintCodesPage()],
    ['deploy/guides/reference/settings.md', settingsPage()],
    ['deploy/guides/reference/metrics.md', await metricsPage()],
    ['deploy/guides/reference/log-fields.md', logFieldsPage()],
    ['deploy/guides/reference/admin-endpoints.md', adminEndpointsPage()],
    ...(doctor === undefined ? [] : ([['deploy/guides/reference/doctor-codes.md', doctor]] as const)),
  ])
}
