import { expect, test } from 'vitest'
import { startPath } from './path.ts'
import { holdRow, rows, rowTimeouts } from './raw-row.ts'
import { recordRequests } from './recording-store.ts'

// Rows that need rules are tested in serve/raw-rows.spec.ts.
const quick = rows.filter((row) => row.ctx === 'any' && row.check.slow !== true)

test.each(quick)('$id: $why', { timeout: 20_000 }, async (row) => {
  const store = await recordRequests(row.upstream)
  const path = await startPath({ store: store.port, ...rowTimeouts })
  await holdRow(row, path.port, store)
  expect(path.failures).toEqual([])
})
