/** A program with a child process, whose id it writes. */

import { inChild, moduleBeside } from '../../src/children/children.ts'
import type * as calls from './calls.ts'

const call = inChild<typeof calls>(moduleBeside(import.meta.url, 'calls'))
setInterval(async () => process.stdout.write(`${await call('pid')}\n`), 100)
